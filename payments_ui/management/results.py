"""How the commands that work through many payments tell what they did."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.flows.runs import Report

#: Something could not be looked at; the next run goes on. 1 is Django's, for wrong arguments.
INCOMPLETE = 2


def add_arguments(parser: CommandParser) -> None:
    """The arguments that all of them take."""
    parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")


def finish(command: BaseCommand, report: Report, lines: list[str], *, as_json: bool) -> None:
    """Print what was done; raises ``CommandError`` with exit code 2 if some of it was not."""
    command.stdout.write(json.dumps(report.as_dict()) if as_json else "\n".join(lines))
    if not report.is_clean:
        raise CommandError(_incomplete(report), returncode=INCOMPLETE)


def counted(figures: dict[str, Any]) -> str:
    """Figures by name, as in "3 settled, 0 failed"."""
    return ", ".join(f"{number} {name}" for name, number in figures.items())


def _incomplete(report: Report) -> str:
    silent = [f"{name} does not answer" for name in report.not_answering]
    broken = [f"{report.errors} went wrong, the log says why"] if report.errors else []
    return f"{', '.join(silent + broken)}. The next run goes on."
