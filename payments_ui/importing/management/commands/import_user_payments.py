"""Moves a site in that keeps its books with django-user-payments."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.conf import settings
from payments_ui.core.audit import audit
from payments_ui.exceptions import PaymentsUIError
from payments_ui.importing import move_in

_EXAMPLES, _FINDINGS = 5, 20


class Command(BaseCommand):
    help = (
        "Copy payments, line items and Stripe's customers of django-user-payments into the books. "
        "Says what would happen and writes only with --commit. What was copied before stays as "
        "it is. Ends with an audit of the books; exits with 1 where the audit finds something."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--commit", action="store_true", help="Write what would happen.")
        parser.add_argument(
            "--currency",
            default=settings.CURRENCY,
            help="Currency of all amounts in the old tables (default: %(default)s).",
        )
        parser.add_argument(
            "--source-alias",
            help="Database that has the old tables, if not that of the books. Users need the "
            "same primary keys in both.",
        )
        parser.add_argument(
            "--stripe-account",
            default="",
            help="The account of your moocher for Stripe, where it has one, for the customers of "
            "stripe_customers.",
        )
        parser.add_argument("--ids", action="store_true", help="List every id, not five of a kind.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = move_in.move_in(
                currency=options["currency"],
                using=options["source_alias"],
                commit=options["commit"],
                examples=None if options["ids"] else _EXAMPLES,
                stripe_account=options["stripe_account"],
            )
        except PaymentsUIError as error:
            raise CommandError(f"{error}. Nothing was copied.") from error
        done = "Done" if options["commit"] else "Dry run: nothing is written"
        self.stdout.write(f"{done}. Amounts are in {report.currency}.")
        for line in report.lines():
            self.stdout.write(line)
        if options["commit"]:
            self._audit()
        else:
            self.stdout.write("Add --commit to write.")

    def _audit(self) -> None:
        findings = audit()
        shown = list(islice(findings, _FINDINGS))
        for found in shown:
            self.stderr.write(f"{found.rule}: {found.kind} {found.id} {found.detail}")
        if shown:
            more = sum(1 for _found in findings)
            raise CommandError(
                f"The audit finds {len(shown) + more}: see audit_payments.", returncode=1
            )
        self.stdout.write(self.style.SUCCESS("The audit finds nothing."))
