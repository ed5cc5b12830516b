"""Charging without the customer: runs that are repeated, doubled, killed, or left without PSP."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
import logging
import time
from decimal import Decimal
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.core.processing import (
    Result,
    StopProcessingError,
    process_pending_payments,
    process_unbound_items,
)
from payments_ui.exceptions import RateLimitedError
from payments_ui.flows.charge_unattended import PAUSES, Charging
from payments_ui.flows.psp_call import GRACE, TransactionOpenError
from payments_ui.flows.reconcile import reconcile
from payments_ui.flows.resilience import CircuitBreaker, RateLimit, retry_rate_limited
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.registry import moochers
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, errors, pending, record, started, stored, together
from tests.fakes import FakeMoocher, cards, francs, taken

pytestmark = pytest.mark.django_db
State = Attempt.State
SITE = "https://shop.example"


def charging(moocher: FakeMoocher = cards, **options: Any) -> Charging:
    return Charging(moocher, **{"base_url": SITE, "per_second": None, **options})


def owe(make_user: UserFactory, count: int) -> list[User]:
    users = [make_user() for _number in range(count)]
    for user in users:
        record(user, "5")
    return users


def test_a_charge_is_a_success(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    assert charging()(payment) is Result.SUCCESS
    assert stored(payment).state == Payment.State.CHARGED
    assert taken(psp) == Decimal(5)


def test_the_psp_gets_urls_of_the_site_without_any_request(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    with mock.patch.object(cards, "charge", wraps=cards.charge) as charge:
        charging(base_url="https://shop.example/")(payment)
    urls = charge.call_args.kwargs["urls"]
    assert urls.return_url.startswith(f"https://shop.example/payments/{payment.pk}/")
    assert urls.webhook_url == "https://shop.example/webhooks/cards/"


@pytest.mark.parametrize("address", ["", "shop.example", "/path", "ftp://shop.example"])
def test_without_the_sites_address_there_is_no_processor(address: str) -> None:
    with pytest.raises(ValueError, match="address of a site"):
        charging(base_url=address)


def test_a_decline_is_a_failure_and_the_next_processor_is_tried(
    user: User, psp: SandboxPSP
) -> None:
    psp.plan.add("insufficient_funds")
    assert charging()(pending(user, "5")) is Result.FAILURE


@pytest.mark.parametrize("step", ["lost_reply", "lost_request", "processing", "3ds"])
def test_an_open_outcome_ends_the_payments_turn_and_cancels_nothing(
    user: User, psp: SandboxPSP, step: str
) -> None:
    psp.plan.add(step)
    record(user, "5")
    process_unbound_items(processors=[charging(), lambda _payment: pytest.fail("tried another")])
    assert Payment.objects.get().state == Payment.State.PROCESSING
    assert not LineItem.objects.unbound().exists()


def test_a_user_without_a_saved_card_is_not_for_it(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    assert charging(data_for=lambda _payment: None)(payment) is Result.FAILURE
    assert charging(francs)(pending(user, "1")) is Result.FAILURE
    assert not psp.calls
    assert not payment.attempts.exists()


def test_what_another_run_is_busy_with_is_not_sent_again(
    user: User, psp: SandboxPSP, caplog: pytest.LogCaptureFixture
) -> None:
    payment = pending(user, "5")
    started(payment)
    with caplog.at_level(logging.INFO, "payments_ui"):
        assert charging()(payment) is Result.TERMINATE
    assert "attempt_open" in caplog.text
    assert not psp.calls


def test_what_another_run_charged_is_a_success(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    charging()(stored(payment))
    assert charging()(payment) is Result.SUCCESS
    assert psp.calls == {"create": 1}


def test_what_was_given_up_meanwhile_is_left_alone(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    stored(payment).cancel_pending()
    assert charging()(payment) is Result.TERMINATE
    assert not psp.calls


def test_a_user_who_was_declined_is_not_asked_for_again_the_same_day(
    user: User, psp: SandboxPSP
) -> None:
    psp.plan.add("insufficient_funds")
    record(user, "5")
    for _run in range(3):
        process_unbound_items(processors=[charging()])
    assert psp.calls == {"create": 1}
    yesterday = Attempt.objects.get().ended_at - dt.timedelta(days=1)  # type: ignore[operator]
    bare(Attempt).update(ended_at=yesterday)
    process_unbound_items(processors=[charging()])
    assert psp.calls == {"create": 2}
    assert taken(psp) == Decimal(5)


def test_what_never_reached_the_psp_is_sent_again_at_once(user: User, psp: SandboxPSP) -> None:
    cards.outcomes.append(Declined(code=DeclineCode.NEVER_HAPPENED))
    payment = pending(user, "5")
    assert charging()(payment) is Result.FAILURE
    assert charging()(payment) is Result.SUCCESS


def test_money_that_a_person_has_to_look_at_is_not_charged_on_top_of(
    user: User, psp: SandboxPSP
) -> None:
    payment = pending(user, "5")
    psp.plan.add("wrong_amount")
    assert charging()(payment) is Result.TERMINATE
    assert payment.attempts.get().state == State.MISMATCH
    assert charging()(stored(payment)) is Result.TERMINATE
    assert psp.calls == {"create": 1}


def test_it_refuses_to_ask_inside_a_transaction(transactional_db: None, psp: SandboxPSP) -> None:
    user = User.objects.create_user("ada")
    payment = pending(user, "5")
    with pytest.raises(TransactionOpenError), transaction.atomic():
        charging()(payment)
    assert not payment.attempts.exists()


def test_an_outage_ends_the_run_and_releases_nothing(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    owe(make_user, 8)
    psp.plan.outage(3600)
    with pytest.raises(ExceptionGroup) as caught:
        process_unbound_items(processors=[charging()])
    assert [type(error) for error in caught.value.exceptions] == [StopProcessingError]
    assert psp.calls == {"create": 5}
    assert {attempt.state for attempt in Attempt.objects.all()} == {State.UNKNOWN}
    assert Payment.objects.pending().count() == 5
    assert LineItem.objects.unbound().count() == 3


def test_one_answer_in_between_and_it_is_no_outage(make_user: UserFactory, psp: SandboxPSP) -> None:
    owe(make_user, 9)
    psp.plan.add("lost_reply", times=4)
    psp.plan.add("insufficient_funds")
    psp.plan.add("lost_reply", times=4)
    process_unbound_items(processors=[charging()])
    assert psp.calls == {"create": 9}


def test_after_the_outage_the_same_command_finishes(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    owe(make_user, 8)
    processor = charging()
    psp.plan.outage(3600)
    with pytest.raises(ExceptionGroup):
        process_unbound_items(processors=[processor])
    psp.plan.clear()
    process_unbound_items(processors=[processor])
    assert Payment.objects.charged().count() == 3
    assert taken(psp) == Decimal(15)


class Limited(FakeMoocher):
    """Refuses each request so many times, as if there were too many."""

    times = 2
    keys: ClassVar[list[str]] = []

    def charge(self, attempt: Attempt, *, data: Any, urls: AttemptUrls) -> Outcome:
        self.keys.append(attempt.idempotency_key)
        if self.keys.count(attempt.idempotency_key) <= self.times:
            raise RateLimitedError("429")
        return super().charge(attempt, data=data, urls=urls)


limited = Limited(identifier="cards", title="Card")


def test_a_rate_limit_is_waited_for_with_the_same_key(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    assert charging(limited, pauses=(0, 0))(payment) is Result.SUCCESS
    assert limited.keys.count(payment.attempts.get().idempotency_key) == 3
    assert psp.calls == {"create": 1}


def test_a_rate_limit_without_end_is_unknown_and_never_failed(user: User, psp: SandboxPSP) -> None:
    payment = pending(user, "5")
    assert charging(limited, pauses=(0,))(payment) is Result.TERMINATE
    assert payment.attempts.get().state == State.UNKNOWN


def test_whoever_waits_is_done_before_the_reconciler_asks() -> None:
    assert sum(PAUSES) * 1.5 < GRACE.total_seconds() / 2


@pytest.mark.parametrize("point", [Point.CHARGE_BEFORE_CALL, Point.CHARGE_AFTER_PSP])
def test_what_a_killed_run_left_open_is_left_to_the_reconciler(
    user: User, psp: SandboxPSP, point: Point
) -> None:
    record(user, "5")
    with at(point, raise_(KeyboardInterrupt)), pytest.raises(KeyboardInterrupt):
        process_unbound_items(processors=[charging()])
    sent = psp.calls.total()
    process_unbound_items(processors=[charging()])
    process_pending_payments(processors=[charging()])
    assert psp.calls.total() == sent
    assert Payment.objects.get().state == Payment.State.PROCESSING


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["approve", "insufficient_funds"])
def test_four_runs_at_once_send_each_payment_once(
    make_user: UserFactory, psp: SandboxPSP, step: str
) -> None:
    users = owe(make_user, 6)
    psp.plan.add(step, times=100)

    def run(_number: int) -> None:
        process_unbound_items(processors=[charging()])
        process_pending_payments(processors=[charging()])

    assert errors(together(4, run)) == []
    assert psp.calls == {"create": len(users)}
    charged = Payment.objects.charged().count()
    assert charged == (len(users) if step == "approve" else 0)
    # Where the run over pending payments was first to ask, the declined payment stays pending.
    assert LineItem.objects.unpaid().count() == len(users) - charged
    assert not Attempt.objects.open().exists()


# At the offline PSP, over real HTTP


def saved_cards(card: str = "card_approve") -> Charging:
    return Charging(
        moochers()["sandbox"],
        base_url="http://127.0.0.1:9",
        data_for=lambda _payment: {"card": card},
        per_second=None,
        pauses=(0, 0, 0),
    )


def run_all() -> None:
    process_unbound_items(processors=[saved_cards()])
    process_pending_payments(processors=[saved_cards()])


def test_whatever_goes_wrong_at_the_psp_everybody_is_charged_once(
    make_user: UserFactory, payments_psp: SandboxPSP, payments_books: None
) -> None:
    owe(make_user, 8)
    for fault in ("lost_reply", "error_before", "error_after", "lost_request", "declined"):
        payments_psp.plan.add(fault)
    run_all()
    assert Payment.objects.charged().count() == 3
    assert Attempt.objects.filter(state=State.UNKNOWN).count() == 4
    # After two minutes the reconciler asks, and the next day's run does the rest.
    bare(Attempt).update(started_at=timezone.now() - dt.timedelta(minutes=2))
    assert reconcile().is_clean
    bare(Attempt).update(ended_at=timezone.now() - dt.timedelta(days=1))
    run_all()
    assert Payment.objects.charged().count() == 8
    assert payments_psp.ledger.totals()["CHF"].taken == 8 * 500


def test_a_step_that_only_the_customer_can_do_waits_for_the_customer(
    user: User, payments_psp: SandboxPSP
) -> None:
    payment = pending(user, "5")
    assert saved_cards("card_3ds")(payment) is Result.TERMINATE
    attempt = payment.attempts.get()
    assert attempt.state == State.REQUIRES_ACTION
    assert attempt.action_url.startswith(payments_psp.url)


# Rate limits


def test_a_rate_limit_is_kept_by_all_threads_together() -> None:
    limit = RateLimit(50)
    before = time.monotonic()

    def two_turns(_number: int) -> None:
        limit.wait()
        limit.wait()

    together(3, two_turns)
    assert time.monotonic() - before >= 5 / 50


def test_without_a_rate_limit_no_thread_waits() -> None:
    limit = RateLimit(None)
    with mock.patch("payments_ui.flows.resilience.time.sleep") as sleep:
        for _turn in range(100):
            limit.wait()
    assert {call.args for call in sleep.call_args_list} == {(0,)}


@pytest.mark.parametrize("per_second", [0, -1])
def test_a_rate_limit_is_above_zero(per_second: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        RateLimit(per_second)


def test_pauses_have_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("payments_ui.flows.resilience.time.sleep", slept.append)

    def refuses() -> None:
        raise RateLimitedError

    for _time in range(20):
        with pytest.raises(RateLimitedError):
            retry_rate_limited(refuses, (1, 4))
    assert all(0.5 <= pause <= 1.5 for pause in slept[::2])
    assert all(2 <= pause <= 6 for pause in slept[1::2])
    assert len(set(slept)) > 30


def test_a_breaker_opens_after_misses_in_a_row_and_closes_with_an_answer() -> None:
    breaker = CircuitBreaker(2)
    for answered, is_open in [(False, False), (True, False), (False, False), (False, True)]:
        breaker.note(answered=answered)
        assert breaker.is_open is is_open
    breaker.note(answered=True)
    assert not breaker.is_open
