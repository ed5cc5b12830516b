"""Plays the bank: lets a transfer arrive, short, in full or too much."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.models import Attempt

PART, REST, TOO_MUCH = "part", "rest", "too_much"
#: What may arrive next.
TRANSFERS = (
    (PART, _("about half of it: it comes short")),
    (REST, _("what is missing")),
    (TOO_MUCH, _("what is missing, and 1.00 too much")),
)


class BankForm(forms.Form):
    """What arrives for the transfer that a customer has announced."""

    transfer = forms.ChoiceField(label=_("Of your next bank transfer arrives"), choices=TRANSFERS)

    def book(self, user: User) -> bool:
        """Let it arrive, as a bank statement would; return whether a transfer is awaited."""
        attempt = Attempt.objects.open().filter(payment__user=user, manual=True).first()
        if attempt is None or not attempt.psp_reference:
            return False
        book_arrival(
            moocher=attempt.moocher,
            account=attempt.account,
            psp_reference=attempt.psp_reference,
            amount=self._amount(attempt.missing, attempt.currency),
            currency=attempt.currency,
            event_id=f"demo-{uuid.uuid4()}",
            arrived_on=timezone.localdate(),
            payer=user.get_full_name(),
            by="bank of the demo",
        )
        return True

    def _amount(self, missing: Decimal, currency: str) -> Decimal:
        chosen = self.cleaned_data["transfer"]
        if chosen == PART:
            least = money.from_minor_units(1, currency)
            return max(money.round_amount(missing / 2, currency), least)
        return missing + (1 if chosen == TOO_MUCH else 0)
