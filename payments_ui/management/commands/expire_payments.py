"""Gives up pending payments that were abandoned."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.management.users import find_user
from payments_ui.flows.expire import Report, expire
from payments_ui.management import results


class Command(BaseCommand):
    help = (
        "Give up pending payments that nobody has touched for PENDING_DAYS: their charges "
        "return to the list. What waits for the customer at a PSP is called off there first, "
        "and kept unless the PSP confirms. Exit code 2 if a PSP did not answer or something "
        "went wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="Instead of PENDING_DAYS.")
        parser.add_argument("--user", help="Of one user only: user name or primary key.")
        results.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and options["days"] < 1:
            raise CommandError("--days is at least 1: nobody is hurried out of paying.")
        report = expire(
            days=options["days"],
            user=find_user(options["user"]) if options["user"] else None,
            dry_run=options["dry_run"],
        )
        lines = _lines(report, dry_run=options["dry_run"])
        results.finish(self, report, lines, as_json=options["json"])


def _lines(report: Report, *, dry_run: bool) -> list[str]:
    if dry_run:
        return [f"{report.due} abandoned payments. Nothing was changed."]
    done = {"given up": report.expired, "charged after all": report.charged, "kept": report.kept}
    return [f"{report.due} abandoned payments: {results.counted(done)}."]
