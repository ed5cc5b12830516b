"""Money to look at: in the queue once, told once, and decided about once."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from payments_ui.core import psp_port
from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Succeeded, Unknown
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    Payment,
    Refund,
    SuspenseItem,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.core.suspense import queue
from payments_ui.core.suspense.proposals import proposals
from payments_ui.exceptions import (
    AlreadyChargedError,
    NothingToRefundError,
    PaymentGoneError,
    RefundError,
    RefundOpenError,
    RefundRequiredError,
    SuspenseClosedError,
    SuspenseError,
    SuspenseMatchError,
)
from tests.core.support import (
    ADMINS,
    errors,
    journalled,
    money_of,
    pending,
    started,
    stored,
    together,
)

pytestmark = pytest.mark.django_db
Kind = SuspenseItem.Kind
State = SuspenseItem.State
WHO = {"by": "user:1", "reason": "seen at the bank"}


@pytest.fixture
def told(settings: Any, django_capture_on_commit_callbacks: Any) -> Any:
    """Return a context in which commits happen, and mails are sent."""
    settings.ADMINS = ADMINS
    return lambda: django_capture_on_commit_callbacks(execute=True)


def surplus(user: User, amount: str = "12", *, manual: bool = False) -> Any:
    """Return money that arrived for a payment that was given up."""
    payment = pending(user, amount)
    attempt = started(payment, manual=manual, live=True)
    attempt.record(Declined(code=DeclineCode.GENERIC))
    payment.cancel_pending()
    attempt.record(money_of(attempt, psp_reference=f"psp-{attempt.reference}"))
    # What was given up is back in the pool, and of no interest here.
    user.user_lineitems.unbound().delete()
    return attempt.suspense_items.get()


def unmatched(amount: str = "12", currency: str = "CHF") -> Any:
    """Return money of which a bank told, with a reference that nobody knows."""
    arrivals.book_arrival(
        moocher="bank",
        psp_reference="RF00",
        amount=Decimal(amount),
        currency=currency,
        event_id=f"e-{Event.objects.count()}",
    )
    return SuspenseItem.objects.latest("pk")


def again(item: SuspenseItem) -> SuspenseItem:
    return SuspenseItem.objects.get(pk=item.pk)


def given(refund: Refund) -> Refund:
    """Have the PSP say that it gave the money back."""
    money = Succeeded(psp_reference="re-1", amount=refund.amount, currency=refund.currency)
    return refund.record(money)


# In the queue


def test_surplus_is_in_the_queue_with_what_arrived(user: User) -> None:
    item = surplus(user)
    assert (item.kind, item.state, item.amount, item.currency) == ("surplus", "open", 12, "CHF")


def test_mismatch_is_in_the_queue_with_what_arrived(user: User) -> None:
    attempt = started(pending(user, "5"))
    attempt.record(money_of(attempt, amount=Decimal(4)))
    item = attempt.suspense_items.get()
    assert (item.kind, item.amount) == ("mismatch", 4)


def test_what_nobody_knows_is_in_the_queue_once() -> None:
    for _time in range(2):
        arrivals.book_arrival(
            moocher="bank", psp_reference="RF00", amount=Decimal(5), currency="CHF", event_id="e"
        )
    item = SuspenseItem.objects.get()
    assert (item.kind, item.event, item.amount) == ("unmatched", Event.objects.get(), 5)


def test_the_same_is_in_the_queue_once(user: User) -> None:
    item = surplus(user)
    assert SuspenseItem.objects.open_item(Kind.SURPLUS, attempt=item.attempt) == item


# Telling


def test_the_admins_are_told_once(user: User, told: Any) -> None:
    with told():
        item = surplus(user)
    (message,) = mail.outbox
    assert "Needs review: surplus" in message.subject
    assert f"{item.attempt}".split()[0] in str(message.body)
    assert again(item).notified_at
    assert not queue.notify_admins(item)
    assert SuspenseItem.objects.notify_missed() == 0
    assert len(mail.outbox) == 1


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time be over in which the process that opened an item tells of it."""
    monkeypatch.setattr(queue, "_OWN_NOTIFICATION", dt.timedelta(0))


def test_what_a_killed_process_told_nobody_of_is_told_later(
    user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADMINS = ADMINS
    surplus(user)
    assert SuspenseItem.objects.notify_missed() == 0, "the process may be about to tell"
    monkeypatch.setattr(queue, "_OWN_NOTIFICATION", dt.timedelta(0))
    assert [SuspenseItem.objects.notify_missed() for _time in range(2)] == [1, 0]
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("mail_is_down", "later")
def test_a_mail_that_cannot_be_sent_leaves_it_to_be_told(user: User, told: Any) -> None:
    with told():
        item = surplus(user)
    assert SuspenseItem.objects.notify_missed() == 0
    assert again(item).notified_at is None


@pytest.mark.usefixtures("later")
def test_what_is_decided_is_told_nobody(user: User) -> None:
    surplus(user).close(**WHO)
    assert SuspenseItem.objects.notify_missed() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("later")
def test_of_two_who_tell_at_once_one_does(settings: Any) -> None:
    settings.ADMINS = ADMINS
    event = Event.objects.create(moocher="bank", event_id="e", state=Event.State.UNMATCHED)
    item = SuspenseItem.objects.create(kind=Kind.UNMATCHED, event=event)
    assert sorted(together(2, lambda _n: queue.notify_admins(item))) == [False, True]


def test_the_mail_says_what_it_is_about(user: User, told: Any) -> None:
    refund = paid(user).settled_attempt().request_refund(reason="broken")
    event = Event.objects.create(moocher="bank", event_id="e", state=Event.State.UNMATCHED)
    with told():
        unmatched("3.00")
        unmatched("3", "XXQ")
        SuspenseItem.objects.open_item(Kind.UNMATCHED, event=event)
        SuspenseItem.objects.open_item(Kind.OVERDUE, refund_id=refund.pk)
        SuspenseItem.objects.open_item(Kind.OVERDUE, attempt_id=refund.attempt_id)
    said = [str(message.body) for message in mail.outbox]
    expected = [
        "CHF\xa03.00 arrived with the unknown reference “RF00”",
        "XXQ\xa03.000 arrived with the unknown reference “RF00”",
        "Money arrived with the unknown reference “”",
        f"not answered about refund {refund.reference} of payment {refund.payment_id}.",
        f"not answered about attempt {refund.attempt.reference} of payment {refund.payment_id}.",
    ]
    assert [words in text for words, text in zip(expected, said, strict=True)] == [True] * 5


# Overdue


def overdue(attempt: Attempt) -> SuspenseItem:
    return SuspenseItem.objects.open_item(Kind.OVERDUE, attempt_id=attempt.pk)


def paid(user: User) -> Payment:
    """Return a payment of 12.00 that a PSP charged."""
    attempt = started(pending(user, "12"))
    attempt.record(money_of(attempt, psp_reference="psp-1"))
    return stored(attempt.payment)


@pytest.mark.parametrize("answer", [Cancelled(), Declined(code=DeclineCode.GENERIC), None])
def test_nobody_has_to_look_once_the_answer_came(user: User, answer: Any) -> None:
    attempt = started(pending(user, "5"))
    item = overdue(attempt)
    attempt.record(Unknown())
    assert again(item).state == State.OPEN
    attempt.record(answer or money_of(attempt))
    assert (again(item).state, again(item).closed_by) == (State.CLOSED, "moocher:cards")
    assert journalled(JournalEntry.Verb.SUSPENSE_CLOSED) == 1


def test_nobody_has_to_look_once_the_answer_about_a_refund_came(user: User) -> None:
    refund = paid(user).settled_attempt().request_refund(reason="broken")
    item = SuspenseItem.objects.open_item(Kind.OVERDUE, refund_id=refund.pk)
    refund.record(Unknown())
    assert again(item).state == State.OPEN
    given(refund)
    assert again(item).state == State.CLOSED
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.SUSPENSE_CLOSED)
    assert (entry.payment_id, entry.user_id) == (refund.payment_id, user.pk)


def test_a_person_who_knows_better_closes_it(user: User) -> None:
    item = overdue(started(pending(user, "5")))
    with pytest.raises(SuspenseError):
        item.give_back(**WHO)
    with pytest.raises(SuspenseMatchError):
        item.match(pending(user, "7"), **WHO)
    assert item.close(**WHO).state == State.CLOSED


# Matching


def test_money_charges_the_payment_that_a_person_chose(user: User) -> None:
    item, payment = surplus(user), pending(user, "12")
    attempt = item.match(payment, **WHO)
    assert stored(payment).charged_at
    assert attempt.evidence == {"suspense_item": item.pk}
    item = again(item)
    assert (item.state, item.payment, item.closed_by) == (State.MATCHED, payment, "user:1")
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.SUSPENSE_CLOSED)
    of_surplus = {"item": item.pk, "kind": "surplus", "attempt": str(item.attempt_id)}
    assert entry.detail == {**of_surplus, "to": "matched"}
    assert entry.attempt_id is None, "an entry names an attempt with its own payment only"
    assert (entry.reason, entry.payment_id, entry.total) == ("seen at the bank", payment.pk, 12)
    assert not SuspenseItem.objects.open().exists()


def test_a_transfer_with_a_wrong_reference_settles_the_one_that_was_announced(user: User) -> None:
    payment = pending(user, "12")
    announced = started(payment, moocher="bank", manual=True)
    assert unmatched("12").match(payment, **WHO) == announced


@pytest.mark.parametrize("manual", [True, False])
def test_what_is_left_over_stays_in_the_queue(user: User, manual: bool) -> None:
    payment = pending(user, "7.50")
    item = unmatched("12") if manual else surplus(user)
    item.match(payment, **WHO)
    rest: Any = SuspenseItem.objects.open().get()
    assert (rest.kind, rest.amount, rest.attempt.manual) == ("surplus", Decimal("4.50"), True)
    assert rest.attempt.evidence == {"suspense_item": item.pk}
    rest.give_back(**WHO)
    refund = Refund.objects.get()
    assert (refund.manual, refund.amount) == (True, Decimal("4.50"))


def test_money_that_does_not_cover_the_payment_does_not_charge_it(user: User) -> None:
    payment = pending(user, "12.01")
    for item in (unmatched("12"), unmatched("50", "EUR")):
        with pytest.raises(SuspenseMatchError):
            item.match(payment, **WHO)
        assert again(item).state == State.OPEN
    assert not stored(payment).charged_at


def test_money_is_no_match_for_a_payment_of_zero(user: User) -> None:
    payment = pending(user, "5", "-5")
    item = unmatched()
    with pytest.raises(SuspenseMatchError):
        item.match(payment, **WHO)
    assert again(item).state == "open"
    assert not payment.attempts.exists()


def test_only_a_pending_payment_is_matched(user: User) -> None:
    item, charged = surplus(user), paid(user)
    gone = pending(user, "12")
    Payment.objects.get(pk=gone.pk).cancel_pending()
    for payment, error in ((charged, AlreadyChargedError), (gone, PaymentGoneError)):
        with pytest.raises(error):
            item.match(payment, **WHO)
    assert again(item).state == State.OPEN


def test_matched_money_is_not_given_back_as_well(user: User) -> None:
    item = surplus(user)
    item.match(pending(user, "12"), **WHO)
    with pytest.raises(SuspenseClosedError):
        item.give_back(**WHO)
    with pytest.raises(NothingToRefundError):
        item.attempt.request_refund(reason="all the same")


def test_money_that_was_taken_back_pays_for_nothing(user: User) -> None:
    item = surplus(user)
    report = DisputeReport(
        psp_reference="dp_1",
        charge_reference=item.attempt.psp_reference,
        state=Dispute.State.LOST,
        amount=Decimal(5),
        currency="CHF",
        opened_at=timezone.now(),
        withdrawn=Decimal(5),
    )
    item.attempt.record_dispute(report)
    payment = pending(user, "12")
    with pytest.raises(SuspenseMatchError, match="taken back"):
        item.match(payment, **WHO)
    assert not payment.attempts.exists()
    assert again(item).state == State.OPEN


def elsewhere(amount: str) -> RefundReport:
    """Return a refund that somebody made in the PSP's dashboard."""
    given = Succeeded(psp_reference="re-1", amount=Decimal(amount), currency="CHF")
    return RefundReport(
        psp_reference="re-1",
        charge_reference="",
        refund_id=None,
        amount=given.amount,
        currency="CHF",
        outcome=given,
    )


def test_a_part_that_was_given_back_elsewhere_leaves_the_rest_in_the_queue(user: User) -> None:
    item = surplus(user)
    item.attempt.record_refund_report(elsewhere("5"))
    assert again(item).state == State.OPEN
    with pytest.raises(SuspenseMatchError, match="given back"):
        item.match(pending(user, "12"), **WHO)
    again(item).give_back(**WHO)
    item.attempt.refunds.get(elsewhere=False).mark_sent(by="clerk", reason="sent")
    assert again(item).state == State.RETURNED


def test_matched_money_that_was_given_back_elsewhere_is_to_be_reviewed(user: User) -> None:
    item = surplus(user)
    item.match(pending(user, "12"), **WHO)
    assert item.attempt.record_refund_report(elsewhere("12")) is None
    assert item.attempt.as_stored().refunded_amount == 0


def test_a_late_refund_of_matched_money_is_told(user: User) -> None:
    item = surplus(user)
    refund = item.attempt.request_refund(reason="sent back")
    refund.record(Declined(code=DeclineCode.GENERIC))
    item.match(pending(user, "12"), **WHO)
    assert given(refund).state == Refund.State.FAILED


def test_a_psps_money_stays_the_psps_when_a_person_matched_it(user: User) -> None:
    payment = pending(user, "12")
    surplus(user).match(payment, **WHO)
    with pytest.raises(RefundRequiredError):
        payment.undo()
    by_hand = payment.refund(reason="broken")
    by_hand.mark_sent(**WHO)
    payment.undo()


# Giving back


@pytest.fixture
def psp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a PSP give everything back at once."""
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", given)


@pytest.mark.usefixtures("psp")
def test_the_psp_gives_money_back_that_nobody_owes(user: User) -> None:
    item = surplus(user).give_back(**WHO)
    refund = Refund.objects.get()
    assert (item.state, item.refund) == (State.RETURNED, refund)
    assert (refund.amount, refund.state, refund.manual) == (12, Refund.State.SUCCEEDED, False)
    for verb in (SuspenseItem.give_back, SuspenseItem.close):
        with pytest.raises(SuspenseClosedError):
            verb(item, **WHO)


@pytest.mark.usefixtures("psp")
def test_money_in_another_currency_goes_back_in_that(user: User) -> None:
    attempt = started(pending(user, "5"))
    attempt.record(money_of(attempt, currency="EUR", psp_reference="psp-1"))
    attempt.suspense_items.get().give_back(**WHO)
    assert Refund.objects.get().currency == "EUR"


def test_it_is_returned_when_a_person_has_sent_it(user: User) -> None:
    item = surplus(user, manual=True).give_back(**WHO)
    refund = Refund.objects.get()
    assert (item.state, refund.manual) == (State.OPEN, True)
    for verb in (SuspenseItem.give_back, SuspenseItem.close):
        with pytest.raises(RefundOpenError):
            verb(item, **WHO)
    with pytest.raises(RefundOpenError):
        item.match(pending(user, "5"), **WHO)
    refund.mark_sent(**WHO)
    assert again(item).state == State.RETURNED


def test_money_that_could_not_be_sent_back_stays_in_the_queue(user: User) -> None:
    item = surplus(user, manual=True).give_back(**WHO)
    Refund.objects.get().mark_not_sent(**WHO)
    assert again(item).state == State.OPEN
    item.give_back(**WHO)
    Refund.objects.latest("requested_at").mark_sent(**WHO)
    assert again(item).state == State.RETURNED


def test_set_aside_money_goes_back_whole(user: User) -> None:
    with pytest.raises(RefundError, match="whole"):
        surplus(user).attempt.request_refund("5", reason="a part")


def test_what_a_bank_told_of_was_sent_back_by_a_person() -> None:
    item = unmatched().give_back(**WHO)
    assert (item.state, item.closed_by, item.reason) == (State.RETURNED, "user:1", WHO["reason"])
    with pytest.raises(SuspenseClosedError):
        item.give_back(**WHO)


# Deciding


def test_a_decision_needs_a_reason_and_is_final(user: User) -> None:
    item = surplus(user)
    with pytest.raises(SuspenseError, match="reason"):
        item.close(by="user:1", reason=" ")
    assert item.close(**WHO).state == State.CLOSED
    with pytest.raises(SuspenseClosedError):
        item.match(pending(user, "12"), **WHO)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_once_decide_once(user: User) -> None:
    item, payment = surplus(user), pending(user, "12")
    verbs: list[Callable[[], object]] = [
        lambda: item.match(payment, **WHO),
        lambda: item.close(**WHO),
        lambda: item.give_back(**WHO),
    ]
    results = together(3, lambda number: verbs[number]())
    # While it is given back by hand it stays in the list.
    is_decided = again(item).state != State.OPEN
    assert is_decided + Refund.objects.count() == 1
    assert len(errors(results)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_payment_whose_row_is_gone_is_not_matched(user: User) -> None:
    item, gone = unmatched("12"), pending(user, "12")
    Payment.objects.get(pk=gone.pk).cancel_pending()
    assert not Payment.all_objects.exists()
    with pytest.raises(PaymentGoneError):
        item.match(gone, **WHO)
    assert again(item).state == State.OPEN


# The mode of the money


def from_a_test_mode(user: User, **asked: Any) -> SuspenseItem:
    """Return test money that arrived for a payment: more than once, or where none was asked for."""
    attempt = started(pending(user, "12"), **asked)
    attempt.record(money_of(attempt, psp_reference="psp-1", live=False))
    if not asked.get("live"):
        attempt.payment.record_surplus(
            attempt.moocher, money_of(attempt, psp_reference="psp-2"), by="system", reason="twice"
        )
    item: SuspenseItem = SuspenseItem.objects.get()
    assert not item.live
    return item


def use(item: SuspenseItem, verb: str, user: User) -> Any:
    return item.credit(**WHO) if verb == "credit" else item.match(pending(user, "12"), **WHO)


@pytest.fixture
def tries_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return a function that says whether the site still works in the mode that was asked for."""
    port = type(psp_port.psps())
    return lambda is_in_use: monkeypatch.setattr(port, "is_in_use", lambda *_told: is_in_use)


@pytest.mark.parametrize("verb", ["match", "credit"])
@pytest.mark.parametrize(("live", "is_in_use"), [(True, True), (False, False)])
def test_money_of_a_test_mode_pays_for_nothing(
    user: User, tries_out: Callable[[bool], None], verb: str, *, live: bool, is_in_use: bool
) -> None:
    tries_out(is_in_use)
    item = from_a_test_mode(user, live=live)
    pending(user, "12")
    assert proposals(item) == []
    with pytest.raises(SuspenseMatchError, match="test mode"):
        use(item, verb, user)
    assert SuspenseItem.objects.get().state == State.OPEN


@pytest.mark.parametrize("verb", ["match", "credit"])
def test_a_site_that_tries_things_out_uses_its_test_money(
    user: User, tries_out: Callable[[bool], None], verb: str
) -> None:
    tries_out(True)
    item = from_a_test_mode(user)
    used = use(item, verb, user)
    assert verb == "credit" or not used.live
    assert SuspenseItem.objects.get(pk=item.pk).state != State.OPEN


def test_a_transfer_of_real_money_takes_none_of_a_test_mode(
    user: User, tries_out: Callable[[bool], None]
) -> None:
    tries_out(True)
    item = from_a_test_mode(user)
    transfer = started(pending(user, "12"), moocher="bank", manual=True, live=True)
    assert proposals(item) == []
    with pytest.raises(SuspenseMatchError, match="a transfer of real money is open"):
        item.match(transfer.payment, **WHO)
    assert transfer.as_stored().is_open


def test_what_a_person_saw_is_real_money(user: User) -> None:
    assert pending(user, "5").book_by_hand(by="user:1", reason="seen").live
