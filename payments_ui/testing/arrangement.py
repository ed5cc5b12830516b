"""What the contract of moochers is arranged with: a PSP, a payment, an attempt."""

# ruff: noqa: S101 - assert is what tests do
from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.core.attempts import transitions
from payments_ui.core.attempts.outcomes import Outcome, Succeeded
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.moochers.base import AttemptUrls, Moocher
from payments_ui.moochers.ledgers import LedgerLine

from .watching import again

URLS = AttemptUrls("http://localhost:9/back?attempt=signed", "http://localhost:9/webhook/")


@pytest.mark.django_db
class Arrangement:
    """What a contract needs to know of a PSP, and what it looks at: to be subclassed."""

    #: What a customer fills in so that the money is taken.
    data: ClassVar[dict[str, Any]] = {}
    #: A payment that the moocher takes.
    amount: ClassVar[str] = "12.00"
    currency: ClassVar[str] = "CHF"
    #: What the PSP answers once the customer has done everything.
    end: ClassVar[type] = Succeeded

    @pytest.fixture
    def moocher(self) -> Moocher:
        """The moocher, configured as on a site. To be overridden."""
        raise NotImplementedError

    def taken(self, attempt: Attempt) -> Decimal:
        """What the PSP's books say was taken for this attempt. To be overridden."""
        raise NotImplementedError

    def finish(self, attempt: Attempt) -> None:
        """Do what the customer does at the PSP after ``charge``. Nothing, by default."""

    def outage(self) -> AbstractContextManager[Any] | None:
        """While it lasts the PSP cannot be reached; ``None`` if the moocher asks nobody."""
        raise NotImplementedError

    def unreachable(self) -> AbstractContextManager[Any]:
        """An outage, also of what asks nobody."""
        return self.outage() or nullcontext()

    def event(self, attempt: Attempt) -> HttpRequest | None:
        """The PSP's signed webhook about this attempt; ``None`` if it sends none."""
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
        """An attempt that is written down, and of which the PSP knows nothing yet."""
        return transitions.start(
            payment,
            moocher=moocher.identifier,
            account=moocher.account,
            live=moocher.live,
            manual=moocher.manual,
        )

    @pytest.fixture
    def arrived(self, moocher: Moocher, attempt: Attempt) -> Attempt:
        """An attempt with which the money arrived."""
        self.charge(moocher, attempt)
        self.finish(attempt)
        arrived = transitions.record(attempt, moocher.ask(again(attempt)))
        assert arrived.state == Attempt.State.SETTLED
        return arrived

    def charge(self, moocher: Moocher, attempt: Attempt) -> Attempt:
        """Charge the attempt, and return it as it is stored then."""
        return transitions.record(attempt, self.ask_for_money(moocher, attempt))

    def ask_for_money(self, moocher: Moocher, attempt: Attempt) -> Outcome:
        """Charge the attempt, and return what the moocher says."""
        form = moocher.get_form(self.request(), attempt.payment, self.data)
        assert form.is_valid(), form.errors
        return moocher.charge(attempt, data=form.cleaned_data, urls=URLS)

    def line(self, moocher: Moocher, attempt: Attempt) -> LedgerLine:
        """The one line of the PSP's books about an attempt."""
        lines = [one for one in moocher.ledger() if one.psp_reference == attempt.psp_reference]
        assert len(lines) == 1
        return lines[0]

    def request(self) -> HttpRequest:
        """A request for a page with the moocher's form."""
        return RequestFactory().get("/")
