"""Puts the seals of the books on, or takes them off."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from payments_ui.core import triggers
from payments_ui.core.triggers.upkeep import HINT, belong


class Command(BaseCommand):
    help = (
        "Put on the triggers by which the database refuses what no code may do to the books, "
        "where they are missing. migrate does so, too, unless PAYMENTS_UI['TRIGGERS'] is False."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="Only say which ones are on.")
        what.add_argument("--remove", action="store_true", help="Take them off.")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections))

    def handle(self, *, database: str, status: bool, remove: bool, **options: Any) -> None:
        if not belong(database):
            raise CommandError(f"Run `manage.py migrate` first: {database!r} has no sealed tables.")
        if remove:
            triggers.remove(connections[database])
        elif not status:
            self._install(database)
        self._tell(database)

    def _install(self, database: str) -> None:
        try:
            triggers.install(connections[database])
        except triggers.TriggersNotAllowedError as error:
            raise CommandError(f"The database refuses: {error}. {HINT}") from error

    def _tell(self, database: str) -> None:
        there = triggers.installed(connections[database])
        names = sorted(triggers.expected(connections[database]))
        for name in names:
            self.stdout.write(f"{'on ' if name in there else 'off'} {name}")
        self.stdout.write(f"{len(there)} of {len(names)} seals are on.")
