"""Hostile writes: what no code may do to the books, each with the error that says so.

Each function makes books that are right and returns the write that would make them wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from payments_ui.core.models import (
    Attempt,
    Customer,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
)
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    EvidenceError,
    InvalidAmountError,
    LineItemBoundError,
    NotChargedError,
    PaymentGoneError,
    PaymentMethodError,
    PaymentMethodGoneError,
    PaymentStateError,
    PaymentsUIError,
    RuleBrokenError,
)
from tests.core.support import bare, charged, customer_of, pending, record, saved, started
from tests.core.triggers.support import (
    arrival,
    attempt_of,
    cancelled,
    dispute,
    draft,
    event,
    item_of,
    key,
    partly_paid,
    raw,
    refund,
    save,
    seal,
    suspense,
    transfer,
    undone,
    write,
)

Write = Callable[[], Any]


class Hostile(NamedTuple):
    """``prepare`` returns the write; ``sealed`` says that no constraint refuses it."""

    prepare: Callable[[User, User], Write]
    error: type[PaymentsUIError]
    sealed: bool


CATALOGUE: dict[str, Hostile] = {}


def refused(error: type[PaymentsUIError], *, sealed: bool = True) -> Callable[[Any], Any]:
    def add(prepare: Callable[[User, User], Write]) -> Callable[[User, User], Write]:
        CATALOGUE[prepare.__name__] = Hostile(prepare, error, sealed)
        return prepare

    return add


# I1: a sealed payment is the sum of its line items


@refused(RuleBrokenError)
def sealing_without_line_items(user: User, other: User) -> Write:
    payment = draft(user)
    return lambda: seal(payment, "0")


@refused(RuleBrokenError)
def sealing_with_a_cent_more(user: User, other: User) -> Write:
    payment = draft(user, "5", "5.01")
    return lambda: seal(payment, "10.02")


@refused(RuleBrokenError)
def sealing_with_half_a_rappen(user: User, other: User) -> Write:
    payment = draft(user, "5.005")
    return lambda: seal(payment, "5.005")


@refused(RuleBrokenError)
def sealing_with_half_a_yen(user: User, other: User) -> Write:
    record(user, "10.5", currency="JPY")
    payment = draft(user)
    bare(LineItem).update(payment=payment)
    return lambda: seal(payment, "10.5", "JPY")


@refused(RuleBrokenError)
def sealing_two_currencies_as_one(user: User, other: User) -> Write:
    record(user, "5", currency="EUR")
    payment = draft(user, "5")
    return lambda: seal(payment, "10")


@refused(RuleBrokenError)
def sealing_in_a_currency_that_no_item_has(user: User, other: User) -> Write:
    payment = draft(user, "5")
    return lambda: raw(
        "UPDATE {payment} SET amount = 5, currency = 'chf', sealed_at = created_at WHERE id = %s",
        key(payment),
    )


@refused(PaymentStateError)
def changing_the_amount_of_a_pending_payment(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, amount=4)


@refused(PaymentStateError)
def saving_a_charged_payment_with_another_amount(user: User, other: User) -> Write:
    payment = charged(user, "5")
    return lambda: save(payment, amount=Decimal(500))


@refused(PaymentStateError)
def changing_all_amounts_by_sql(user: User, other: User) -> Write:
    charged(user, "5")
    return lambda: raw("UPDATE {payment} SET amount = amount + 1")


@refused(PaymentStateError)
def changing_the_currency_of_a_payment(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, currency="EUR")


@refused(PaymentStateError)
def giving_a_payment_to_somebody_else(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: save(payment, user=other)


@refused(PaymentStateError)
def giving_a_draft_to_somebody_else(user: User, other: User) -> Write:
    payment = draft(user, "5")
    return lambda: write(payment, user=other)


@refused(PaymentStateError)
def moving_a_payment_in_time(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, created_at=timezone.now())


@refused(PaymentStateError)
def unsealing_a_payment(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, sealed_at=None)


# I2: bound line items are frozen


@refused(LineItemBoundError)
def changing_the_amount_of_a_bound_item(user: User, other: User) -> Write:
    item = item_of(pending(user, "5"))
    return lambda: write(item, amount=Decimal(4))


@refused(LineItemBoundError)
def repricing_all_items_by_sql(user: User, other: User) -> Write:
    pending(user, "5")
    record(user, "7")
    return lambda: raw("UPDATE {lineitem} SET amount = amount * 2 WHERE user_id = %s", user.pk)


@refused(LineItemBoundError)
def saving_a_bound_item_with_another_currency(user: User, other: User) -> Write:
    item = item_of(charged(user, "5"))
    return lambda: save(item, currency="EUR")


@refused(LineItemBoundError)
def giving_a_bound_item_to_somebody_else(user: User, other: User) -> Write:
    item = item_of(pending(user, "5"))
    return lambda: write(item, user=other)


@refused(LineItemBoundError)
def changing_the_keys_of_bound_items_in_bulk(user: User, other: User) -> Write:
    items = list(pending(user, "5", "6").lineitems.all())
    for item in items:
        item.key = f"again-{item.pk}"
    return lambda: bare(LineItem).bulk_update(items, ["key"])


@refused(LineItemBoundError)
def deleting_bound_items(user: User, other: User) -> Write:
    pending(user, "5")
    return lambda: bare(LineItem).filter(user=user).delete()


@refused(LineItemBoundError)
def deleting_all_items_by_sql(user: User, other: User) -> Write:
    charged(user, "5")
    return lambda: raw("DELETE FROM {lineitem}")


# I3: line items are bound to drafts of their user and currency


@refused(LineItemBoundError)
def adding_an_item_to_a_pending_payment(user: User, other: User) -> Write:
    payment = pending(user, "5")
    (item,) = record(user, "7")
    return lambda: write(item, payment=payment)


@refused(LineItemBoundError)
def recording_an_item_into_a_charged_payment(user: User, other: User) -> Write:
    payment = charged(user, "5")
    item = LineItem(user=user, title="Late", amount=Decimal(1), currency="CHF", payment=payment)
    return lambda: bare(LineItem).bulk_create([item])


@refused(LineItemBoundError)
def binding_to_a_cancelled_payment_by_sql(user: User, other: User) -> Write:
    payment = cancelled(user)
    return lambda: raw("UPDATE {lineitem} SET payment_id = %s", key(payment))


@refused(LineItemBoundError)
def binding_the_item_of_somebody_else(user: User, other: User) -> Write:
    (item,) = record(other, "5")
    payment = draft(user)
    return lambda: write(item, payment=payment)


@refused(LineItemBoundError)
def binding_another_currency(user: User, other: User) -> Write:
    (item,) = record(user, "5", currency="EUR")
    payment = draft(user, currency="CHF")
    return lambda: write(item, payment=payment)


@refused(LineItemBoundError)
def moving_an_item_to_another_payment(user: User, other: User) -> Write:
    item = item_of(pending(user, "5"))
    payment = draft(user)
    return lambda: write(item, payment=payment)


# I4: line items leave only what nobody can pay


@refused(LineItemBoundError)
def releasing_an_item_of_a_pending_payment(user: User, other: User) -> Write:
    item = item_of(pending(user, "5", "6"))
    return lambda: write(item, payment=None)


@refused(LineItemBoundError)
def releasing_the_items_of_a_charged_payment_by_sql(user: User, other: User) -> Write:
    charged(user, "5")
    return lambda: raw("UPDATE {lineitem} SET payment_id = NULL")


# I5: states go one way


@refused(PaymentStateError)
def inserting_a_sealed_payment(user: User, other: User) -> Write:
    return lambda: draft(user, sealed_at=timezone.now())


@refused(PaymentStateError)
def copying_a_charged_payment_by_sql(user: User, other: User) -> Write:
    copy = Payment()
    payment = charged(user, "5")
    columns = [field.column for field in Payment._meta.concrete_fields if not field.primary_key]
    names = ", ".join(map(connection.ops.quote_name, map(str, columns)))
    sql = "INSERT INTO {payment} (id, COLUMNS) SELECT %s, COLUMNS FROM {payment} WHERE id = %s"
    return lambda: raw(sql.replace("COLUMNS", names), key(copy), key(payment))


@refused(PaymentStateError)
def charging_a_draft(user: User, other: User) -> Write:
    payment = draft(user, "5")
    return lambda: write(payment, charged_at=timezone.now())


@refused(PaymentGoneError)
def charging_a_cancelled_payment(user: User, other: User) -> Write:
    payment = cancelled(user)
    return lambda: write(payment, charged_at=timezone.now(), cancelled_at=None)


@refused(PaymentGoneError)
def charging_an_undone_payment_again(user: User, other: User) -> Write:
    payment = undone(user)
    return lambda: write(payment, charged_at=timezone.now(), undone_at=None)


@refused(PaymentGoneError)
def taking_a_cancellation_back(user: User, other: User) -> Write:
    payment = cancelled(user)
    return lambda: write(payment, cancelled_at=None)


@refused(NotChargedError)
def undoing_what_is_not_charged(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, undone_at=timezone.now())


@refused(AttemptOpenError)
def cancelling_while_an_attempt_is_open(user: User, other: User) -> Write:
    payment = started(pending(user, "5")).payment
    return lambda: write(payment, cancelled_at=timezone.now())


@refused(AlreadyChargedError)
def cancelling_what_is_charged(user: User, other: User) -> Write:
    payment = charged(user, "5")
    return lambda: write(payment, charged_at=None, cancelled_at=timezone.now())


# Foreign keys refuse it, too.
@refused(PaymentStateError, sealed=False)
def deleting_a_pending_payment_by_sql(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: raw("DELETE FROM {payment} WHERE id = %s", key(payment))


# I6: charged is charged, for money that arrived


@refused(RuleBrokenError)
def charging_without_an_attempt(user: User, other: User) -> Write:
    payment = pending(user, "5")
    return lambda: write(payment, charged_at=timezone.now())


@refused(RuleBrokenError)
def saving_as_charged_while_an_attempt_is_open(user: User, other: User) -> Write:
    payment = started(pending(user, "5")).payment
    return lambda: save(payment, charged_at=timezone.now())


@refused(AlreadyChargedError)
def charging_again_later(user: User, other: User) -> Write:
    payment = charged(user, "5")
    return lambda: write(payment, charged_at=timezone.now())


@refused(AlreadyChargedError)
def taking_a_charge_back_without_undoing(user: User, other: User) -> Write:
    payment = charged(user, "5")
    return lambda: write(payment, charged_at=None)


@refused(InvalidAmountError, sealed=False)
def a_negative_payment(user: User, other: User) -> Write:
    return lambda: draft(user, amount=-1)


# I7, I8, I9: attempts


@refused(AttemptOpenError, sealed=False)
def a_second_open_attempt(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    return lambda: copy_of(attempt)


@refused(AlreadyChargedError, sealed=False)
def a_second_settled_attempt(user: User, other: User) -> Write:
    settled = {"state": "settled", "received_amount": 5, "received_currency": "CHF"}
    attempt = started(pending(user, "5"))
    write(attempt, **settled)
    return lambda: copy_of(attempt, **settled)


@refused(EvidenceError, sealed=False)
def a_psp_reference_twice(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: copy_of(attempt, state="surplus", psp_reference=attempt.psp_reference)


@refused(PaymentStateError)
def starting_for_a_charged_payment(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: copy_of(attempt)


@refused(PaymentStateError)
def starting_for_another_amount(user: User, other: User) -> Write:
    payment = pending(user, "5")
    attempt = Attempt(payment=payment, moocher="cards", amount=Decimal(50), currency="CHF")
    return lambda: copy_of(attempt)


@refused(PaymentStateError)
def settling_for_a_cancelled_payment(user: User, other: User) -> Write:
    late = attempt_of(cancelled(user))
    return lambda: write(late, state="settled", received_amount=5, received_currency="CHF")


@refused(EvidenceError)
def an_attempt_that_begins_as_failed(user: User, other: User) -> Write:
    attempt = Attempt(payment=pending(user, "5"), amount=Decimal(5), currency="CHF")
    return lambda: copy_of(attempt, state="failed")


@refused(EvidenceError)
def settling_for_less_than_was_asked(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    return lambda: write(
        attempt, state="settled", received_amount=Decimal("4.99"), received_currency="CHF"
    )


@refused(EvidenceError)
def opening_a_failed_attempt_again(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    write(attempt, state="failed")
    return lambda: write(attempt, state="processing")


@refused(EvidenceError)
def a_settled_attempt_that_fails(user: User, other: User) -> Write:
    charged(user, "5")
    return lambda: raw("UPDATE {attempt} SET state = 'failed'")


@refused(EvidenceError)
def asking_for_more_afterwards(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    return lambda: save(attempt_of(attempt.payment), amount=Decimal(500))


@refused(EvidenceError)
def another_idempotency_key(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    return lambda: write(attempt, idempotency_key="new")


@refused(EvidenceError)
def rewriting_what_arrived(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: write(attempt, received_amount=Decimal(1))


@refused(EvidenceError)
def more_money_for_what_has_ended(user: User, other: User) -> Write:
    attempt = transfer(user)
    attempt.book_by_hand(by="user:1", reason="seen")
    return lambda: arrival(attempt)


@refused(EvidenceError)
def booking_by_hand_what_a_psp_takes(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    return lambda: arrival(attempt)


@refused(EvidenceError)
def a_part_in_another_currency(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    return lambda: arrival(attempt, currency="EUR")


@refused(EvidenceError)
def a_part_that_never_arrived(user: User, other: User) -> Write:
    attempt = transfer(user)
    return lambda: write(attempt, received_amount=Decimal(2), received_currency="CHF")


@refused(EvidenceError)
def a_part_of_which_one_forgets_some(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    return lambda: write(attempt, received_amount=Decimal(1))


@refused(EvidenceError)
def an_open_attempt_with_all_of_its_money(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    arrival(attempt, "3")
    return lambda: write(attempt, received_amount=Decimal(5))


@refused(EvidenceError)
def settling_with_a_part(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    return lambda: write(attempt, state="settled")


@refused(EvidenceError, sealed=False)
def writing_all_of_it_off(user: User, other: User) -> Write:
    attempt = transfer(user)
    facts = {"received_amount": 0, "received_currency": "CHF", "written_off": Decimal(5)}
    return lambda: write(attempt, state="settled", **facts)


@refused(EvidenceError, sealed=False)
def writing_off_what_is_still_awaited(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    return lambda: write(attempt, written_off=Decimal(3))


@refused(EvidenceError)
def giving_a_part_back_while_more_is_awaited(user: User, other: User) -> Write:
    attempt = partly_paid(user)
    return lambda: write(attempt, refunded_amount=Decimal(2))


@refused(InvalidAmountError, sealed=False)
def an_arrival_of_nothing(user: User, other: User) -> Write:
    attempt = transfer(user)
    return lambda: arrival(attempt, "0")


@refused(EvidenceError)
def rewriting_who_booked_a_part(user: User, other: User) -> Write:
    partly_paid(user)
    return lambda: raw("UPDATE {arrival} SET booked_by = 'user:2'")


@refused(EvidenceError)
def forgetting_a_part(user: User, other: User) -> Write:
    partly_paid(user)
    return lambda: raw("DELETE FROM {arrival}")


@refused(EvidenceError)
def another_payer(user: User, other: User) -> Write:
    reported = event()
    return lambda: write(reported, payer="Somebody Else")


@refused(EvidenceError)
def rewriting_the_psp_reference_of_money(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: write(attempt, psp_reference="somebody else's")


@refused(EvidenceError)
def deleting_a_failed_attempt(user: User, other: User) -> Write:
    attempt = started(pending(user, "5"))
    write(attempt, state="failed")
    return lambda: bare(Attempt).filter(pk=attempt.pk)._raw_delete("default")


# I10, I11: events and uses happen once


@refused(EvidenceError, sealed=False)
def an_event_twice(user: User, other: User) -> Write:
    event()
    return event


@refused(EvidenceError)
def rewriting_an_event(user: User, other: User) -> Write:
    row = event()
    return lambda: write(row, amount=Decimal(50))


@refused(EvidenceError)
def forgetting_what_an_event_was_for(user: User, other: User) -> Write:
    row = event()
    write(row, attempt=attempt_of(charged(user, "5")), state="processed")
    return lambda: write(row, attempt=None, state="unmatched")


@refused(EvidenceError)
def deleting_events_by_sql(user: User, other: User) -> Write:
    event()
    return lambda: raw("DELETE FROM {event}")


# I12: no more is given back than arrived


@refused(RuleBrokenError, sealed=False)
def reserving_more_than_arrived(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: write(attempt, refunded_amount=Decimal("5.01"))


@refused(RuleBrokenError)
def refunding_more_than_is_reserved(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: refund(attempt, "5", reserve="4.99")


@refused(RuleBrokenError)
def refunding_twice_what_is_reserved_once(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    refund(attempt, "3", state="succeeded")
    return lambda: refund(attempt, "3", reserve="2", state="succeeded")


@refused(RuleBrokenError)
def refunding_in_another_currency(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: refund(attempt, "5", currency="KWD")


@refused(RuleBrokenError)
def refunding_in_the_name_of_another_payment(user: User, other: User) -> Write:
    attempt, payment = attempt_of(charged(user, "5")), pending(user, "7")
    return lambda: refund(attempt, "5", payment=payment)


@refused(RuleBrokenError)
def forgetting_what_is_reserved(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    refund(attempt, "5")
    return lambda: raw("UPDATE {attempt} SET refunded_amount = 0")


@refused(RuleBrokenError)
def a_failed_refund_that_succeeds_without_a_reserve(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    row = refund(attempt, "5")
    write(row, state="failed")
    write(attempt, refunded_amount=0)
    return lambda: write(row, state="succeeded")


@refused(EvidenceError)
def a_refund_that_begins_as_failed(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: refund(attempt, "5", state="failed")


@refused(EvidenceError)
def giving_back_less_afterwards(user: User, other: User) -> Write:
    row = refund(attempt_of(charged(user, "5")), "5")
    return lambda: write(row, amount=Decimal(1))


@refused(EvidenceError)
def a_refund_that_was_given_back_and_fails(user: User, other: User) -> Write:
    row = refund(attempt_of(charged(user, "5")), "5", state="succeeded")
    return lambda: write(row, state="failed")


@refused(EvidenceError)
def a_refund_that_came_back_and_succeeds(user: User, other: User) -> Write:
    row = refund(attempt_of(charged(user, "5")), "5", state="succeeded")
    write(row, state="came_back")
    return lambda: write(row, state="succeeded")


@refused(EvidenceError)
def calling_a_refund_of_ours_one_from_elsewhere(user: User, other: User) -> Write:
    row = refund(attempt_of(charged(user, "5")), "5")
    return lambda: write(row, elsewhere=True)


@refused(EvidenceError)
def deleting_a_refund(user: User, other: User) -> Write:
    row = refund(attempt_of(charged(user, "5")), "5")
    return lambda: bare(type(row)).filter(pk=row.pk).delete()


# Disputes: what a bank took is not forgotten, and not made up


@refused(EvidenceError)
def a_dispute_of_another_payment(user: User, other: User) -> Write:
    attempt, payment = attempt_of(charged(user, "5")), pending(other, "7")
    return lambda: dispute(attempt, payment=payment)


@refused(EvidenceError, sealed=False)
def a_dispute_twice(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    dispute(attempt)
    return lambda: dispute(attempt)


@refused(InvalidAmountError, sealed=False)
def a_dispute_about_less_than_nothing(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: dispute(attempt, amount=Decimal(-1))


@refused(EvidenceError, sealed=False)
def a_dispute_in_a_state_of_its_own(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    return lambda: dispute(attempt, state="odd")


@refused(EvidenceError)
def forgetting_what_a_dispute_took(user: User, other: User) -> Write:
    row = dispute(attempt_of(charged(user, "5")))
    return lambda: write(row, withdrawn=Decimal("4.99"))


@refused(EvidenceError)
def moving_a_dispute_to_another_charge(user: User, other: User) -> Write:
    row, attempt = dispute(attempt_of(charged(user, "5"))), attempt_of(charged(other, "7"))
    return lambda: write(row, attempt=attempt)


@refused(EvidenceError)
def owing_again_what_is_not_lost(user: User, other: User) -> Write:
    row = dispute(attempt_of(charged(user, "5")))
    return lambda: write(row, reopened_at=timezone.now())


@refused(EvidenceError)
def owing_again_twice(user: User, other: User) -> Write:
    row = dispute(attempt_of(charged(user, "5")), state="lost", closed_at=timezone.now())
    write(row, reopened_at=timezone.now())
    return lambda: write(row, reopened_at=None)


@refused(EvidenceError)
def sending_the_signal_of_a_dispute_once_more(user: User, other: User) -> Write:
    row = dispute(attempt_of(charged(user, "5")), opened_signal_sent_at=timezone.now())
    return lambda: write(row, opened_signal_sent_at=None)


@refused(EvidenceError)
def deleting_disputes_by_sql(user: User, other: User) -> Write:
    dispute(attempt_of(charged(user, "5")))
    return lambda: raw("DELETE FROM {dispute}")


@refused(RuleBrokenError)
def counting_more_as_disputed_than_was_taken(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    dispute(attempt, withdrawn=Decimal(3))
    return lambda: write(attempt, disputed_amount=Decimal("3.01"))


@refused(RuleBrokenError, sealed=False)
def counting_money_as_refunded_and_disputed(user: User, other: User) -> Write:
    attempt = attempt_of(charged(user, "5"))
    dispute(attempt)
    refund(attempt, "3")
    return lambda: write(attempt, disputed_amount=Decimal("2.01"))


# Saved payment methods: with consent, by their user, and never again once they are removed


@refused(PaymentMethodGoneError)
def charging_the_payment_method_of_somebody_else(user: User, other: User) -> Write:
    method = saved(other)
    attempt = Attempt(payment=pending(user, "5"), amount=Decimal(5), currency="CHF")
    return lambda: copy_of(attempt, payment_method=method)


@refused(PaymentMethodGoneError)
def charging_a_removed_payment_method(user: User, other: User) -> Write:
    method = saved(user)
    write(method, state="removing", is_default=False)
    attempt = Attempt(payment=pending(user, "5"), amount=Decimal(5), currency="CHF")
    return lambda: copy_of(attempt, payment_method=method)


@refused(PaymentMethodGoneError)
def charging_a_payment_method_of_another_account(user: User, other: User) -> Write:
    method = saved(user)
    attempt = Attempt(payment=pending(user, "5"), amount=Decimal(5), currency="CHF")
    return lambda: copy_of(attempt, payment_method=method, account="another")


@refused(EvidenceError)
def saying_afterwards_that_another_one_was_charged(user: User, other: User) -> Write:
    attempt, method = started(pending(user, "5")), saved(user)
    return lambda: write(attempt, payment_method=method)


@refused(EvidenceError)
def a_payment_method_that_begins_in_use(user: User, other: User) -> Write:
    method = saved(user)
    return lambda: copy_of_method(method, state="active", method_id="pm_2")


@refused(PaymentMethodGoneError)
def saving_with_the_customer_of_somebody_else(user: User, other: User) -> Write:
    method = saved(user)
    return lambda: copy_of_method(method, user=other)


@refused(PaymentMethodError, sealed=False)
def saving_without_consent(user: User, other: User) -> Write:
    method = saved(user)
    return lambda: copy_of_method(method, consent_text="")


@refused(EvidenceError)
def rewriting_what_a_user_agreed_to(user: User, other: User) -> Write:
    saved(user)
    return lambda: raw("UPDATE {paymentmethod} SET unattended_text = 'anything'")


@refused(EvidenceError)
def giving_a_payment_method_to_somebody_else(user: User, other: User) -> Write:
    method = saved(user)
    return lambda: write(method, user=other)


@refused(EvidenceError)
def another_card_under_the_same_consent(user: User, other: User) -> Write:
    method = saved(user)
    return lambda: write(method, method_id="pm_2")


@refused(EvidenceError)
def using_a_removed_payment_method_again(user: User, other: User) -> Write:
    method = saved(user)
    write(method, state="removing", is_default=False)
    return lambda: write(method, state="active")


@refused(PaymentMethodError, sealed=False)
def a_second_default_by_sql(user: User, other: User) -> Write:
    saved(user)
    saved(user, method_id="pm_2", fingerprint="f2")
    sql = "UPDATE {paymentmethod} SET is_default = %s WHERE method_id = 'pm_2'"
    return lambda: raw(sql, True)


@refused(EvidenceError)
def deleting_the_evidence_of_a_mandate(user: User, other: User) -> Write:
    saved(user)
    return lambda: raw("DELETE FROM {paymentmethod}")


@refused(EvidenceError, sealed=False)
def the_same_psp_customer_for_two_users(user: User, other: User) -> Write:
    customer, theirs = customer_of(user), Customer.objects.for_user(other, psp="cards")
    return lambda: write(theirs, customer_id=customer.customer_id)


@refused(PaymentMethodError, sealed=False)
def a_second_customer_of_a_user(user: User, other: User) -> Write:
    customer = customer_of(user)
    copy = Customer(user=user, psp=customer.psp, idempotency_key="2")
    return lambda: bare(Customer).bulk_create([copy])


@refused(EvidenceError)
def giving_a_customer_to_somebody_else(user: User, other: User) -> Write:
    customer = customer_of(user)
    return lambda: write(customer, user=other)


@refused(EvidenceError)
def deleting_a_customer(user: User, other: User) -> Write:
    customer_of(user)
    return lambda: raw("DELETE FROM {customer}")


# Money to look at, and the journal


@refused(EvidenceError)
def changing_money_to_look_at(user: User, other: User) -> Write:
    row = suspense()
    return lambda: write(row, amount=Decimal(1))


@refused(EvidenceError)
def opening_a_decision_again(user: User, other: User) -> Write:
    row = suspense(state="closed", closed_at=timezone.now())
    return lambda: write(row, state="open", closed_at=None)


@refused(EvidenceError)
def deleting_money_to_look_at(user: User, other: User) -> Write:
    suspense()
    return lambda: raw("DELETE FROM {suspenseitem}")


@refused(EvidenceError)
def rewriting_the_journal(user: User, other: User) -> Write:
    pending(user, "5")
    return lambda: bare(JournalEntry).update(actor="nobody")


@refused(EvidenceError)
def tearing_a_page_out_of_the_journal(user: User, other: User) -> Write:
    pending(user, "5")
    return lambda: raw("DELETE FROM {journal}")


def copy_of_method(method: PaymentMethod, **fields: Any) -> None:
    """Insert a payment method of the same customer, which is being saved."""
    facts: dict[str, Any] = {"user": method.user, "psp_customer": method.psp_customer}
    facts |= {"idempotency_key": "copy", "consent_text": "Save it.", **fields}
    copy = PaymentMethod(**facts, consent_given_at=timezone.now())
    bare(PaymentMethod).bulk_create([copy])


def copy_of(attempt: Attempt, **fields: Any) -> None:
    """Insert an attempt like this one."""
    copy = Attempt(
        payment=attempt.payment,
        moocher=attempt.moocher,
        amount=attempt.amount,
        currency=attempt.currency,
        **{"idempotency_key": "copy", **fields},
    )
    bare(Attempt).bulk_create([copy])
