"""Deletes what nights leave behind once it is not read any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from payments_ui.flows.prune import prune
from payments_ui.management import command_output


class Command(BaseCommand):
    help = (
        "Delete runs that have ended with their batches and claims, and the rows of mails, after "
        "KEEP_DAYS. Payments, attempts and the journal stay. Run it every night. Exit code 2 if "
        "something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        result = prune(dry_run=options["dry_run"])
        figures = {
            "runs": result.runs,
            "batches": result.batches,
            "claims": result.claims,
            "mails": result.mails,
        }
        would = "would be " if options["dry_run"] else ""
        line = f"{command_output.counted(figures)} {would}deleted."
        if result.unknown_mails:
            line += f" Of {result.unknown_mails} mails it is not known whether they were sent."
        command_output.finish(self, result, [line], as_json=options["json"])
