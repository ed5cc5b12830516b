"""A moocher whose PSP keeps payment methods, and users who have saved some."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core.models import Customer, PaymentMethod
from payments_ui.core.paymentmethods.instrument import Consent, Instrument
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome
from payments_ui.moochers.base import AttemptUrls
from payments_ui.testing.moochers import listed
from tests.fakes import FakeMoocher

VISA = Instrument(
    customer_id="",
    method_id="",
    brand="visa",
    last_four="4242",
    expires_year=2099,
    expires_month=7,
    country="CH",
)


class SavingMoocher(FakeMoocher):
    """Charges at the fake PSP, and keeps payment methods in `kept`, by the PSP's ids.

    `setups` holds what it answers when a payment method is saved or asked about; empty: a Visa.
    """

    can_save = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, Instrument] = {}
        self.setups: deque[SetupOutcome | Exception] = deque()
        self.instructions_for_setup = ""

    def create_customer(self, user: object, *, key: str) -> str:
        return f"cus_{key}"

    def keep(self, customer_id: str, **facts: Any) -> Instrument:
        """Have the PSP keep a card of this customer."""
        facts = {"fingerprint": secrets.token_hex(4), **facts}
        method_id = f"pm_{secrets.token_hex(8)}"
        kept = replace(VISA, customer_id=customer_id, method_id=method_id, **facts)
        self.kept[method_id] = kept
        return kept

    def save(
        self, method: PaymentMethod, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SetupOutcome:
        return self.ask_saved(method)

    def ask_saved(self, method: PaymentMethod) -> SetupOutcome:
        outcome = self.setups.popleft() if self.setups else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or Saved(instrument=self.keep(method.customer_id))

    def describe(self, method: PaymentMethod) -> Instrument | None:
        return self.kept.get(method.method_id or "")

    def forget(self, method: PaymentMethod) -> None:
        self.kept.pop(method.method_id or "", None)

    def setup_instructions(self, request: object, method: PaymentMethod) -> str:
        return self.instructions_for_setup


saving = SavingMoocher(identifier="saving", title="Card")
other = SavingMoocher(identifier="other", title="Wallet")
SAVING, OTHER = listed(saving, other)


def saved(
    user: User,
    moocher: SavingMoocher = saving,
    *,
    unattended: str = "",
    ip_address: str = "",
    **card: Any,
) -> Any:
    """Return a payment method that the user has saved."""
    customer = Customer.objects.for_user(user, **moocher.keeps_at)
    if customer.customer_id is None:
        customer = customer.name(moocher.create_customer(user, key=customer.idempotency_key))
    consent = Consent(
        text="Save it.",
        version="1",
        unattended_text=unattended,
        given_at=timezone.now(),
        ip_address=ip_address,
    )
    method = customer.start_saving(moocher=moocher.identifier, consent=consent)
    return method.record(Saved(instrument=moocher.keep(customer.customer_id or "", **card)))
