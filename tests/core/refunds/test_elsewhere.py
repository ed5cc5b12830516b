"""Refunds that were made at the PSP, and refunds that come back: both end in the books."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from payments_ui.core import psp_port, signals
from payments_ui.core.attempts.outcomes import (
    CameBack,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, Refund
from payments_ui.core.refunds.report import RefundReport
from payments_ui.core.refunds.states import RefundState as State
from payments_ui.exceptions import InvalidAmountError, RefundOpenError
from tests.core.support import ADMINS, charged, errors, journalled, together

pytestmark = pytest.mark.django_db
Verb = JournalEntry.Verb


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a charged payment of 12.00."""
    return charged(user, "12")


@pytest.fixture(autouse=True)
def _site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ADMINS = ADMINS
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", lambda refund: refund)


def attempt_of(payment: Payment) -> Attempt:
    attempt: Attempt = payment.attempts.get()
    return attempt


def says(amount: str = "5", outcome: Outcome | None = None, **facts: Any) -> RefundReport:
    """Return the PSP's report about a refund that it has made, unless it says otherwise."""
    money = Decimal(amount)
    given = Succeeded(psp_reference="re_1", amount=money, currency="CHF")
    usual: dict[str, Any] = {
        "psp_reference": "re_1",
        "charge_reference": "ch_1",
        "refund_id": None,
        "amount": money,
        "currency": "CHF",
        "reason": "requested_by_customer",
    }
    return RefundReport(outcome=outcome or given, **{**usual, **facts})


def report(payment: Payment, *args: Any, **facts: Any) -> Refund | None:
    """Record what the PSP says."""
    return attempt_of(payment).record_refund_report(says(*args, **facts))


def refunded(payment: Payment) -> Decimal:
    """What counts as refunded."""
    return attempt_of(payment).refunded_amount


def test_one_made_in_the_dashboard_is_booked_once_and_owed_by_nobody(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[Refund] = []

    def receive(refund: Refund, **_facts: Any) -> None:
        heard.append(refund)

    signals.refund_succeeded.connect(receive)
    with django_capture_on_commit_callbacks(execute=True):
        refund, *_again = [report(payment) for _time in range(3)]
    signals.refund_succeeded.disconnect(receive)
    assert refund is not None
    assert (refund.state, refund.amount, refund.elsewhere) == (State.SUCCEEDED, 5, True)
    assert refund.reason == "requested_by_customer"
    assert heard == [refund]
    assert refunded(payment) == 5
    assert journalled(Verb.REFUND_REQUESTED) == 1
    assert not LineItem.objects.unbound().exists()
    assert list(audit()) == []


def test_several_wait_at_once_and_ours_waits_for_them(payment: Payment) -> None:
    for number in (1, 2):
        waits = Pending(psp_reference=f"re_{number}")
        report(payment, outcome=waits, psp_reference=f"re_{number}")
    assert payment.refunds.open().count() == 2
    assert refunded(payment) == 10
    with pytest.raises(RefundOpenError):
        payment.refund("1", reason="broken")
    report(payment, psp_reference="re_2", outcome=Cancelled())
    assert refunded(payment) == 5
    assert list(audit()) == []


def test_our_own_is_known_by_its_id_and_by_its_reference(payment: Payment) -> None:
    own = payment.refund("5", reason="broken")
    report(payment, refund_id=own.pk)
    report(payment)
    refund = payment.refunds.get()
    assert (refund.state, refund.psp_reference, refund.elsewhere) == (
        State.SUCCEEDED,
        "re_1",
        False,
    )


def test_more_than_is_left_does_not_fit_until_ours_has_failed(payment: Payment) -> None:
    own = payment.refund(reason="broken")
    assert report(payment, "12") is None
    own.record(Declined(code=DeclineCode.GENERIC))
    booked = report(payment, "12")
    assert booked is not None
    assert booked.state == State.SUCCEEDED
    assert list(audit()) == []


def test_another_currency_does_not_fit(payment: Payment) -> None:
    assert report(payment, currency="EUR") is None
    assert not payment.refunds.exists()


def test_what_is_no_amount_is_refused(payment: Payment) -> None:
    for amount in ("NaN", "0", "-1"):
        with pytest.raises(InvalidAmountError):
            report(payment, amount)


# Those that come back


@pytest.mark.parametrize("before", [State.SUCCEEDED, State.PENDING])
def test_one_that_comes_back_is_in_the_books_again_and_told(
    payment: Payment,
    before: State,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[Refund] = []

    def receive(refund: Refund, **_facts: Any) -> None:
        heard.append(refund)

    refund = payment.refund("5", reason="broken")
    given = Succeeded(psp_reference="re_1", amount=Decimal(5), currency="CHF")
    refund.record(given if before == State.SUCCEEDED else Pending(psp_reference="re_1"))
    signals.refund_came_back.connect(receive)
    with django_capture_on_commit_callbacks(execute=True):
        for _time in range(2):
            refund.record(CameBack(psp_reference="re_1", evidence={"why": "lost_or_stolen_card"}))
    signals.refund_came_back.disconnect(receive)
    stored = refund.as_stored()
    assert (stored.state, refunded(payment)) == (State.CAME_BACK, 0)
    assert stored.evidence == {"why": "lost_or_stolen_card"}
    assert stored.signal_sent_at
    assert heard == [refund]
    assert "came back" in mail.outbox[0].subject
    refund.record(given)
    assert refund.as_stored().state == State.CAME_BACK, "An older report says nothing new"
    assert payment.refund(reason="once more").amount == 12
    assert list(audit()) == []


@pytest.mark.django_db(transaction=True)
def test_reports_at_once_are_one_refund(payment: Payment) -> None:
    attempt = attempt_of(payment)
    results = together(4, lambda _number: attempt.record_refund_report(says()))
    assert errors(results) == []
    assert payment.refunds.get().state == State.SUCCEEDED
    assert refunded(payment) == 5
    assert list(audit()) == []


@pytest.mark.parametrize("outcome", [Declined(code=DeclineCode.GENERIC), Cancelled()])
def test_what_had_succeeded_and_is_said_to_have_failed_has_come_back(
    payment: Payment, outcome: Outcome
) -> None:
    report(payment)
    came_back = report(payment, outcome=outcome)
    assert came_back is not None
    assert (came_back.state, refunded(payment)) == (State.CAME_BACK, 0)
