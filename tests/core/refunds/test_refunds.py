"""Refunds: never more than arrived, one at a time, and what a PSP says is written down once."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import transaction

from payments_ui.core import psp_port
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, JournalEntry, Payment, Refund
from payments_ui.core.refunds import transitions
from payments_ui.core.signals import refund_succeeded
from payments_ui.exceptions import (
    InvalidAmountError,
    NotChargedError,
    NothingToRefundError,
    RefundChangedError,
    RefundError,
    RefundOpenError,
    RefundRequiredError,
    RefundTooMuchError,
)
from tests.core.support import (
    ADMINS,
    charged,
    errors,
    journalled,
    pending,
    record,
    stored,
    together,
)

pytestmark = pytest.mark.django_db
State = Refund.State
Verb = JournalEntry.Verb
DECLINED = Declined(code=DeclineCode.GENERIC)


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a charged payment of 12.00."""
    return charged(user, "12")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Refund]:
    """Return what a PSP was asked to give back; it does not answer at once."""
    asked: list[Refund] = []

    def send(refund: Refund) -> Refund:
        asked.append(refund)
        return refund

    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", send)
    return asked


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no PSP give anything back."""
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: False)


def given(refund: Refund, **facts: Any) -> Succeeded:
    """Return the report that exactly what was asked for is given back."""
    asked = {"psp_reference": f"re-{refund.reference}", "amount": refund.amount}
    return Succeeded(**{**asked, "currency": refund.currency, **facts})


def give(payment: Payment, amount: str | None = None) -> Refund:
    """Give money back, and have the PSP say so."""
    refund = payment.refund(amount, reason="broken")
    return refund.record(given(refund))


def reserved(payment: Payment) -> Decimal:
    """Return what counts as refunded of its only attempt."""
    amount: Decimal = payment.attempts.get().refunded_amount
    return amount


# Asking


def test_all_that_was_paid_is_reserved_and_the_psp_is_asked_for_it(
    payment: Payment, asked: list[Refund]
) -> None:
    refund = payment.refund(reason="broken", by="user:7")
    assert asked == [refund]
    assert (refund.amount, refund.currency, refund.state) == (12, "CHF", State.REQUESTED)
    assert (reserved(payment), payment.refunded_amount) == (12, 12)
    entry = JournalEntry.objects.get(verb=Verb.REFUND_REQUESTED)
    assert (entry.actor, entry.reason, entry.total) == ("user:7", "broken", 12)
    assert (entry.user_id, entry.attempt_id) == (payment.user_id, refund.attempt_id)
    assert entry.detail == {"refund": str(refund.pk)}


@pytest.mark.parametrize("amount", ["2.50", Decimal("2.500"), 3])
def test_parts_are_given_back_until_nothing_is_left(payment: Payment, amount: Any) -> None:
    first, rest = give(payment, amount), give(payment)
    assert (first.amount, rest.amount) == (Decimal(amount), 12 - Decimal(amount))
    assert first.idempotency_key != rest.idempotency_key
    with pytest.raises(NothingToRefundError):
        payment.refund(reason="more")


def test_cents_add_up_exactly(user: User) -> None:
    payment = charged(user, "0.30")
    for amount in ("0.10", "0.20"):
        give(payment, amount)
    assert reserved(payment) == Decimal("0.30")


@pytest.mark.parametrize("amount", [0, "-1", "0.001", 1.5, "NaN", "much", True])
def test_what_is_no_amount_of_the_currency_is_refused(payment: Payment, amount: Any) -> None:
    with pytest.raises(InvalidAmountError):
        payment.refund(amount, reason="broken")
    assert not Refund.objects.exists()


def test_more_than_is_left_is_refused(payment: Payment) -> None:
    give(payment, "10")
    with pytest.raises(RefundTooMuchError):
        payment.refund("2.01", reason="broken")
    assert reserved(payment) == 10


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_refund_needs_a_reason(payment: Payment, reason: str) -> None:
    with pytest.raises(RefundError, match="reason"):
        payment.refund(reason=reason)


def test_card_numbers_are_not_kept_with_the_reason(payment: Payment) -> None:
    refund = payment.refund(reason="wrong card 4242 4242 4242 4242")
    assert "4242 4242" not in refund.reason


def test_while_one_is_open_there_is_no_other(payment: Payment) -> None:
    payment.refund("1", reason="broken")
    with pytest.raises(RefundOpenError):
        payment.refund("1", reason="broken")
    assert reserved(payment) == 1


def test_who_saw_another_state_of_things_gives_nothing_back(payment: Payment) -> None:
    give(payment, "5")
    with pytest.raises(RefundChangedError):
        payment.refund("5", reason="broken", refunded_before=Decimal(0))
    assert payment.refund("5", reason="broken", refunded_before=Decimal("5.00")).amount == 5


def test_what_is_not_charged_is_not_refunded(user: User, payment: Payment) -> None:
    payment.undo(force=True, reason="a mistake")
    for other in (pending(user, "5"), payment):
        with pytest.raises(NotChargedError):
            other.refund(reason="broken")


def test_of_a_payment_of_zero_nothing_is_left(user: User) -> None:
    record(user, "5", "-5")
    payment: Any = Payment.objects.create_pending(user=user)
    payment.settle_zero()
    with pytest.raises(NothingToRefundError):
        payment.refund(reason="broken")


def test_of_an_attempt_with_which_nothing_arrived_nothing_is_left(user: User) -> None:
    attempt = pending(user, "5").start_attempt(moocher="cards")
    with pytest.raises(NothingToRefundError):
        attempt.request_refund(reason="broken")


@pytest.mark.usefixtures("by_hand")
def test_without_a_psp_that_can_a_person_sends_the_money(
    payment: Payment, asked: list[Refund]
) -> None:
    refund = payment.refund(reason="broken")
    assert (refund.manual, refund.state, asked) == (True, State.REQUESTED, [])


def test_without_the_interface_a_person_sends_the_money(
    payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psp_port, "_registered", psp_port.NoPSPs())
    assert payment.refund(reason="broken").manual
    assert psp_port.psps().send_refund(refund := Refund.objects.get()) == refund


def test_a_psp_is_not_asked_for_what_may_be_rolled_back(payment: Payment) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        payment.refund(reason="broken")
    assert not Refund.objects.exists()


# Answers


def test_given_back_is_written_down_once(
    payment: Payment, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[Any] = []

    def fail(**_kwargs: Any) -> None:
        raise ValueError("a receiver's own fault")

    def listen(refund: Refund, **_kwargs: Any) -> None:
        heard.append((refund.state, refund.psp_reference))

    refund_succeeded.connect(fail)
    refund_succeeded.connect(listen)
    refund = payment.refund(reason="broken")
    with django_capture_on_commit_callbacks(execute=True):
        for _time in range(2):
            refund.record(given(refund, psp_reference="re-1"))
    refund_succeeded.disconnect(fail)
    refund_succeeded.disconnect(listen)
    done = Refund.objects.get()
    assert (done.state, done.psp_reference, reserved(payment)) == (State.SUCCEEDED, "re-1", 12)
    assert done.ended_at
    assert journalled(Verb.REFUND_CHANGED) == 1
    assert heard == [("succeeded", "re-1")]


@pytest.mark.parametrize("answer", [DECLINED, Cancelled()])
def test_what_failed_can_be_asked_for_again(
    payment: Payment, answer: Outcome, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    with django_capture_on_commit_callbacks(execute=True):
        failed = payment.refund("5", reason="broken").record(answer)
    assert (failed.state, bool(failed.ended_at), reserved(payment)) == (State.FAILED, True, 0)
    assert "A refund: failed" in mail.outbox[0].subject
    assert give(payment).amount == 12


def test_it_may_be_on_its_way_for_long(payment: Payment) -> None:
    refund = payment.refund(reason="broken")
    for _time in range(2):
        refund.record(Pending(psp_reference="re-1"))
    on_its_way = Refund.objects.get()
    assert (on_its_way.state, on_its_way.psp_reference) == (State.PENDING, "re-1")
    assert journalled(Verb.REFUND_CHANGED) == 1
    assert refund.record(given(refund)).psp_reference == "re-1"


@pytest.mark.parametrize("answer", [Unknown(reason="timeout"), ActionRequired()])
def test_without_a_definite_answer_the_money_stays_reserved(
    payment: Payment, answer: Outcome
) -> None:
    unknown = payment.refund(reason="broken").record(answer)
    assert (unknown.state, reserved(payment)) == (State.UNKNOWN, 12)
    with pytest.raises(RefundOpenError):
        payment.refund(reason="broken")


@pytest.mark.parametrize("facts", [{"amount": Decimal(11)}, {"currency": "EUR"}])
def test_another_amount_is_no_answer_and_the_admins_hear_of_it_once(
    payment: Payment,
    facts: dict[str, Any],
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.ADMINS = ADMINS
    refund = payment.refund(reason="broken").record(Unknown())
    with django_capture_on_commit_callbacks(execute=True):
        for _time in range(2):
            refund.record(given(refund, **facts))
    assert (Refund.objects.get().state, reserved(payment)) == (State.UNKNOWN, 12)
    assert len(mail.outbox) == 1


def test_one_refund_of_the_psp_does_not_count_twice(payment: Payment) -> None:
    first = give(payment, "5")
    second = payment.refund("5", reason="broken")
    same = given(second, psp_reference=first.psp_reference)
    assert second.record(same).state == State.UNKNOWN


def test_a_late_no_changes_nothing(payment: Payment) -> None:
    refund = give(payment)
    for answer in (DECLINED, Unknown(), Pending(), given(refund, amount=Decimal(1))):
        assert refund.record(answer).state == State.SUCCEEDED
    assert reserved(payment) == 12


def test_money_that_was_given_back_after_all_is_written_down(payment: Payment) -> None:
    refund = payment.refund("5", reason="broken").record(DECLINED)
    late = refund.record(given(refund))
    assert (late.state, late.failure_code, reserved(payment)) == (State.SUCCEEDED, "", 5)


def test_money_that_was_given_back_twice_is_told_once(
    payment: Payment, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    refund = payment.refund(reason="broken").record(DECLINED)
    give(payment)
    with django_capture_on_commit_callbacks(execute=True):
        for _time in range(2):
            refund.record(given(refund, evidence={"status": "done"}))
    late = Refund.objects.get(pk=refund.pk)
    assert (late.state, reserved(payment)) == (State.FAILED, 12)
    assert late.evidence == {"given_back_all_the_same": {"status": "done"}}
    (message,) = mail.outbox
    assert message.subject.endswith("Money given back twice")


def test_no_outcome_is_no_answer(payment: Payment) -> None:
    with pytest.raises(TypeError):
        payment.refund(reason="broken").record("yes")  # type: ignore[arg-type]


# By hand


@pytest.mark.usefixtures("by_hand")
def test_a_person_says_that_it_is_sent(payment: Payment) -> None:
    done = payment.refund(reason="broken").mark_sent(by="user:1", reason="e-banking")
    assert (done.state, reserved(payment)) == (State.SUCCEEDED, 12)
    entry = JournalEntry.objects.filter(verb=Verb.REFUND_CHANGED).get()
    assert (entry.actor, entry.reason) == ("user:1", "e-banking")
    with pytest.raises(RefundError, match="known"):
        done.mark_not_sent(by="user:1", reason="oops")


@pytest.mark.usefixtures("by_hand")
def test_a_person_says_that_it_is_not_sent_and_nobody_is_alarmed(
    payment: Payment, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    with django_capture_on_commit_callbacks(execute=True):
        failed = payment.refund(reason="broken").mark_not_sent(by="user:1", reason="no")
    assert (failed.state, reserved(payment), mail.outbox) == (State.FAILED, 0, [])


def test_what_the_psp_does_is_a_persons_only_where_its_outcome_is_unknown(
    payment: Payment,
) -> None:
    refund = payment.refund(reason="broken")
    with pytest.raises(RefundError, match="busy"):
        refund.mark_sent(by="user:1", reason="seen")
    unknown = refund.record(Unknown())
    assert unknown.mark_sent(by="user:1", reason="seen").state == State.SUCCEEDED


# Undoing


def test_what_is_wholly_refunded_can_be_undone(user: User, payment: Payment) -> None:
    give(payment, "5")
    with pytest.raises(RefundRequiredError):
        payment.undo()
    rest = payment.refund(reason="broken")
    with pytest.raises(RefundOpenError):
        payment.undo(force=True, reason="a mistake")
    rest.record(given(rest))
    payment.undo()
    assert stored(payment).state == Payment.State.UNDONE
    assert pending(user).amount == 12


# At once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("amount", [None, "7"])
def test_two_clerks_at_once_give_money_back_once(payment: Payment, amount: str | None) -> None:
    results = together(2, lambda _n: payment.refund(amount, reason="broken"))
    (refused,) = errors(results)
    assert isinstance(refused, RefundError)
    assert Refund.objects.get().amount == Decimal(amount or 12) == reserved(payment)


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_is_told_twice_at_once_is_written_down_once(payment: Payment) -> None:
    refund = payment.refund(reason="broken")
    assert not errors(together(2, lambda _n: refund.record(DECLINED)))
    assert (reserved(payment), journalled(Verb.REFUND_CHANGED)) == (0, 1)


def test_the_reserve_is_never_more_than_what_arrived(payment: Payment) -> None:
    attempt = payment.attempts.get()
    stale = Attempt.objects.get(pk=attempt.pk)
    transitions.reserve(attempt, Decimal(5))
    for amount in (Decimal(8), Decimal(5)):
        with pytest.raises(RefundError):
            transitions.reserve(stale, amount)


def test_what_a_person_saw_of_a_refund_does_not_decide_but_what_is_stored(
    payment: Payment,
) -> None:
    seen = payment.refund(reason="moved away").record(Unknown())
    seen.record(Pending())
    with pytest.raises(RefundError):
        seen.mark_not_sent(by="user:1", reason="nothing in the bank statement")
    assert Refund.objects.get().state == State.PENDING
