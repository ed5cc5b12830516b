"""How the commands that work through many payments print what they did."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.flows.command_result import CommandResult

#: Part of the work could not be done; the next run goes on. 1 is Django's, for wrong arguments.
INCOMPLETE = 2


def add_arguments(parser: CommandParser) -> None:
    """The arguments that all of them take."""
    parser.add_argument("--dry-run", action="store_true", help="Count, and change nothing.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")


def finish(command: BaseCommand, result: CommandResult, lines: list[str], *, as_json: bool) -> None:
    """Print what was done; raises ``CommandError`` with exit code 2 if some of it was not."""
    command.stdout.write(json.dumps(result.as_dict()) if as_json else "\n".join(lines))
    if problems := result.problems:
        raise CommandError(f"{', '.join(problems)}. The next run goes on.", returncode=INCOMPLETE)


def counted(figures: Mapping[str, int]) -> str:
    """Figures by name, as in "3 settled, 0 failed"."""
    return ", ".join(f"{number} {name}" for name, number in figures.items())
