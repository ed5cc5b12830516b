"""Every moocher keeps the contract, and the contract tells one that does not."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import stripe
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import (
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.models import Attempt, Payment, Refund
from payments_ui.moochers.banktransfer import Account, BankTransferMoocher, Creditor
from payments_ui.moochers.base import AttemptUrls, Moocher, Notice
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.contracts import (
    DisputeContract,
    EventContract,
    LedgerContract,
    MoocherContract,
    RefundContract,
)
from payments_ui.testing.moochers import WEBHOOK_SECRET
from payments_ui.testing.psp import SIGNATURE_HEADER, SandboxPSP, sign
from tests import fakes
from tests.fakes import FakeMoocher

KEY, SECRET = "key", "secret"


class FakePSPContract(MoocherContract):
    """The hooks of a moocher that pays at the fake PSP."""

    psp: SandboxPSP
    secret: ClassVar[str]

    def taken(self, attempt: Attempt) -> Decimal:
        return fakes.taken(self.psp)

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.psp.plan.outage(3600)
        yield
        self.psp.plan.clear()

    def webhook_request(self, attempt: Attempt) -> HttpRequest:
        charge = self.psp.ledger.charges.newest()[0]
        body = self.psp.outbox.deliveries(charge.id)[0]["body"].encode()
        signature = sign(self.secret, body, int(self.psp.ledger.clock.now()))
        headers = {SIGNATURE_HEADER: signature}
        return RequestFactory().post("/", body, content_type="application/json", headers=headers)


class SandboxContract(FakePSPContract, RefundContract, LedgerContract):
    kind: ClassVar[str]
    secret = SECRET

    @pytest.fixture
    def moocher(self, settings: Settings) -> Iterator[Moocher]:
        settings.PAYMENTS_UI = {"ALLOW_SANDBOX": True}
        with SandboxPSP(api_key=KEY, webhook_secret=SECRET) as self.psp:
            yield SandboxMoocher(
                psp_url=self.psp.url,
                api_key=KEY,
                webhook_secret=SECRET,
                kind=self.kind,
                account="acct_sandbox",
            )

    def refunded(self, refund: Refund) -> Decimal:
        refunds = self.psp.ledger.refunds.by_reference(refund.idempotency_key)
        return sum((Decimal(refund.amount) / 100 for refund in refunds), Decimal(0))

    def lost_reply(self) -> AbstractContextManager[Any]:
        self.psp.plan.add("lost_reply", on="refund")
        return nullcontext()


class TestSandboxCard(SandboxContract):
    kind = "card"
    form_data: ClassVar[dict[str, Any]] = {"card": "card_approve"}


class TestSandboxPage(SandboxContract):
    kind = "redirect"

    def finish(self, attempt: Attempt) -> None:
        self.psp.decide(Attempt.objects.get(pk=attempt.pk).action_url, "approve")


class StripeContract(
    FakePSPContract, RefundContract, LedgerContract, EventContract, DisputeContract
):
    page: ClassVar[str]

    @pytest.fixture
    def moocher(self) -> Iterator[Moocher]:
        with SandboxPSP(api_key=KEY, webhook_secret=SECRET) as self.psp:
            # Where nobody listens: what was to be sent is read from the outbox.
            self.psp.stripe.listen("http://127.0.0.1:9/")
            if self.page == "elements":
                token = self.psp.stripe.confirmation_token()
                self.form_data = {"confirmation_token": token}  # type: ignore[misc]
            yield StripeMoocher(
                secret_key=self.psp.stripe.secret_key,
                publishable_key=self.psp.stripe.publishable_key,
                webhook_secret=self.psp.stripe.webhook_secret,
                page=self.page,
                api_base=self.psp.stripe.url,
                timeout=(1, 2),
            )

    def webhook_request(self, attempt: Attempt) -> HttpRequest:
        self.finish(attempt)
        charge = self.psp.ledger.charges.newest()[0]
        body = self.psp.outbox.deliveries(charge.id)[0]["body"]
        sign = stripe.WebhookSignature.generate_signature_header
        headers = {"Stripe-Signature": sign(body, self.psp.stripe.webhook_secret)}
        return RequestFactory().post("/", body, content_type="application/json", headers=headers)

    def refunded(self, refund: Refund) -> Decimal:
        refunds = self.psp.ledger.refunds.by_reference(refund.idempotency_key)
        return sum((Decimal(refund.amount) / 100 for refund in refunds), Decimal(0))

    def lost_reply(self) -> AbstractContextManager[Any]:
        self.psp.plan.add("lost_reply", on="refund")
        return nullcontext()

    def refund_elsewhere(self, attempt: Attempt, amount: Decimal) -> str:
        given_back = self._merchant().v1.refunds.create(
            {"payment_intent": attempt.psp_reference or "", "amount": int(amount * 100)}
        )
        return given_back.id

    def fail_later(self, refund: Refund) -> bool:
        (given_back,) = self.psp.ledger.refunds.by_reference(refund.idempotency_key)
        self.psp.bank.return_refund(given_back.id, "lost_or_stolen_card")
        return True

    def open_dispute(self, attempt: Attempt) -> str:
        charge = self.psp.ledger.charges.newest()[0]
        self.dispute = self.psp.bank.open_dispute(charge.id, reason="fraudulent")
        (listed,) = self._merchant().v1.disputes.list().data
        return listed.id

    def lose(self) -> None:
        self.psp.bank.lose_dispute(self.dispute.id)

    def win(self) -> None:
        self.psp.bank.win_dispute(self.dispute.id)

    def _merchant(self) -> stripe.StripeClient:
        """Another program of the merchant, as Stripe's dashboard is."""
        return stripe.StripeClient(
            self.psp.stripe.secret_key,
            base_addresses={"api": self.psp.stripe.url},
            max_network_retries=0,
        )


class TestStripeFields(StripeContract):
    page = "elements"


class TestStripePage(StripeContract):
    page = "checkout"

    def finish(self, attempt: Attempt) -> None:
        self.psp.decide(Attempt.objects.get(pk=attempt.pk).action_url, "approve")


class TestBankTransfer(MoocherContract):
    final_outcome = Pending

    @pytest.fixture
    def moocher(self) -> Moocher:
        creditor = Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich")
        return BankTransferMoocher(
            creditor=creditor, accounts={"CHF": Account("CH44 3199 9123 0008 8901 2")}
        )

    def taken(self, attempt: Attempt) -> Decimal:
        return Decimal(0)

    def outage(self) -> None:
        return None


class TestThirdParty(FakePSPContract):
    form_data: ClassVar[dict[str, Any]] = {"name": "Ada"}
    secret = WEBHOOK_SECRET

    @pytest.fixture
    def moocher(self) -> Iterator[Moocher]:
        with fakes.new_psp() as self.psp:
            FakeMoocher.sandbox.pay_at(self.psp.url)
            yield fakes.cards


class ChargesTwice(FakeMoocher):
    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        again = copy.copy(attempt)
        again.idempotency_key = f"{attempt.idempotency_key}-{uuid4()}"
        super().charge(again, data=data, urls=urls)
        return super().charge(attempt, data=data, urls=urls)


class SaysNoWhenAway(FakeMoocher):
    def ask(self, attempt: Attempt) -> Outcome:
        return Declined(code=DeclineCode.GENERIC)


class SaysYes(FakeMoocher):
    def ask(self, attempt: Attempt) -> Outcome:
        return Succeeded(psp_reference="", amount=attempt.amount, currency=attempt.currency)


class CancelsNothing(FakeMoocher):
    def cancel(self, attempt: Attempt) -> Outcome:
        return Cancelled()


class BelievesAnybody(FakeMoocher):
    def webhook(self, request: HttpRequest) -> Notice:
        return Notice(event_id="evt-1")


class Writes(FakeMoocher):
    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        attempt.payment.save()
        return super().charge(attempt, data=data, urls=urls)


class AsksForCards(FakeMoocher):
    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        return super().payment_form(request, payment) + "<input name=cardnumber onclick=x()>"


class PreparesNothing(FakeMoocher):
    def prepare(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Declined:
        return Declined(code=DeclineCode.AMOUNT_REFUSED)


def test_what_is_declined_while_it_is_prepared_is_declined_by_the_contract_too(db: None) -> None:
    contract, moocher = TestThirdParty(), PreparesNothing(identifier="cards", title="Card")
    payment = MoocherContract.payment.__wrapped__(contract, None)  # type: ignore[attr-defined]
    attempt = MoocherContract.attempt.__wrapped__(contract, moocher, payment)  # type: ignore[attr-defined]
    assert contract.ask_to_charge(moocher, attempt) == Declined(code=DeclineCode.AMOUNT_REFUSED)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (ChargesTwice, "the_same_attempt_takes_the_money_once"),
        (SaysNoWhenAway, "an_outage_is_never_a_definite_outcome"),
        (SaysYes, "an_attempt_that_was_never_sent_is_not_said_to_be_paid"),
        (CancelsNothing, "cancelled_means_that_nothing_is_taken"),
        (BelievesAnybody, "a_webhook_without_a_valid_signature_is_refused"),
        (BelievesAnybody, "a_webhook_that_was_changed_on_its_way_is_refused"),
        (Writes, "it_reports_and_never_writes"),
        (AsksForCards, "its_form_asks_for_no_card_data"),
        (AsksForCards, "its_form_is_plain_and_is_shown_during_an_outage"),
    ],
)
def test_the_contract_tells_a_moocher_that_breaks_it(
    kind: type[FakeMoocher], promise: str, request: pytest.FixtureRequest, db: None
) -> None:
    contract = TestThirdParty()
    moocher = kind(identifier="cards", title="Card")
    payment = MoocherContract.payment.__wrapped__(contract, None)  # type: ignore[attr-defined]
    attempt = MoocherContract.attempt.__wrapped__(contract, moocher, payment)  # type: ignore[attr-defined]
    given = {"moocher": moocher, "payment": payment, "attempt": attempt, "body": b"{}"}
    test = getattr(contract, f"test_{promise}")
    wanted = {name: given[name] for name in inspect.signature(test).parameters}
    with fakes.new_psp() as contract.psp:
        moocher.sandbox.pay_at(contract.psp.url)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test(**wanted)


def test_hooks_about_disputes_have_to_be_written_too() -> None:
    contract = DisputeContract()
    for hook in (contract.win, lambda: contract.open_dispute(Attempt())):
        with pytest.raises(NotImplementedError):
            hook()


def test_hooks_that_have_to_be_written_say_so() -> None:
    contract = MoocherContract()
    for hook in (contract.outage, lambda: contract.taken(Attempt())):
        with pytest.raises(NotImplementedError):
            hook()
    with pytest.raises(NotImplementedError):
        MoocherContract.moocher.__wrapped__(contract)  # type: ignore[attr-defined]
    assert contract.webhook_request(Attempt()) is None
