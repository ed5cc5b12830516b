"""Settles what is open by asking the PSPs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.models import Attempt
from payments_ui.flows.reconcile import ReconcileResult, reconcile
from payments_ui.management import command_output
from payments_ui.moochers.registry import moochers


class Command(BaseCommand):
    help = (
        "Ask the PSPs about open attempts and refunds: 1 and 5 minutes, 1, 6 and 22 hours after "
        "they began, then daily for a week, then the admins are told. Run it every minute; "
        "several may run at once. Exit code 2 if a PSP did not answer or something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--moocher", metavar="IDENTIFIER", help="Of one moocher only.")
        parser.add_argument(
            "--all",
            action="store_true",
            help="Ask about all that is open for more than a minute, as after an outage.",
        )
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        moocher, listed = options["moocher"], moochers()
        if moocher not in {None, *listed} and not Attempt.objects.filter(moocher=moocher).exists():
            raise CommandError(f"No moocher is named {moocher!r}. Listed: {', '.join(listed)}.")
        result = reconcile(moocher=moocher, everything=options["all"], dry_run=options["dry_run"])
        lines = _lines(result, dry_run=options["dry_run"])
        command_output.finish(self, result, lines, as_json=options["json"])


def _lines(result: ReconcileResult, *, dry_run: bool) -> list[str]:
    asked = {
        "settled": result.settled,
        "refunded": result.refunded,
        "failed": result.failed,
        "with unexpected money": result.unexpected,
        "still open": result.still_open,
    }
    others = {
        "payment methods saved": result.methods_saved,
        "payment methods removed": result.methods_removed,
        "customers removed": result.customers_removed,
        "signals sent again": result.signals_sent,
        "events matched": result.events_matched,
        "events found": result.events_found,
        "overdue": result.overdue,
        "mailed to the admins": result.admins_notified,
    }
    due = f"{result.due} due. Nothing was changed."
    lines = [
        due if dry_run else f"{result.asked} asked: {command_output.counted(asked)}.",
        f"{command_output.counted(others)}.",
    ]
    if result.skipped:
        skipped = ", ".join(f"{number} of {name}" for name, number in result.skipped.items())
        lines.append(f"Skipped: {skipped}.")
    return lines
