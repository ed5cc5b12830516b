"""What all contracts need to know of a PSP, and the payment and attempt they look at."""

# ruff: noqa: S101 (assert is what tests do)
from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.core.attempts.outcomes import Declined, Outcome, Succeeded
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.moochers.base import AttemptUrls, LedgerLine, Moocher

from .probes import stored

_URLS = AttemptUrls("http://localhost:9/back?attempt=signed", "http://localhost:9/webhook/")


@pytest.mark.django_db
class ContractBase:
    """The hooks that a subclass overrides, and the fixtures of the contracts."""

    #: What a customer fills in so that the money is taken.
    form_data: ClassVar[dict[str, Any]] = {}
    #: Amount and currency of a payment that the moocher takes.
    amount: ClassVar[str] = "12.00"
    currency: ClassVar[str] = "CHF"
    #: The class of the PSP's last outcome, when the customer has done everything.
    final_outcome: ClassVar[type[Outcome]] = Succeeded
    #: Whether the PSP signs and numbers its webhooks.
    signs_webhooks: ClassVar[bool] = True

    @pytest.fixture
    def moocher(self) -> Moocher:
        """The moocher, configured as on a site. Override it."""
        raise NotImplementedError

    def taken(self, attempt: Attempt) -> Decimal:
        """What the PSP's ledger says was taken for this attempt. Override it."""
        raise NotImplementedError

    def outage(self) -> AbstractContextManager[Any] | None:
        """While it lasts the PSP cannot be reached; None if the moocher calls no PSP.

        Override it.
        """
        raise NotImplementedError

    def finish(self, attempt: Attempt) -> None:
        """Do what the customer does at the PSP after `charge`. By default, nothing."""

    def webhook_request(self, attempt: Attempt) -> HttpRequest | None:
        """The PSP's webhook about this attempt. By default None: it sends no webhooks."""
        return None

    @pytest.fixture
    def payment(self, db: None) -> Payment:
        """A pending payment."""
        users: Any = get_user_model()._default_manager
        user = users.create_user(username="customer", email="customer@example.com")
        LineItem.objects.record(user=user, title="Use", amount=self.amount, currency=self.currency)
        payment = Payment.objects.create_pending(user=user)
        assert payment is not None
        return payment

    @pytest.fixture
    def attempt(self, moocher: Moocher, payment: Payment) -> Attempt:
        """An attempt that is stored, and that the PSP does not know yet."""
        return payment.start_attempt(
            moocher=moocher.identifier,
            account=moocher.account,
            live=moocher.live,
            manual=moocher.manual,
        )

    @pytest.fixture
    def settled_attempt(self, moocher: Moocher, attempt: Attempt) -> Attempt:
        """An attempt with which the money arrived."""
        self.charge(moocher, attempt)
        self.finish(attempt)
        settled = attempt.record(moocher.ask(stored(attempt)))
        assert settled.state == Attempt.State.SETTLED
        return settled

    def charge(self, moocher: Moocher, attempt: Attempt) -> Attempt:
        """Charge the attempt, store the outcome, and return the stored attempt."""
        return attempt.record(self.ask_to_charge(moocher, attempt))

    def ask_to_charge(self, moocher: Moocher, attempt: Attempt) -> Outcome:
        """Charge the attempt as the kit does and return the outcome; store nothing.

        The attempt in memory has the reference that was prepared.
        """
        form = moocher.get_form(self.request(), attempt.payment, self.form_data)
        assert form.is_valid(), form.errors
        data = form.cleaned_data
        if not attempt.psp_reference:
            prepared = moocher.prepare(attempt, data=data, urls=_URLS)
            if isinstance(prepared, Declined):
                return prepared
            attempt.psp_reference = prepared
        return moocher.charge(attempt, data=data, urls=_URLS)

    def unreachable(self) -> AbstractContextManager[Any]:
        """An outage; nothing changes for a moocher that calls no PSP."""
        return self.outage() or nullcontext()

    def ledger_line(self, moocher: Moocher, attempt: Attempt) -> LedgerLine:
        """The line of the PSP's ledger about an attempt."""
        lines = [line for line in moocher.ledger() if line.psp_reference == attempt.psp_reference]
        assert len(lines) == 1
        return lines[0]

    def request(self) -> HttpRequest:
        """A request for a page with the moocher's form."""
        return RequestFactory().get("/")
