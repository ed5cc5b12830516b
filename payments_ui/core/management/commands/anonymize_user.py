"""Removes the personal data of a user who asks to be deleted; the books stay."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.core.management.users import find_user
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.exceptions import PaymentsUIError


class Command(BaseCommand):
    help = (
        "Removes the personal data of a user and keeps the books. It clears the user's name, "
        "e-mail and password, the e-mail on payments, the titles of line items, and what "
        "payment services reported. Amounts, ids and the journal stay. This is final."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="User name or primary key.")
        parser.add_argument("--yes", action="store_true", help="Skip the confirmation.")
        parser.add_argument("--keep-titles", action="store_true", help="Keep titles of line items.")
        parser.add_argument("--reason", default="", help="Reason for the journal, without names.")

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
            raise CommandError(f"{error}. The user was not changed.") from error
        self.stdout.write(self.style.SUCCESS(f"User {user.pk} was anonymized."))

    def _ask(self, user: Any) -> None:
        question = f"Anonymize {user} (id {user.pk})? This is final. Type yes to continue: "
        if input(question).strip().lower() != "yes":
            raise CommandError("Cancelled. The user was not changed.")
