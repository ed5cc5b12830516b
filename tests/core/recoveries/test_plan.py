"""When a declined card is tried again, and when never: sums of days and codes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.recoveries.plan import (
    Failure,
    Step,
    forbidden,
    hard_decline,
    next_step,
    within,
)
from payments_ui.core.recoveries.states import RecoveryState as State

MONDAY = dt.datetime(2026, 5, 4, 9, 30, tzinfo=dt.UTC)


def step(tries: int = 1, *, at: dt.datetime = MONDAY, **facts: Any) -> Step:
    code = facts.pop("code", DeclineCode.INSUFFICIENT_FUNDS)
    card = {name: facts.pop(name) for name in ("brand", "country") if name in facts}
    failure = Failure(at=at, code=code, said=facts, tries=tries, **card)
    return next_step(failure, after_days=(3, 5, 6), hours=(8, 20))


def test_four_tries_within_fourteen_days_at_the_same_time_of_day() -> None:
    moment, moments = MONDAY, [MONDAY]
    for tries in (1, 2, 3):
        planned = step(tries, at=moment)
        assert planned.state == State.PLANNED
        assert planned.next_try_at is not None
        moment = planned.next_try_at
        moments.append(moment)
    assert [(moment - MONDAY).days for moment in moments] == [0, 3, 8, 14]
    assert {moment.time() for moment in moments} == {MONDAY.time()}
    assert step(4, at=moment) == Step(state=State.GIVEN_UP, why="all tries failed")


@pytest.mark.parametrize(
    ("hour", "expected"), [(3, (0, 8)), (8, (0, 8)), (19, (0, 19)), (20, (1, 8)), (23, (1, 8))]
)
def test_nobody_is_tried_at_night(hour: int, expected: tuple[int, int]) -> None:
    moment = within(MONDAY.replace(hour=hour, minute=0), (8, 20))
    assert (moment.day - MONDAY.day, moment.hour) == expected


@pytest.mark.parametrize(
    "facts",
    [
        {"decline_code": "stolen_card", "code": DeclineCode.GENERIC},
        {"decline_code": "transaction_not_allowed"},
        {"code": DeclineCode.EXPIRED_CARD},
        {"code": DeclineCode.METHOD_GONE},
        {"code": DeclineCode.AUTHENTICATION_REQUIRED},
        # The advice goes before a soft code.
        {"decline_code": "insufficient_funds", "advice_code": "do_not_try_again"},
        {"decline_code": "do_not_honor", "advice_code": "confirm_card_data"},
        {"decline_code": "insufficient_funds", "network_advice_code": "03"},
        {"decline_code": "insufficient_funds", "network_advice_code": "21"},
        {"network_decline_code": "57", "brand": "visa"},
        {"network_advice_code": "01", "brand": "visa"},
        *({"network_advice_code": code} for code in ("01", "04", "22", "40", "41")),
        {"country": "IN"},
    ],
    ids=str,
)
def test_never_again_after_a_hard_decline_or_an_advice_that_forbids_it(
    facts: dict[str, Any],
) -> None:
    decided = step(**facts)
    assert (decided.state, decided.next_try_at) == (State.WAITING, None)
    assert decided.why


@pytest.mark.parametrize(
    "facts",
    [
        {"decline_code": "insufficient_funds", "advice_code": "try_again_later"},
        {"decline_code": "do_not_honor", "code": DeclineCode.GENERIC},
        {"code": DeclineCode.TRY_LATER},
        # The same number means something else at another network.
        {"network_decline_code": "57", "brand": "mastercard"},
        {"country": "CH"},
        {"network_advice_code": "99"},
        {"network_advice_code": None},
    ],
    ids=str,
)
def test_a_soft_decline_is_tried_again(facts: dict[str, Any]) -> None:
    assert step(**facts).state == State.PLANNED


def test_a_network_that_says_how_long_to_wait_is_obeyed() -> None:
    def days(**facts: Any) -> int:
        at = step(**facts).next_try_at
        assert at is not None
        return (at - MONDAY).days

    assert days(network_advice_code="02") == 3
    assert days(network_advice_code="24") == 3
    assert days(network_advice_code="27") == 4
    assert days(network_advice_code="30") == 10


def test_advice_that_nobody_explains_is_no_ban_but_waits_as_long_as_any() -> None:
    later = step(network_advice_code="77").next_try_at
    assert later is not None
    assert (later - MONDAY).days == 10
    for code in ("", "00", "43"):
        soon = step(network_advice_code=code).next_try_at
        assert soon is not None
        assert (soon - MONDAY).days == 3


@pytest.mark.parametrize(
    ("facts", "is_forbidden"),
    [
        ({"network_advice_code": "03"}, True),
        ({"network_advice_code": "1", "brand": "visa"}, True),
        # Mastercard's 01 says that there is a new card: its owner may say which.
        ({"network_advice_code": "01", "brand": "mastercard"}, False),
        ({"network_advice_code": "40", "brand": "mastercard"}, False),
    ],
    ids=str,
)
def test_what_asks_for_the_customer_is_not_what_forbids_the_card(
    facts: dict[str, str], is_forbidden: bool
) -> None:
    brand = facts.get("brand", "")
    failure = Failure(at=MONDAY, code=DeclineCode.GENERIC, said=facts, tries=1, brand=brand)
    assert bool(forbidden(failure)) is is_forbidden
    assert hard_decline(failure)
