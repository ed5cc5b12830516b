"""shop/management/commands/charge.py: charges what everybody owes to their saved card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from shop.models import SavedCard

from payments_ui.core.models import Payment
from payments_ui.core.processing import (
    StopProcessingError,
    process_pending_payments,
    process_unbound_items,
)
from payments_ui.flows.charge_unattended import Charging
from payments_ui.moochers.registry import moochers


def saved_card(payment: Payment) -> Mapping[str, Any] | None:
    card = SavedCard.objects.filter(user=payment.user_id).first()
    return None if card is None else {"card": card.token}


class Command(BaseCommand):
    help = "Charge what everybody owes to their saved card. Exit code 2: run it again later."

    def handle(self, *args: Any, **options: Any) -> None:
        cards = Charging(moochers()["cards"], base_url="https://shop.example", data_for=saved_card)
        problems = []
        for process in (process_pending_payments, process_unbound_items):
            try:
                process(processors=[cards])
            except ExceptionGroup as group:  # the log has each of them
                problems.append(str(group))
                if group.subgroup(StopProcessingError):
                    break
        if problems:
            raise CommandError("; ".join(problems), returncode=2)
