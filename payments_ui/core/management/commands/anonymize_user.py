"""Anonymizes a user who wants to be deleted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.management.users import find_user
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.exceptions import PaymentsUIError


class Command(BaseCommand):
    help = (
        "Drop the person and keep the books: blanks a user's name, e-mail and password, the "
        "e-mail of their payments, the titles of their line items, and what PSPs told of them. "
        "Amounts, ids and the journal stay. Cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="User name or primary key.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--keep-titles", action="store_true", help="Titles are not personal.")
        parser.add_argument("--reason", default="", help="For the journal; never a name.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"])
        if not options["yes"]:
            self._ask(user)
        try:
            anonymize_user(
                user,
                by="command:anonymize_user",
                reason=options["reason"],
                keep_titles=options["keep_titles"],
            )
        except PaymentsUIError as error:
            raise CommandError(f"{error}. Nothing was changed.") from error
        self.stdout.write(self.style.SUCCESS(f"User {user.pk} is anonymized."))

    def _ask(self, user: Any) -> None:
        question = f"Anonymize {user} (id {user.pk})? This cannot be undone. Type yes: "
        if input(question).strip().lower() != "yes":
            raise CommandError("Nothing was changed.")
