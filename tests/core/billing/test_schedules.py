"""Who is billed when: the shipped schedules, as sums of days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser, User

from payments_ui.core.billing import schedules
from payments_ui.core.billing.schedules import Owing

ZURICH = ZoneInfo("Europe/Zurich")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZURICH)


def owing(since: str, now: str, joined: str = "2026-01-15T12:00") -> Owing:
    user = User(date_joined=at(joined))
    amount = Decimal("12.00")
    return Owing(user=user, currency="CHF", amount=amount, since=at(since), now=at(now))


@pytest.mark.parametrize(
    ("since", "now", "is_due"),
    [
        # Used on the 10th: billed on the 15th, the day on which the user joined, and not before.
        ("2026-05-10T09:00", "2026-05-14T23:59", False),
        ("2026-05-10T09:00", "2026-05-15T00:00", True),
        # A night that was left out is made up for.
        ("2026-05-10T09:00", "2026-05-17T03:00", True),
        # Used on the day itself: billed with the next month.
        ("2026-05-15T09:00", "2026-05-15T23:00", False),
        ("2026-05-15T09:00", "2026-06-14T23:00", False),
        ("2026-05-15T09:00", "2026-06-15T01:00", True),
        # Over the end of a year.
        ("2025-12-20T09:00", "2026-01-14T09:00", False),
        ("2025-12-14T09:00", "2026-01-02T09:00", True),
    ],
)
def test_monthly_is_the_day_on_which_the_user_joined(since: str, now: str, is_due: bool) -> None:
    assert schedules.monthly(owing(since, now)) is is_due


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        ("2026-02-27T23:00", False),
        ("2026-02-28T00:00", True),
        ("2026-04-29T23:00", True),
    ],
)
def test_who_joined_on_the_31st_is_billed_on_the_last_day_of_short_months(
    now: str, is_due: bool
) -> None:
    assert schedules.monthly(owing("2026-02-10T09:00", now, "2026-01-31T12:00")) is is_due


def test_a_user_without_a_date_of_joining_is_billed_on_the_first() -> None:
    def due(now: str) -> bool:
        since = at("2026-05-10T09:00")
        anybody = Owing(
            user=AnonymousUser(),  # type: ignore[arg-type]
            currency="CHF",
            amount=Decimal(12),
            since=since,
            now=at(now),
        )
        return schedules.monthly(anybody)

    assert not due("2026-05-31T23:00")
    assert due("2026-06-01T00:00")


def test_everybody_may_be_billed_on_the_first() -> None:
    assert not schedules.on_the_first(owing("2026-05-02T09:00", "2026-05-31T09:00"))
    assert schedules.on_the_first(owing("2026-05-02T09:00", "2026-06-01T00:00"))


def test_or_whenever_the_command_runs_or_by_amount_alone() -> None:
    just_now = owing("2026-05-02T09:00", "2026-05-02T09:01")
    assert schedules.nightly(just_now)
    assert not schedules.only_above(just_now)


def test_the_day_of_joining_is_that_of_the_users_clocks() -> None:
    # On the 15th in Zurich; databases give the moment in UTC, where it was the 14th.
    def due(now: str) -> bool:
        bill = owing("2026-05-10T09:00", now)
        bill.user.date_joined = at("2026-01-15T00:30").astimezone(dt.UTC)  # type: ignore[attr-defined]
        return schedules.monthly(bill)

    assert not due("2026-05-14T12:00")
    assert due("2026-05-15T00:00")
