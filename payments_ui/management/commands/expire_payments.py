"""Gives up pending payments that were abandoned."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.management.users import find_user
from payments_ui.flows.expire import expire
from payments_ui.management import command_output


class Command(BaseCommand):
    help = (
        "Give up pending payments without an attempt for PENDING_DAYS: their charges return to "
        "the list. An attempt that waits for the customer is called off at its PSP first, and "
        "kept unless the PSP confirms. Exit code 2 if a PSP did not answer or something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="Instead of PENDING_DAYS.")
        parser.add_argument("--user", help="Of one user only: user name or primary key.")
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and options["days"] < 1:
            raise CommandError("--days is at least 1: customers have time to pay.")
        result = expire(
            days=options["days"],
            user=find_user(options["user"]) if options["user"] else None,
            dry_run=options["dry_run"],
        )
        line = f"{result.due} abandoned payments. Nothing was changed."
        if not options["dry_run"]:
            done = {
                "given up": result.expired,
                "charged after all": result.charged,
                "kept": result.kept,
            }
            line = f"{result.due} abandoned payments: {command_output.counted(done)}."
        command_output.finish(self, result, [line], as_json=options["json"])
