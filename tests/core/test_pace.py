"""How fast a PSP may be asked, by everybody together."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any
from unittest import mock

import pytest
from django.db import models
from django.utils import timezone

from payments_ui.core import pace
from payments_ui.core.models import Pace
from tests.core.support import together

pytestmark = pytest.mark.django_db


def test_who_comes_later_waits_longer() -> None:
    waits = [pace.reserve("cards", seconds=1000) for _number in range(3)]
    assert waits[0] == 0
    assert 900 < waits[1] <= 1000 < 1900 < waits[2] <= 2000
    assert pace.reserve("others", seconds=1000) == 0
    assert str(Pace.objects.get(name="cards")) == "cards"


def test_time_that_nobody_used_is_not_saved_up() -> None:
    assert pace.reserve("cards", seconds=-100) == 0
    assert pace.reserve("cards", seconds=1000) == 0
    assert pace.reserve("cards", seconds=1000) > 900


def test_who_is_a_moment_late_looks_again() -> None:
    pace.reserve("cards", seconds=1000)
    first = models.QuerySet.first
    overtaken: list[float] = []

    def look(rows: Any) -> Any:
        row = first(rows)
        if not overtaken:
            overtaken.append(1)
            overtaken.append(pace.reserve("cards", seconds=1000))
        return row

    with mock.patch.object(models.QuerySet, "first", look):
        assert 1900 < pace.reserve("cards", seconds=1000) <= 2000
    assert 900 < overtaken[1] <= 1000


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_get_eight_turns() -> None:
    waits = sorted(together(8, lambda _number: pace.reserve("cards", seconds=100)))
    assert [round(wait / 100) for wait in waits] == list(range(8))


@pytest.mark.parametrize("seconds", [0.25, 100])
def test_a_clock_that_was_put_back_makes_nobody_wait_for_hours(seconds: float) -> None:
    in_a_day = timezone.now() + dt.timedelta(days=1)
    Pace.objects.create(name="cards", free_at=in_a_day)
    assert pace.reserve("cards", seconds=seconds) == 0
    # From then on turns are in a row again.
    assert Pace.objects.get().free_at < in_a_day - dt.timedelta(hours=20)
    assert pace.reserve("cards", seconds=seconds) <= seconds


def test_the_time_is_that_of_the_database() -> None:
    assert pace.database_time("cards") == pytest.approx(time.time(), abs=60)
    assert pace.database_time("cards") == pytest.approx(time.time(), abs=60)
    assert Pace.objects.count() == 1
