"""Settles what is open by asking the PSPs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.models import Attempt
from payments_ui.flows.reconcile import Report, reconcile
from payments_ui.management import results
from payments_ui.moochers.registry import moochers


class Command(BaseCommand):
    help = (
        "Ask the PSPs about open attempts and refunds: 1 and 5 minutes, 1, 6 and 22 hours after "
        "they began, then daily for a week, then the admins are told. Run it every minute; "
        "several may run at once. Exit code 2 if a PSP did not answer or something went wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--moocher", metavar="IDENTIFIER", help="Of one moocher only.")
        parser.add_argument(
            "--all",
            action="store_true",
            help="Ask about all that is open for more than a minute, as after an outage.",
        )
        results.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        moocher = options["moocher"]
        if moocher is not None:
            _check(moocher)
        report = reconcile(moocher=moocher, everything=options["all"], dry_run=options["dry_run"])
        lines = _lines(report, dry_run=options["dry_run"])
        results.finish(self, report, lines, as_json=options["json"])


def _check(identifier: str) -> None:
    known = moochers()
    if identifier not in known and not Attempt.objects.filter(moocher=identifier).exists():
        raise CommandError(f"No moocher is named {identifier!r}. Listed: {', '.join(known)}.")


def _lines(report: Report, *, dry_run: bool) -> list[str]:
    asked = {
        "settled": report.settled,
        "refunded": report.refunded,
        "failed": report.failed,
        "set aside": report.set_aside,
        "still open": report.still_open,
    }
    others = {
        "signals sent again": report.announced,
        "events matched": report.matched,
        "overdue": report.overdue,
        "told to the admins": report.told,
    }
    due = f"{report.due} due. Nothing was changed."
    lines = [due if dry_run else f"{report.asked} asked: {results.counted(asked)}."]
    lines.append(f"{results.counted(others)}.")
    if report.left_alone:
        left = ", ".join(f"{number} of {name}" for name, number in report.left_alone.items())
        lines.append(f"Left alone: {left}.")
    return lines
