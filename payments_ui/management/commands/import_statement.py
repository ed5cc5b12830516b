"""Books a bank's statement."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.exceptions import StatementError
from payments_ui.flows.import_statement import UNEXPECTED, import_statement

from .book_transfer import the_moocher


class Command(BaseCommand):
    help = (
        "Book the transfers of a bank statement: camt.053, camt.054 (versions 2, 4, 8) or MT940. "
        "Each is booked once, however often its file comes. The exit code is 1 where money "
        "arrived that needs a review."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="The statement as the bank made it; - reads what is piped."
        )
        parser.add_argument(
            "--by", default="command:import_statement", help="For the journal: who."
        )
        parser.add_argument("--moocher", help="Identifier, where the site has several accounts.")

    def handle(self, *args: Any, **options: Any) -> None:
        moocher = the_moocher(options["moocher"])
        try:
            name = options["file"]
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            report = import_statement(moocher, data, by=options["by"])
        except (OSError, StatementError) as error:
            raise CommandError(str(error)) from error
        for line in report.lines:
            self.stdout.write(line)
        counted = ", ".join(f"{number} {result}" for result, number in report.counts.items())
        self.stdout.write(self.style.SUCCESS(counted or "The statement has no entries."))
        if report.counts[UNEXPECTED]:
            raise CommandError("Some of it needs a review: see the admin.")
