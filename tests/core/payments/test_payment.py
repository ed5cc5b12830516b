"""Payments: their words, their states, giving up and undoing."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.deletion import ProtectedError
from django.template import Context, Template
from django.utils import timezone
from django.utils.translation import override

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Unknown
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    NotChargedError,
    PaymentGoneError,
    PaymentStateError,
    RefundRequiredError,
)
from tests.conftest import UserFactory
from tests.core.support import bare, charged, journalled, money_of, pending, record, started, stored

pytestmark = pytest.mark.django_db
Verb = JournalEntry.Verb
State = Payment.State


def declined(payment: Payment) -> Attempt:
    return started(payment).record(Declined(code=DeclineCode.CARD_DECLINED))


def test_it_says_what_it_is(user: User) -> None:
    payment = pending(user, "2", "3")
    assert str(payment) == "Pending payment of 5.00"
    assert payment.description == "Payment of 5.00 by user-1@example.com: Use 1, Use 0"
    assert payment.amount_cents == 500
    assert str(charged(user, "5")) == "Payment of 5.00"


def test_amounts_are_said_with_the_decimals_of_their_currency(user: User) -> None:
    record(user, "500", currency="JPY")
    payment = pending(user)
    assert str(stored(payment)) == "Pending payment of 500"
    assert payment.amount_cents == 500
    part = Payment.objects.defer("amount").get(pk=payment.pk)
    assert str(part.amount) == "500"
    assert str(Payment(amount=Decimal("1.5"))) == "Pending payment of 1.5"


def test_a_description_names_at_most_a_hundred_titles(user: User) -> None:
    LineItem.objects.bulk_create(LineItem(user=user, title="Use", amount=1) for _ in range(150))
    description = pending(user).description
    assert description.count("Use") == 100
    assert description.endswith("Use, …")


def test_relations_show_a_user_what_is_theirs(user: User, make_user: UserFactory) -> None:
    mine, other = pending(user, "1"), pending(make_user(), "2")
    assert list(user.user_payments.pending()) == [mine]
    assert user.user_lineitems.get().payment == mine
    assert list(Payment.objects.charged()) == []
    assert set(Payment.objects.pending()) == {mine, other}


def test_the_state_is_derived_from_what_is_stored(user: User) -> None:
    payment = pending(user, "5")
    states = [payment.state]
    attempt = started(payment)
    states.append(payment.state)
    attempt.record(money_of(attempt))
    payment.refresh_from_db()
    states.append(payment.state)
    payment.undo(force=True, reason="test")
    states += [payment.state, stored(payment).state]
    assert states == [
        *(State.PENDING, State.PROCESSING, State.CHARGED),
        *(State.UNDONE, State.UNDONE),
    ]


def test_nobody_is_sent_the_same_bill_twice_by_a_template(user: User) -> None:
    payment = charged(user, "5")
    text = "{{ p.undo }}{{ p.cancel_pending }}{{ p.save }}{{ p.delete }}{{ all.delete }}"
    text += "{{ m.create_pending }}{{ m.record }}{{ i.delete }}{{ i.save }}{{ items.delete }}"
    text += "{{ a.save }}{{ a.delete }}{{ tries.delete }}{{ tries.update }}{{ all.update }}"
    names = {
        "p": payment,
        "all": Payment.objects.all(),
        "m": Payment.objects,
        "i": payment.lineitems.get(),
        "items": LineItem.objects.all(),
        "a": payment.attempts.get(),
        "tries": payment.attempts.all(),
    }
    assert Template(text).render(Context(names)) == ""
    assert stored(payment).state == State.CHARGED


# Giving up


def test_giving_up_returns_the_items_and_the_payment_is_gone(
    user: User, django_capture_on_commit_callbacks: Any
) -> None:
    payment = pending(user, "5", "1")
    with django_capture_on_commit_callbacks(execute=True):
        payment.cancel_pending(by="user:1", reason="too much")
    assert LineItem.objects.unbound().count() == 2
    assert not Payment.all_objects.exists()
    assert payment.state == State.CANCELLED
    entry = JournalEntry.objects.get(verb=Verb.PAYMENT_CANCELLED)
    assert (entry.payment_id, entry.items, entry.total) == (payment.pk, 2, 6)
    assert (entry.actor, entry.reason) == ("user:1", "too much")


def test_an_abandoned_payment_blocks_its_items_only_until_it_is_given_up(user: User) -> None:
    payment = pending(user, "5")
    assert Payment.objects.create_pending(user=user) is None
    assert user.user_payments.pending().get() == payment
    payment.cancel_pending()
    assert pending(user).amount == 5


def test_where_a_psp_was_asked_the_row_is_kept_out_of_sight(user: User) -> None:
    payment = pending(user, "5")
    declined(payment)
    payment.cancel_pending()
    assert not Payment.objects.exists()
    assert not user.user_payments.exists()
    assert stored(payment).state == State.CANCELLED
    assert str(pending(user).amount) == "5.00"


def test_late_money_finds_a_cancelled_payment(user: User) -> None:
    payment = pending(user, "5")
    attempt = declined(payment)
    payment.cancel_pending()
    settled = attempt.record(money_of(attempt, psp_reference="late"))
    assert settled.state == Attempt.State.SURPLUS
    assert (settled.received, settled.psp_reference) == (5, "late")
    assert stored(payment).charged_at is None
    assert list(Attempt.objects.unexpected()) == [settled]


@pytest.mark.parametrize("outcome", [None, Unknown(reason="timeout")])
def test_giving_up_is_refused_while_the_outcome_of_an_attempt_is_open(
    user: User, outcome: Unknown | None
) -> None:
    payment = pending(user, "5")
    attempt = started(payment)
    if outcome:
        attempt.record(outcome)
    with pytest.raises(AttemptOpenError):
        payment.cancel_pending()
    assert payment.lineitems.count() == 1


def test_a_stale_copy_neither_gives_up_nor_hides_a_charge(user: User) -> None:
    payment = pending(user, "5")
    stale = stored(payment)
    attempt = started(payment)
    attempt.record(money_of(attempt))
    with pytest.raises(AlreadyChargedError):
        stale.cancel_pending()
    assert stored(payment).state == State.CHARGED
    assert payment.lineitems.count() == 1


def test_giving_up_twice_says_that_it_is_gone(user: User) -> None:
    payment = pending(user, "5")
    stale = stored(payment)
    payment.cancel_pending()
    for again in (payment, stale):
        with pytest.raises(PaymentGoneError):
            again.cancel_pending()
    assert journalled(Verb.PAYMENT_CANCELLED) == 1


# Undoing


def test_undoing_returns_the_items_and_nothing_charges_the_payment_again(user: User) -> None:
    payment = pending(user, "5")
    payment.book_by_hand(by="user:1", reason="cash")
    payment.undo(reason="wrong person")
    assert not Payment.objects.pending().exists()
    assert payment.charged_at is None
    with pytest.raises(PaymentGoneError):
        started(payment)
    again = pending(user)
    assert (again.pk != payment.pk, again.amount) == (True, 5)
    assert journalled(Verb.PAYMENT_UNDONE) == 1


def test_what_a_psp_took_is_refunded_and_not_undone(user: User) -> None:
    payment = charged(user, "5")
    with pytest.raises(RefundRequiredError):
        payment.undo(reason="oops")
    with pytest.raises(PaymentStateError, match="reason"):
        payment.undo(force=True)
    assert stored(payment).state == State.CHARGED
    payment.undo(force=True, reason="refunded at the PSP")
    assert JournalEntry.objects.filter(reason="refunded at the PSP").count() == 1


def test_what_a_foreign_moocher_took_is_not_undone_either(user: User) -> None:
    payment = pending(user, "5")
    payment.charged_at, payment.payment_service_provider = timezone.now(), "stripe"
    payment.save()
    with pytest.raises(RefundRequiredError):
        payment.undo()


def test_only_what_is_charged_is_undone_and_only_once(user: User) -> None:
    payment = pending(user, "5")
    with pytest.raises(NotChargedError):
        payment.undo()
    payment.charged_at = timezone.now()
    payment.save()
    stale = stored(payment)
    payment.undo()
    with pytest.raises(NotChargedError):
        stale.undo()
    assert journalled(Verb.PAYMENT_UNDONE) == 1


def test_undoing_waits_for_an_open_attempt(user: User) -> None:
    payment = pending(user, "5")
    first = declined(payment)
    second = started(payment)
    first.record(money_of(first))
    with pytest.raises(AttemptOpenError):
        payment.undo(force=True, reason="refunded")
    second.record(Declined(code=DeclineCode.GENERIC))
    payment.undo(force=True, reason="refunded")


# Other ways to write


def test_a_payment_is_made_by_create_pending_only(user: User) -> None:
    made: list[Any] = [
        lambda: Payment.objects.create(user=user, amount=1, currency="CHF"),
        lambda: Payment(user=user, amount=1, currency="CHF").save(),
        lambda: Payment.objects.bulk_create([Payment(user=user, amount=1, currency="CHF")]),
    ]
    for make in made:
        with pytest.raises(PaymentStateError):
            make()
    assert not Payment.all_objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        *({"amount": 1}, {"charged_at": None}, {"cancelled_at": None}, {"undone_at": None}),
        *({"sealed_at": None}, {"currency": "EUR"}, {"user_id": 1}),
    ],
)
def test_what_the_verbs_write_is_not_written_in_bulk(user: User, values: dict[str, Any]) -> None:
    payment = pending(user, "5")
    with pytest.raises(PaymentStateError):
        Payment.objects.update(**values)
    (name,) = values
    setattr(payment, name, values[name])
    with pytest.raises(PaymentStateError), transaction.atomic():
        Payment.objects.bulk_update([payment], [name.removesuffix("_id")])
    assert Payment.objects.update(email="new@example.com") == 1


def test_a_payment_is_never_deleted(user: User) -> None:
    payment = pending(user, "5")
    with pytest.raises(ProtectedError):
        payment.delete()
    with pytest.raises(PaymentStateError):
        Payment.objects.all().delete()
    with pytest.raises(ProtectedError):
        user.delete()
    assert Payment.objects.get() == payment


def test_the_database_knows_that_charged_excludes_gone(user: User) -> None:
    payment = charged(user, "5")
    for name in ("cancelled_at", "undone_at"):
        with pytest.raises(IntegrityError), transaction.atomic():
            bare(Payment).filter(pk=payment.pk).update(**{name: timezone.now()})
    with pytest.raises(IntegrityError), transaction.atomic():
        bare(Payment).filter(pk=payment.pk).update(amount=-1)


def test_it_is_said_in_the_active_language(user: User) -> None:
    with override("de"):
        assert "5.00" in str(pending(user, "5"))
