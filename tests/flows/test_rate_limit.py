"""All workers together do not overrun a PSP."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from payments_ui.core import pace
from payments_ui.flows import rate_limit
from payments_ui.flows.rate_limit import SharedLimit
from tests.fakes import cards


class Clock:
    """A clock that goes on while somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the limits live by a clock of the test's own, and keep the database's pace by it."""
    clock = Clock()
    free: dict[str, float] = {}

    def reserve(name: str, *, seconds: float) -> float:
        begins = max(free.get(name, 0.0), clock.now)
        free[name] = begins + seconds
        return begins - clock.now

    monkeypatch.setattr(rate_limit, "time", clock)
    monkeypatch.setattr("payments_ui.flows.resilience.time", clock)
    monkeypatch.setattr(pace, "reserve", reserve)
    monkeypatch.setattr(pace, "database_time", lambda _name: clock.now)
    return clock


@pytest.fixture(params=["database", "cache"])
def kept_in(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Keep the limits in the database, and in a cache."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"shared": {"BACKEND": memory, "LOCATION": request.node.name}}
    alias = "shared" if request.param == "cache" else ""
    settings.PAYMENTS_UI = {"RATE_LIMIT_CACHE": alias}
    return str(request.param)


def turns(clock: Clock, limits: list[SharedLimit], count: int) -> list[float]:
    """When each of so many turns came, whoever of the workers took it."""
    came = []
    for number in range(count):
        limits[number % len(limits)].wait()
        came.append(clock.now)
    return came


@pytest.mark.parametrize("workers", [1, 4])
def test_in_no_second_are_there_more_turns_than_allowed(
    clock: Clock, kept_in: str, workers: int
) -> None:
    came = turns(clock, [SharedLimit("cards", 20) for _worker in range(workers)], 200)
    for at in came:
        # A window that has just begun may follow one that has just ended.
        assert sum(at <= other < at + 1 for other in came) <= 20 + 5
    assert came[-1] - came[0] == pytest.approx(10, abs=1)


def test_a_slow_account_is_asked_once_in_ten_seconds(clock: Clock, kept_in: str) -> None:
    came = turns(clock, [SharedLimit("cards", 0.1), SharedLimit("cards", 0.1)], 6)
    assert came[-1] - came[0] == pytest.approx(50, abs=10)


def test_turns_that_a_worker_did_not_use_are_lost(clock: Clock) -> None:
    limit = SharedLimit("cards", 10)
    limit.wait()
    clock.now += 60
    assert len([at for at in turns(clock, [limit], 10) if at < clock.now - 0.5]) >= 4


def test_each_account_has_its_own(clock: Clock, kept_in: str) -> None:
    one, other = SharedLimit("one", 1), SharedLimit("other", 1)
    turns(clock, [one, other], 2)
    assert clock.now < 1001


@pytest.mark.django_db
def test_a_cache_that_is_down_is_replaced_by_the_database(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PAYMENTS_UI = {"RATE_LIMIT_CACHE": "gone"}
    SharedLimit("cards", 1000).wait()
    assert "Cache gone does not keep the pace" in caplog.text
    assert pace.Pace.objects.get().name == "cards"


@pytest.mark.django_db
def test_an_error_of_the_database_is_not_called_one_of_the_cache(
    kept_in: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_name: str, **_options: Any) -> float:
        raise OperationalError("the database is gone")

    monkeypatch.setattr(pace, "database_time", gone)
    monkeypatch.setattr(pace, "reserve", gone)
    with pytest.raises(OperationalError):
        SharedLimit("cards", 20).wait()
    assert "does not keep the pace" not in caplog.text


def test_a_moocher_has_the_limit_that_the_site_says(settings: Settings) -> None:
    def rate(**said: Any) -> float:
        settings.PAYMENTS_UI = said
        return rate_limit.shared(cards)._per_second

    assert rate() == rate_limit.PER_SECOND
    assert rate(RATE_LIMITS={cards.identifier: 3}) == 3


@pytest.mark.parametrize("per_second", [0.013, 0.058, 3.9])
def test_an_odd_number_lets_turns_through_too(
    clock: Clock, kept_in: str, per_second: float
) -> None:
    spent = turns(clock, [SharedLimit("psp", per_second)], 3)
    assert len(spent) == 3


def test_machines_whose_clocks_differ_count_in_the_same_windows(
    clock: Clock, kept_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "time", lambda: pytest.fail("a machine's own clock was asked"))
    asked: list[str] = []

    def database_time(name: str) -> float:
        asked.append(name)
        return clock.now + 0.125

    monkeypatch.setattr(pace, "database_time", database_time)
    limits = [SharedLimit("cards", 20) for _worker in range(4)]
    # One of them set its clock by the database half a minute before the others.
    limits[0].wait()
    clock.now += 30
    came = turns(clock, limits, 200)
    assert max(sum(at <= other < at + 1 for other in came) for at in came) <= 20 + 5
    # Each asks what time it is seldom, not at each turn.
    assert len(asked) == (4 if kept_in == "cache" else 0)


def test_the_time_is_asked_again_after_a_minute(clock: Clock, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"RATE_LIMIT_CACHE": "default"}
    limit = SharedLimit("again", 20)
    limit.wait()
    before = limit._clock
    clock.now += 61
    limit.wait()
    assert (before, limit._clock) == ((1000, 1000), (clock.now, clock.now))
