"""What the books are for passes the triggers, under which all other tests run, too."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.core.privacy.anonymize import anonymize_user
from tests.core.support import (
    bare,
    charged,
    kept,
    money_of,
    pending,
    record,
    saved,
    saving,
    started,
    stored,
)
from tests.core.triggers.support import (
    attempt_of,
    cancelled,
    draft,
    event,
    item_of,
    key,
    raw,
    refund,
    seal,
    suspense,
    undone,
    write,
)


def locking_a_payment(user: User) -> None:
    assert charged(user, "5").lock()


def leaving_an_item_over_for_the_next_payment(user: User) -> None:
    payment = pending(user, "5")
    record(user, "7")
    assert pending(user, "1").amount == 8
    assert stored(payment).amount == 5


def a_sum_that_is_rounded_half_to_even(user: User) -> None:
    assert pending(user, "1.005").amount == 1
    assert pending(user, "1.015").amount == Decimal("1.02")


def a_sum_of_many_eighths(user: User) -> None:
    assert pending(user, *["0.12500001"] * 9).amount == Decimal("1.13")


def a_sum_of_a_billion(user: User) -> None:
    assert pending(user, "9999999999.99", "0.1").amount == Decimal("10000000000.09")


def money_without_and_with_three_decimals(user: User) -> None:
    record(user, "99999999", currency="JPY")
    record(user, "9.8764", currency="KWD")
    amounts = {"JPY": Decimal(99999999), "KWD": Decimal("9.876")}
    for currency, amount in amounts.items():
        Payment.objects.create_pending(user=user, currency=currency)
        assert Payment.objects.get(currency=currency).amount == amount


def a_payment_of_zero(user: User) -> None:
    payment = pending(user, "5", "-5")
    payment.settle_zero()
    assert stored(payment).charged_at


def giving_up(user: User) -> None:
    payment = pending(user, "5", "6")
    payment.cancel_pending()
    assert LineItem.objects.unbound().count() == 2


def giving_up_after_a_decline(user: User) -> None:
    assert cancelled(user).cancelled_at


def undoing(user: User) -> None:
    assert undone(user).undone_at
    assert LineItem.objects.unbound().count() == 1


def a_success_after_a_decline(user: User) -> None:
    attempt = started(pending(user, "5"))
    attempt.record(Declined(code=DeclineCode.GENERIC))
    assert attempt.record(money_of(attempt)).state == "settled"


def late_money_for_a_cancelled_payment(user: User) -> None:
    late = attempt_of(cancelled(user))
    assert late.record(money_of(late)).state == "surplus"


def money_that_does_not_match(user: User) -> None:
    attempt = started(pending(user, "5"))
    money = money_of(attempt, amount=Decimal(4))
    assert attempt.record(money).state == "mismatch"


def more_money_than_asked_for(user: User) -> None:
    attempt = started(pending(user, "5"), manual=True)
    write(attempt, psp_reference="RF18")
    arrivals.book_arrival(
        moocher="cards", psp_reference="RF18", amount=Decimal(7), currency="CHF", event_id="1"
    )
    assert sorted(Attempt.objects.values_list("state", flat=True)) == ["settled", "surplus"]


def a_charge_of_code_without_attempts(user: User) -> None:
    payment = pending(user, "5")
    payment.charged_at = timezone.now()
    payment.save()
    assert stored(payment).charged_at


def refunds_in_parts(user: User) -> None:
    attempt = attempt_of(charged(user, "0.3"))
    for _part in range(2):
        write(refund(attempt, "0.1"), state="succeeded")
    failing = refund(attempt, "0.1")
    write(failing, state="unknown")
    write(failing, state="failed")
    write(attempt, refunded_amount=Decimal("0.2"))
    write(attempt, refunded_amount=Decimal("0.3"))
    write(failing, state="succeeded")


def a_payment_method_from_consent_to_its_removal(user: User) -> None:
    method = saved(user)
    attempt = started(pending(user, "5"), payment_method=method)
    attempt.record(money_of(attempt))
    assert method.remove(reason="asked").mark_forgotten().state == "removed"


def a_payment_method_that_is_saved_late_and_unwanted(user: User) -> None:
    method = saving(user)
    method.remove().mark_forgotten()
    assert method.record(kept(method)).state == "removing"


def anonymizing(user: User) -> None:
    charged(user, "5")
    pending(user, "5")
    anonymize_user(user)
    assert set(LineItem.objects.values_list("title", flat=True)) == {"anonymized"}


def matching_an_event_and_closing_what_was_to_be_looked_at(user: User) -> None:
    row, attempt = event(), attempt_of(charged(user, "5"))
    item = suspense(event=row)
    write(row, attempt=attempt, state="processed")
    write(item, notified_at=timezone.now())
    write(item, state="matched", payment=attempt.payment, closed_at=timezone.now())
    write(item, notified_at=timezone.now())


def a_draft_that_is_thrown_away(user: User) -> None:
    payment = draft(user, "5")
    bare(LineItem).update(payment=None)
    bare(Payment).filter(pk=payment.pk).delete()


def an_import_item_by_item(user: User) -> None:
    payment = draft(user)
    item = LineItem(user=user, title="Old", amount=Decimal(5), currency="CHF", payment=payment)
    bare(LineItem).bulk_create([item])
    seal(payment, "5")
    assert item_of(payment) == item


def prices_of_unbound_items(user: User) -> None:
    pending(user, "5")
    record(user, "7")
    changed = raw("UPDATE {lineitem} SET amount = amount + amount WHERE payment_id IS NULL")
    assert changed == 1


def a_statement_that_changes_nothing(user: User) -> None:
    payment = charged(user, "5")
    sql = "UPDATE {payment} SET amount = amount, charged_at = charged_at WHERE id = %s"
    assert raw(sql, key(payment)) == 1 or connection.vendor == "mysql"


LEGAL = [
    locking_a_payment,
    leaving_an_item_over_for_the_next_payment,
    a_sum_that_is_rounded_half_to_even,
    a_sum_of_many_eighths,
    a_sum_of_a_billion,
    money_without_and_with_three_decimals,
    a_payment_of_zero,
    giving_up,
    giving_up_after_a_decline,
    undoing,
    a_success_after_a_decline,
    late_money_for_a_cancelled_payment,
    money_that_does_not_match,
    more_money_than_asked_for,
    a_charge_of_code_without_attempts,
    refunds_in_parts,
    anonymizing,
    matching_an_event_and_closing_what_was_to_be_looked_at,
    a_draft_that_is_thrown_away,
    an_import_item_by_item,
    prices_of_unbound_items,
    a_statement_that_changes_nothing,
]


@pytest.mark.parametrize("operation", LEGAL, ids=lambda operation: operation.__name__)
def test_the_database_takes(operation: Callable[[User], Any], user: User) -> None:
    operation(user)
    # What is checked at commit only.
    connection.check_constraints()
