"""The site that is measured: its PSP answers at once, so that only the kit's own work is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import AttemptUrls
from tests.saving import SavingMoocher, saved


class Card(SavingMoocher):
    """A card that is always charged, and no request is sent."""

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        return attempt.exact_outcome(psp_reference=f"ch_{attempt.pk.hex}")


card = Card(identifier="card", title="Card")


def save_card(user: User) -> None:
    """Let a user save a card, and agree to be charged with it at night."""
    saved(user, card, unattended="Charge it.")
