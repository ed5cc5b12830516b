"""Code that knows nothing of attempts: it sets ``charged_at`` and saves."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from mooch.banktransfer import BankTransferMoocher
from mooch.signals import post_charge

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Succeeded
from payments_ui.core.models import Attempt, Event, JournalEntry, Payment
from payments_ui.core.payments import saving
from payments_ui.exceptions import AlreadyChargedError, PaymentGoneError, PaymentStateError
from tests.conftest import UserFactory
from tests.core.support import (
    ADMINS,
    charged,
    errors,
    journalled,
    money_of,
    pending,
    started,
    stored,
    together,
)

pytestmark = pytest.mark.django_db
State = Attempt.State
Verb = JournalEntry.Verb


def charge(payment: Payment, psp: str = "stripe", transaction: str = "ch_1") -> Payment:
    payment.charged_at = timezone.now()
    payment.payment_service_provider = psp
    payment.transaction = transaction
    payment.save()
    return payment


def test_setting_charged_at_and_saving_charges_the_payment(user: User) -> None:
    payment = charge(pending(user, "5"))
    now = stored(payment)
    assert now.charged_at == payment.charged_at
    assert (now.payment_service_provider, now.transaction) == ("stripe", "ch_1")
    entry = JournalEntry.objects.get(verb=Verb.PAYMENT_CHARGED)
    assert (entry.actor, entry.total) == ("moocher:stripe", 5)


def test_a_stale_save_never_takes_a_charge_back(user: User) -> None:
    payment = pending(user, "5")
    stale = stored(payment)
    charge(payment)
    stale.email, stale.transaction = "new@example.com", "rubbish"
    stale.save()
    now = stored(payment)
    assert (now.charged_at, now.transaction) == (payment.charged_at, "ch_1")
    assert now.email == "new@example.com"
    assert stale.charged_at == payment.charged_at


def test_the_first_writer_wins_and_a_replay_changes_nothing(user: User) -> None:
    payment = pending(user, "5")
    second = stored(payment)
    charge(payment)
    charge(second, transaction="the same, told by the browser")
    assert second.charged_at == payment.charged_at
    assert stored(payment).transaction == "ch_1"
    assert journalled(Verb.PAYMENT_CHARGED) == 1
    assert Attempt.objects.get().state == State.SETTLED


def test_a_charge_without_an_attempt_gets_one_that_says_what_was_taken(user: User) -> None:
    payment = charge(pending(user, "5"))
    attempt = payment.attempts.get()
    assert (attempt.state, attempt.moocher, attempt.received) == (State.SETTLED, "stripe", 5)


def test_a_charge_by_another_psp_is_surplus_and_shown_once(
    user: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    payment = charge(pending(user, "5"))
    with django_capture_on_commit_callbacks(execute=True):
        for _replay in range(2):
            charge(stored(payment), psp="paypal", transaction="pp_1")
    surplus = Attempt.objects.unexpected().get()
    assert (surplus.state, surplus.moocher, surplus.received) == (State.SURPLUS, "paypal", 5)
    assert surplus.evidence == {"transaction": "pp_1"}
    assert stored(payment).payment_service_provider == "stripe"
    assert len(mail.outbox) == 1


def test_a_charge_of_an_undone_payment_is_surplus_and_charges_nothing(user: User) -> None:
    payment = charge(pending(user, "5"), psp="")
    payment.undo()
    charge(stored(payment), psp="stripe")
    late = charge(stored(payment), psp="stripe")
    assert (late.charged_at, stored(payment).state) == (None, Payment.State.UNDONE)
    assert Attempt.objects.unexpected().get().state == State.SURPLUS
    charge(stored(payment), psp="stripe", transaction="ch_2")
    assert Attempt.objects.filter(state=State.SURPLUS).count() == 2


def test_a_charge_of_a_cancelled_payment_is_surplus_beside_what_is_kept(user: User) -> None:
    payment = pending(user, "5")
    stale = stored(payment)
    started(payment).record(Declined(code=DeclineCode.GENERIC))
    payment.cancel_pending()
    charge(stale)
    assert stored(payment).state == Payment.State.CANCELLED
    assert Attempt.objects.unexpected().get().received == 5


def test_a_charge_of_a_deleted_payment_is_kept_as_unmatched(
    user: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    payment = pending(user, "5")
    stale = stored(payment)
    with django_capture_on_commit_callbacks(execute=True):
        payment.cancel_pending()
    with django_capture_on_commit_callbacks(execute=True):
        charge(stale)
        charge(stale)
    assert not Payment.all_objects.exists()
    event = Event.objects.get()
    assert (event.state, event.psp_reference, event.amount) == (
        Event.State.UNMATCHED,
        str(payment.pk),
        5,
    )
    entry = JournalEntry.objects.get(verb=Verb.MONEY_UNMATCHED)
    assert (entry.user, entry.payment_id) == (user, payment.pk)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "deleted"])
def test_other_saves_of_a_cancelled_payment_are_refused(
    user: User, is_kept: bool, django_capture_on_commit_callbacks: Any
) -> None:
    payment = pending(user, "5")
    stale = stored(payment)
    if is_kept:
        started(payment).record(Declined(code=DeclineCode.GENERIC))
    with django_capture_on_commit_callbacks(execute=True):
        payment.cancel_pending()
    with pytest.raises(PaymentGoneError, match="is cancelled"):
        stale.save()
    assert Payment.all_objects.exists() is is_kept
    assert not Event.objects.exists()


def test_saving_writes_what_it_may(user: User) -> None:
    payment = pending(user, "5")
    payment.email, payment.transaction = "new@example.com", "not asked for"
    payment.save(update_fields=["email", "amount"])
    now = stored(payment)
    assert (now.amount, now.email, now.transaction) == (5, "new@example.com", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", 7),
        ("currency", "EUR"),
        ("created_at", timezone.now()),
        ("sealed_at", None),
        ("cancelled_at", timezone.now()),
        ("undone_at", timezone.now()),
    ],
)
@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "created"])
@pytest.mark.parametrize("by_name", [True, False])
def test_what_saving_would_not_write_is_refused(
    user: User, name: str, value: Any, is_loaded: bool, by_name: bool
) -> None:
    created = pending(user, "5")
    payment = stored(created) if is_loaded else created
    setattr(payment, name, value)
    with pytest.raises(PaymentStateError, match=rf"save\(\) does not write {name} of payment"):
        payment.save(update_fields=[name] if by_name else None)
    payment.save(update_fields=["email"])
    assert stored(payment).amount == 5


def test_a_payment_does_not_change_hands(user: User, make_user: UserFactory) -> None:
    payment = pending(user, "5")
    payment.user = make_user()
    with pytest.raises(PaymentStateError, match="user_id"):
        payment.save()
    with pytest.raises(PaymentStateError, match="user_id"):
        payment.save(update_fields=["user"])


def test_a_charge_is_taken_back_by_undo_only(user: User) -> None:
    payment = charge(pending(user, "5"))
    payment.charged_at = None
    with pytest.raises(PaymentStateError, match=r"does not write charged_at.*undo\(\)"):
        payment.save()
    payment = stored(payment)
    payment.undo(force=True, reason="a mistake")
    payment.email = "new@example.com"
    payment.save()
    assert stored(payment).email == "new@example.com"
    revived = stored(payment)
    revived.undone_at = None
    with pytest.raises(PaymentStateError, match="undone_at"):
        revived.save()


@pytest.mark.parametrize("name", ["payment_service_provider", "transaction"])
def test_the_record_of_a_charge_is_kept(user: User, name: str) -> None:
    payment = stored(charge(pending(user, "5")))
    setattr(payment, name, "rubbish")
    with pytest.raises(AlreadyChargedError, match=rf"is charged: save\(\) does not write {name}"):
        payment.save()
    payment.refresh_from_db()
    payment.save()
    assert stored(payment).transaction == "ch_1"


def test_what_others_wrote_meanwhile_is_no_change_of_the_callers(user: User) -> None:
    payment = charge(pending(user, "5"))
    stale = stored(payment)
    payment.undo(force=True, reason="a mistake")
    stale.email = "new@example.com"
    stale.save()
    assert stored(payment).state == Payment.State.UNDONE
    deferred = Payment.objects.only("email").get()
    deferred.email = "newer@example.com"
    deferred.save()
    assert stored(payment).email == "newer@example.com"


def test_an_open_transfer_is_settled_whoever_saves_the_charge(user: User) -> None:
    payment = started(pending(user, "5"), moocher="banktransfer", manual=True).payment
    clerk = stored(payment)
    clerk.charged_at = timezone.now()
    clerk.save()
    attempt = Attempt.objects.get()
    assert (attempt.state, stored(payment).charged_at) == (State.SETTLED, clerk.charged_at)


def test_an_attempt_at_another_psp_stays_open_when_a_charge_is_saved(user: User) -> None:
    payment = started(pending(user, "5"), moocher="paypal").payment
    charge(stored(payment))
    states = dict(Attempt.objects.values_list("moocher", "state"))
    assert states == {"paypal": State.STARTED, "stripe": State.SETTLED}


def test_charged_at_is_only_written_where_it_is_asked_for(user: User) -> None:
    payment = pending(user, "5")
    payment.charged_at = timezone.now()
    payment.save(update_fields=["email"])
    assert stored(payment).charged_at is None
    payment.charged_at = timezone.now()
    payment.save(update_fields=["charged_at"])
    assert stored(payment).charged_at is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_callbacks_at_once_one_charges(user: User) -> None:
    payment = pending(user, "5")
    results = together(8, lambda number: charge(stored(payment), transaction=f"ch_{number}"))
    assert errors(results) == []
    assert {result.charged_at for result in results} == {stored(payment).charged_at}
    assert journalled(Verb.PAYMENT_CHARGED) == 1


# On behalf of an attempt


def allow(payment: Payment) -> None:
    """Confirm any charge."""


def test_on_behalf_of_an_attempt_the_save_settles_it(
    user: User, django_capture_on_commit_callbacks: Any
) -> None:
    attempt = started(pending(user, "5"), moocher="stripe")
    with (
        saving.charging(attempt, allow),
        mock.patch.object(post_charge, "send_robust") as sent_by_us,
        django_capture_on_commit_callbacks(execute=True),
    ):
        payment = charge(stored(attempt.payment))
        payment.save()
    assert not sent_by_us.called, "the moocher sends post_charge itself"
    assert payment.charged_at == stored(payment).charged_at
    settled = Attempt.objects.get()
    assert (settled.state, settled.received) == (State.SETTLED, 5)
    assert settled.signal_sent_at is not None
    assert stored(payment).transaction == "ch_1"


def test_a_charge_that_is_not_confirmed_is_not_written(user: User) -> None:
    def refuse(payment: Payment) -> None:
        raise ValueError("declined")

    attempt = started(pending(user, "5"))
    with saving.charging(attempt, refuse), pytest.raises(ValueError, match="declined"):
        charge(stored(attempt.payment))
    assert stored(attempt.payment).charged_at is None
    assert Attempt.objects.get().is_open


def test_it_is_for_the_payment_of_that_attempt_only(user: User) -> None:
    attempt = started(pending(user, "5"))
    other = pending(user, "7")
    with saving.charging(attempt, allow):
        charge(other)
    assert stored(other).charged_at is not None
    assert stored(attempt.payment).charged_at is None
    assert Attempt.objects.get(pk=attempt.pk).is_open


def test_money_for_an_attempt_whose_payment_was_charged_meanwhile_is_surplus(user: User) -> None:
    payment = pending(user, "5")
    first = started(payment).record(Declined(code=DeclineCode.GENERIC))
    second = started(payment, moocher="stripe")
    first.record(money_of(first, psp_reference="late"))
    with saving.charging(second, allow):
        late = charge(stored(payment))
    assert late.charged_at == stored(payment).charged_at
    assert Attempt.objects.get(pk=second.pk).state == State.SURPLUS
    assert stored(payment).transaction == "late"


def test_a_receipt_can_still_be_sent_elsewhere(user: User) -> None:
    payment = charged(user, "5")
    payment.email = "books@example.com"
    payment.save()
    assert stored(payment).email == "books@example.com"


class HouseTransfer(BankTransferMoocher):  # type: ignore[misc]
    """A bank transfer of a site's own."""

    identifier = "house-transfer"


@pytest.mark.parametrize("psp", ["banktransfer", "house-transfer"])
def test_a_bank_transfer_that_failed_is_undone_without_a_refund(user: User, psp: str) -> None:
    payment = charge(pending(user, "5"), psp=psp)
    assert payment.attempts.get().manual
    stored(payment).undo(reason="the money never came")
    assert stored(payment).state == Payment.State.UNDONE


def test_a_late_charge_ends_the_transfer_that_was_awaited(user: User) -> None:
    payment = pending(user, "5")
    late = started(payment)
    late.record(Declined(code=DeclineCode.GENERIC))
    transfer = started(payment, moocher="bank", manual=True)
    late.record(Succeeded(psp_reference="ch_1", amount=Decimal(5), currency="CHF"))
    assert stored(payment).state == Payment.State.CHARGED
    assert not Attempt.objects.open().exists()
    transfer.book_by_hand(by="user:1", reason="it came all the same")
    assert transfer.as_stored().state == State.SURPLUS
