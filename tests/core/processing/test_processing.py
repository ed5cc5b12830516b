"""Charging without the user: processors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import LineItem, Payment
from payments_ui.core.processing import (
    Result,
    ResultError,
    StopProcessingError,
    process_payment,
    process_pending_payments,
    process_unbound_items,
)
from payments_ui.testing.failpoints import at, raise_
from tests.conftest import UserFactory
from tests.core.support import money_of, pending, record, started, stored

pytestmark = pytest.mark.django_db


def charge(payment: Payment) -> Result:
    payment.charged_at = timezone.now()
    payment.save()
    return Result.SUCCESS


def pass_on(payment: Payment) -> Result:
    return Result.FAILURE


def stop(payment: Payment) -> Result:
    return Result.TERMINATE


def times_out(payment: Payment) -> Result:
    started(payment).record(Unknown(reason="ReadTimeout"))
    return Result.FAILURE


def crash(payment: Payment) -> Result:
    raise RuntimeError("no network")


def takes_too_much(payment: Payment) -> Result:
    attempt = started(payment)
    attempt.record(money_of(attempt, amount=attempt.amount + 1))
    return Result.FAILURE


def refused(payment: Payment) -> Result:
    pytest.fail("this processor must not run")


def test_a_result_refuses_to_be_a_bool() -> None:
    with pytest.raises(ResultError):
        bool(Result.FAILURE)


@pytest.mark.parametrize("answer", [True, None, "SUCCESS"])
def test_what_is_no_result_is_an_error_and_cancels_nothing(user: User, answer: Any) -> None:
    payment = pending(user, "5")
    with pytest.raises(ResultError, match="<lambda>"):
        process_payment(payment, processors=[lambda _payment: answer])
    assert stored(payment).state == Payment.State.PENDING


def test_processors_run_in_order_until_one_succeeds(user: User) -> None:
    payment = pending(user, "5")
    assert process_payment(payment, processors=[pass_on, charge, refused]) is True
    assert stored(payment).state == Payment.State.CHARGED


def test_terminate_tries_no_other(user: User) -> None:
    payment = pending(user, "5")
    assert process_payment(payment, processors=[stop, refused]) is False


@pytest.mark.parametrize("processor", [pass_on, stop])
def test_without_success_the_items_return_to_the_pool(
    user: User, processor: Callable[[Payment], Result]
) -> None:
    assert process_payment(pending(user, "5"), processors=[processor]) is False
    assert not Payment.objects.exists()
    assert LineItem.objects.unbound().count() == 1


def test_unless_told_otherwise(user: User) -> None:
    payment = pending(user, "5")
    assert not process_payment(payment, processors=[pass_on], cancel_on_failure=False)
    assert stored(payment).state == Payment.State.PENDING


def test_a_timeout_never_cancels(user: User) -> None:
    payment = pending(user, "5")
    assert not process_payment(payment, processors=[times_out])
    assert stored(payment).state == Payment.State.PROCESSING
    assert payment.lineitems.count() == 1


def test_a_payment_for_which_wrong_money_arrived_is_not_cancelled(user: User) -> None:
    payment = pending(user, "5")
    assert not process_payment(payment, processors=[takes_too_much])
    assert stored(payment).state == Payment.State.PENDING


def test_nobody_is_asked_for_nothing(user: User) -> None:
    assert process_payment(pending(user, "5", "-5"), processors=[refused]) is True
    assert Payment.objects.get().state == Payment.State.CHARGED


def test_an_exception_is_logged_raised_and_cancels_nothing(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    payment = pending(user, "5")
    with pytest.raises(RuntimeError):
        process_payment(payment, processors=[crash])
    assert stored(payment).state == Payment.State.PENDING
    assert str(payment.pk) in caplog.text


def test_all_who_owe_something_are_processed_by_currency(make_user: UserFactory) -> None:
    rich, poor, credit = make_user(), make_user(), make_user()
    record(rich, "1", "2")
    record(rich, "3", currency="EUR")
    record(poor, "4")
    record(credit, "-1")
    process_unbound_items(processors=[charge])
    amounts = Payment.objects.charged().values_list("user", "amount", "currency")
    assert sorted(amounts) == [(rich.pk, 3, "CHF"), (rich.pk, 3, "EUR"), (poor.pk, 4, "CHF")]


def test_one_users_error_does_not_stop_the_others(make_user: UserFactory) -> None:
    broken, fine = make_user(), make_user()
    record(broken, "1")
    record(fine, "2")

    def fails_for_one(payment: Payment) -> Result:
        return crash(payment) if payment.user_id == broken.pk else charge(payment)

    with pytest.raises(ExceptionGroup) as caught:
        process_unbound_items(processors=[fails_for_one])
    assert [type(error) for error in caught.value.exceptions] == [RuntimeError]
    assert [payment.user for payment in Payment.objects.charged()] == [fine]


def test_pending_payments_are_processed_without_cancelling_them(make_user: UserFactory) -> None:
    first, second, third = (pending(make_user(), "5") for _number in range(3))
    started(third)
    seen = []

    def look(payment: Payment) -> Result:
        seen.append(payment)
        return pass_on(payment)

    process_pending_payments(processors=[look])
    assert seen == [first, second]
    process_pending_payments(processors=[charge])
    assert set(Payment.objects.pending()) == {third}
    assert stored(third).state == Payment.State.PROCESSING


def test_what_was_charged_or_given_up_meanwhile_is_not_processed(make_user: UserFactory) -> None:
    payments = [pending(make_user(), "5") for _number in range(3)]

    def charges_all(payment: Payment) -> Result:
        charge(stored(payments[1]))
        payments[2].cancel_pending()
        return charge(payment)

    process_pending_payments(processors=[charges_all])
    assert Payment.objects.charged().count() == 2


def test_a_processor_can_end_the_whole_run(make_user: UserFactory) -> None:
    users = [make_user() for _number in range(4)]
    for user in users:
        record(user, "5")
    seen: list[int] = []

    def fails_then_finds_nobody(payment: Payment) -> Result:
        seen.append(payment.user_id)
        if len(seen) == 1:
            raise RuntimeError("no card")
        raise StopProcessingError("the PSP is down")

    with pytest.raises(ExceptionGroup) as caught:
        process_unbound_items(processors=[fails_then_finds_nobody])
    assert [type(error) for error in caught.value.exceptions] == [RuntimeError, StopProcessingError]
    assert seen == [user.pk for user in users[:2]]
    assert Payment.objects.pending().count() == 2
    assert LineItem.objects.unbound().count() == 2


def test_another_run_finishes_what_a_killed_one_left(make_user: UserFactory) -> None:
    for _number in range(4):
        record(make_user(), "5")

    def killed(payment: Payment) -> Result:
        if Payment.objects.charged().count() == 2:
            raise KeyboardInterrupt
        return charge(payment)

    with pytest.raises(KeyboardInterrupt):
        process_unbound_items(processors=[killed])
    process_unbound_items(processors=[charge])
    assert Payment.objects.charged().count() == 3
    process_pending_payments(processors=[charge])
    assert Payment.objects.charged().count() == 4


def test_between_two_users_is_a_named_point(
    make_user: UserFactory,
) -> None:
    for _number in range(3):
        record(make_user(), "5")
    with at(Point.BULK_BETWEEN_USERS, raise_(KeyboardInterrupt), on_hit=2) as watch:
        with pytest.raises(KeyboardInterrupt):
            process_unbound_items(processors=[charge])
        assert Payment.objects.charged().count() == 2
        process_unbound_items(processors=[charge])
    assert Payment.objects.charged().count() == watch.hits == 3


def test_each_payer_costs_as_many_queries_as_any_other(make_user: UserFactory) -> None:
    def cost(payers: int) -> int:
        for _number in range(payers):
            record(make_user(), "1", "2")
        with CaptureQueriesContext(connection) as queries:
            process_unbound_items(processors=[pass_on])
        LineItem.objects.unbound().delete()
        return len(queries)

    two, four = cost(2), cost(4)
    assert cost(8) - four == 2 * (four - two)


def test_whoever_the_user_models_manager_hides_is_not_charged(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, "5")
    monkeypatch.setattr(User._meta, "default_manager", User.objects.none())
    with pytest.raises(ExceptionGroup) as caught:
        process_unbound_items(processors=[refused])
    assert [type(error) for error in caught.value.exceptions] == [ObjectDoesNotExist]
