"""Sends the mails to customers that are due."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui.conf import settings
from payments_ui.flows.mails.due import send_due
from payments_ui.management import command_output


class Command(BaseCommand):
    help = (
        "Send customers the mails that are due: receipts, failed payments, steps that banks want, "
        "transfer details, refunds, cards that expire. Each is sent once, however many commands "
        "run. Run it every minute. Exit code 2 if no mail server was reached or something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BASE_URL:
            raise CommandError("Set BASE_URL: mails have links to this site.")
        result = send_due(dry_run=options["dry_run"])
        sent = command_output.counted(result.sent) or "none"
        line = f"{result.due} mails due, sent: {sent}."
        if options["dry_run"]:
            line = f"{result.due} mails due. Nothing was sent."
        command_output.finish(self, result, [line], as_json=options["json"])
