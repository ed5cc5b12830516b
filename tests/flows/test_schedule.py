"""When a PSP is asked again: after 1 and 5 minutes, 1, 6 and 22 hours, then daily for a week."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from payments_ui.flows import schedule

BEGUN = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days"))
moments = st.timedeltas(dt.timedelta(0), 10 * DAY).map(lambda age: BEGUN + age)


def test_the_turns() -> None:
    first_day = [MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, 22 * HOUR]
    assert list(schedule.OFFSETS) == first_day + [22 * HOUR + n * DAY for n in range(1, 8)]


def is_due(asked: dt.datetime | None, now: dt.datetime) -> bool:
    return schedule.is_due(asked, schedule.turn(BEGUN, now))


def asked_at_each_minute(until: dt.timedelta) -> list[dt.timedelta]:
    """Return when somebody asks who looks every minute."""
    asked: list[dt.datetime] = []
    for minute in range(int(until / MINUTE)):
        now = BEGUN + minute * MINUTE
        if is_due(asked[-1] if asked else None, now):
            asked.append(now)
    return [moment - BEGUN for moment in asked]


def test_who_looks_every_minute_asks_once_per_turn() -> None:
    assert asked_at_each_minute(9 * DAY) == list(schedule.OFFSETS)


@given(now=moments)
def test_what_nobody_asked_about_is_due_after_a_minute(now: dt.datetime) -> None:
    assert is_due(None, now) == (now >= BEGUN + MINUTE)


@given(asked=moments, now=moments)
def test_who_asked_is_not_asked_again_in_the_same_turn(
    asked: dt.datetime, now: dt.datetime
) -> None:
    between = any(asked < BEGUN + offset <= now for offset in schedule.OFFSETS)
    assert is_due(asked, now) == between


@given(asked=moments, now=moments)
def test_once_it_is_over_it_is_never_due(asked: dt.datetime, now: dt.datetime) -> None:
    assert not (schedule.is_over(BEGUN, asked) and is_due(asked, now))


def test_it_is_over_when_the_last_turn_was_used() -> None:
    last = BEGUN + schedule.LAST
    assert not schedule.is_over(BEGUN, None)
    assert not schedule.is_over(BEGUN, last - MINUTE)
    assert schedule.is_over(BEGUN, last)
