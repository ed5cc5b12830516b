"""What the sandbox does is told as it is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
)
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import NO_ANSWER, URLS, pay, taken


def test_an_approved_card_is_paid(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    outcome = pay(moocher, attempt)
    [charge] = psp.ledger.charges.newest()
    assert outcome == Succeeded(
        psp_reference=charge.id,
        amount=Decimal("12.00"),
        currency="CHF",
        account="acct_sandbox",
        live=False,
        evidence={
            "id": charge.id,
            "status": "succeeded",
            "amount": 1200,
            "currency": "CHF",
            "card": "card_approve",
            "decline_code": "",
        },
    )
    assert charge.reference == attempt.idempotency_key
    assert charge.metadata == {"attempt": str(attempt.pk)}
    assert (charge.return_url, charge.webhook_url) == (URLS.return_url, URLS.webhook_url)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("card_declined", DeclineCode.CARD_DECLINED),
        ("card_insufficient_funds", DeclineCode.INSUFFICIENT_FUNDS),
        ("card_expired", DeclineCode.EXPIRED_CARD),
        ("card_incorrect", DeclineCode.INCORRECT_DETAILS),
        ("card_limit", DeclineCode.LIMIT_EXCEEDED),
        ("card_lost", DeclineCode.GENERIC),
        ("card_stolen", DeclineCode.GENERIC),
        ("card_fraud", DeclineCode.GENERIC),
    ],
)
def test_a_decline_says_what_a_customer_may_know(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, card: str, code: DeclineCode
) -> None:
    outcome = pay(moocher, attempt, card)
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    assert outcome.psp_reference == psp.ledger.charges.newest()[0].id


@pytest.mark.parametrize(
    ("decision", "kind", "code"),
    [
        ("approve", Succeeded, None),
        ("refuse", Declined, DeclineCode.AUTHENTICATION_FAILED),
        ("cancel", Cancelled, None),
    ],
)
def test_3d_secure_is_decided_at_the_sandbox(
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    attempt: Attempt,
    decision: str,
    kind: type,
    code: DeclineCode | None,
) -> None:
    step = pay(moocher, attempt, "card_3ds")
    assert isinstance(step, ActionRequired)
    assert step.url.startswith(f"{psp.url}/pay/")
    attempt.psp_reference = step.psp_reference
    assert moocher.ask(attempt) == step
    psp.bank.decide(step.url.rsplit("/", 1)[1], decision)
    outcome = moocher.ask(attempt)
    assert type(outcome) is kind
    assert getattr(outcome, "code", None) == code


def test_the_page_of_the_sandbox_takes_the_money(
    psp: SandboxPSP, page_moocher: SandboxMoocher, attempt: Attempt
) -> None:
    step = page_moocher.charge(attempt, data={}, urls=URLS)
    assert isinstance(step, ActionRequired)
    assert taken(psp) == 0
    psp.bank.decide(step.url.rsplit("/", 1)[1], "approve")
    assert isinstance(page_moocher.ask(attempt), Succeeded)
    assert taken(psp) == 1200


def test_an_abandoned_page_is_told(
    psp: SandboxPSP, page_moocher: SandboxMoocher, attempt: Attempt
) -> None:
    page_moocher.charge(attempt, data={}, urls=URLS)
    psp.advance(3600)
    outcome = page_moocher.ask(attempt)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.ABANDONED


def test_a_charge_that_takes_its_time_is_pending(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    outcome = pay(moocher, attempt, "card_processing")
    assert outcome == Pending(psp_reference=psp.ledger.charges.newest()[0].id)
    psp.advance(10)
    assert isinstance(moocher.ask(attempt), Succeeded)


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1200), ("KWD", 12345)])
def test_minor_units_are_those_of_the_currency(
    psp: SandboxPSP, moocher: SandboxMoocher, user: User, currency: str, amount: int
) -> None:
    exact = {"JPY": Decimal(1200), "KWD": Decimal("12.345")}[currency]
    LineItem.objects.record(user=user, title="Rendering", amount=exact, currency=currency)
    payment = Payment.objects.create_pending(user=user)
    assert payment
    outcome = pay(moocher, payment.start_attempt(moocher="sandbox"))
    assert psp.ledger.charges.newest()[0].amount == amount
    assert outcome.amount == exact


@pytest.mark.parametrize(
    ("what", "field", "value"),
    [
        ("amount", "amount", Decimal("12.01")),
        ("currency", "currency", "XTS"),
        ("account", "account", "acct_sandbox_other"),
        ("mode", "live", True),
    ],
)
def test_what_was_taken_is_reported_as_it_was_taken(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, what: str, field: str, value: object
) -> None:
    psp.plan.add(f"wrong_{what}")
    outcome = pay(moocher, attempt)
    assert isinstance(outcome, Succeeded)
    assert getattr(outcome, field) == value


def test_a_waiting_charge_is_cancelled_for_good(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    step = pay(moocher, attempt, "card_3ds")
    attempt.psp_reference = step.psp_reference
    assert moocher.cancel(attempt) == Cancelled(psp_reference=step.psp_reference)
    psp.bank.decide(step.url.rsplit("/", 1)[1], "approve")
    assert taken(psp) == 0


@pytest.mark.parametrize(
    ("card", "kind"), [("card_approve", Succeeded), ("card_processing", Pending)]
)
def test_what_cannot_be_cancelled_is_told(
    moocher: SandboxMoocher, attempt: Attempt, card: str, kind: type
) -> None:
    attempt.psp_reference = pay(moocher, attempt, card).psp_reference
    assert type(moocher.cancel(attempt)) is kind


def test_without_an_id_the_reference_is_called_off(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    assert moocher.cancel(attempt) == Cancelled()
    with pytest.raises(MoocherError, match="409 reference_closed"):
        pay(moocher, attempt)
    assert taken(psp) == 0


def test_money_that_was_taken_is_found_when_calling_off(
    moocher: SandboxMoocher, attempt: Attempt
) -> None:
    with pytest.raises(NO_ANSWER):
        pay(moocher, attempt, "card_lost_reply")
    assert isinstance(moocher.cancel(attempt), Succeeded)


@pytest.mark.parametrize("verb", ["ask", "cancel"])
def test_a_reference_of_another_psp_is_not_asked_for(
    moocher: SandboxMoocher, attempt: Attempt, verb: str
) -> None:
    attempt.psp_reference = "../../v1/totals"
    with pytest.raises(MoocherError, match="not one of the sandbox's"):
        getattr(moocher, verb)(attempt)
