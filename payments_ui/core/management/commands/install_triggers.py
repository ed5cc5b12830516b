"""Installs the triggers of the books, or drops them."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from payments_ui.core import triggers
from payments_ui.core.triggers.on_migrate import HINT, has_tables


class Command(BaseCommand):
    help = (
        "Install the triggers by which the database refuses what no code may do to the books, "
        "where they are missing. migrate does so, too, unless PAYMENTS_UI['TRIGGERS'] is False."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="Only list them.")
        what.add_argument("--remove", action="store_true", help="Drop them.")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections))

    def handle(self, *, database: str, status: bool, remove: bool, **options: object) -> None:
        connection = connections[database]
        if not has_tables(database):
            raise CommandError(f"Run `manage.py migrate` first: {database!r} lacks the tables.")
        if remove:
            triggers.remove(connection)
        elif not status:
            try:
                triggers.install(connection)
            except triggers.TriggersNotAllowedError as error:
                raise CommandError(f"The database refuses: {error}. {HINT}") from error
        installed = triggers.installed(connection)
        names = sorted(triggers.expected(connection))
        for name in names:
            self.stdout.write(f"{'installed' if name in installed else 'missing  '} {name}")
        self.stdout.write(f"{len(installed)} of {len(names)} triggers are installed.")
