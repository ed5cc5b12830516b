"""Days and times for people: as Babel writes them, in the language that our texts are in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone
from django.utils.translation import override

import payments_ui
from payments_ui import dates

WINTER = dt.datetime(2026, 11, 27, 14, 4, 5, tzinfo=dt.UTC)
SUMMER = dt.datetime(2026, 7, 27, 14, 4, 5, tzinfo=dt.UTC)


def plain(text: str) -> str:
    """Return the text with ordinary spaces, whichever kind Babel writes."""
    return " ".join(text.split())


@pytest.fixture(autouse=True)
def zurich() -> Iterator[None]:
    with timezone.override("Europe/Zurich"):
        yield


@pytest.mark.parametrize(
    ("language", "day", "winter", "summer"),
    [
        ("en", "November 27, 2026", "3:04 PM GMT+01:00", "4:04 PM GMT+02:00"),
        ("en-gb", "27 November 2026", "15:04 CET", "16:04 CEST"),
        ("de", "27. November 2026", "15:04 MEZ", "16:04 MESZ"),
        ("de-ch", "27. November 2026", "15:04 MEZ", "16:04 MESZ"),
        ("fr", "27 novembre 2026", "15:04 UTC+01:00", "16:04 UTC+02:00"),
        ("it", "27 novembre 2026", "15:04 CET", "16:04 CEST"),
    ],
)
def test_a_moment_is_said_with_its_zone_as_the_language_names_it(
    language: str, day: str, winter: str, summer: str
) -> None:
    with override(language):
        assert dates.format_date(WINTER) == day
        assert plain(dates.format_moment(WINTER)) == f"{day}, {winter}"
        assert plain(dates.format_moment(SUMMER)).endswith(f", {summer}")


def test_a_use_is_told_to_the_second() -> None:
    with override("fr"):
        assert dates.format_time(WINTER) == "15:04:05"
    with override("en"):
        assert plain(dates.format_time(WINTER)) == "3:04:05 PM"


@pytest.mark.parametrize("language", ["he", "ja", "tlh", "xx-strange"])
def test_where_our_texts_are_english_so_are_their_dates(language: str) -> None:
    with override(language):
        assert dates.format_date(WINTER) == "November 27, 2026"
        assert plain(dates.format_moment(WINTER)) == "November 27, 2026, 3:04 PM GMT+01:00"


@pytest.mark.parametrize(
    ("zone", "language", "shown"),
    [
        ("America/New_York", "en", "November 27, 2026, 9:04 AM EST"),
        ("America/New_York", "de", "27. November 2026, 09:04 GMT-05:00"),
        ("Asia/Kolkata", "it", "27 novembre 2026, 19:34 GMT+05:30"),
        # On the other side of the date line it is tomorrow.
        ("Pacific/Auckland", "de", "28. November 2026, 03:04 GMT+13:00"),
        ("UTC", "de", "27. November 2026, 14:04 UTC"),
    ],
)
def test_a_moment_is_that_of_the_current_zone(zone: str, language: str, shown: str) -> None:
    with timezone.override(zone), override(language):
        assert plain(dates.format_moment(WINTER)) == shown
        assert shown.startswith(f"{dates.format_date(WINTER)}, ")


def test_a_zone_may_be_a_mere_difference_to_greenwich() -> None:
    half_past = dt.timezone(dt.timedelta(hours=5, minutes=30))
    with timezone.override(half_past), override("de"):
        assert dates.format_moment(WINTER) == "27. November 2026, 19:34\u00a0GMT+05:30"


def test_a_site_without_zones_stores_the_time_of_its_own() -> None:
    stored = dt.datetime(2026, 11, 27, 14, 4)
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Zurich"), override("de"):
        assert dates.format_moment(stored) == "27. November 2026, 14:04\u00a0MEZ"


def test_a_day_is_in_no_zone() -> None:
    with timezone.override("Pacific/Auckland"), override("it"):
        assert dates.format_date(dt.date(2026, 11, 27)) == "27 novembre 2026"


PACKAGE = Path(payments_ui.__file__).parent
#: What a machine reads.
FOR_MACHINES = {"flows/mails/due.py", "flows/processors.py"}


def test_no_date_that_people_read_is_written_otherwise() -> None:
    by_hand = re.compile(
        r"\{[^{}]*:%[YmdHM]|date_format\(|localize\(\w*time|naturaltime|strftime\("
    )
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        # The offline PSP is another company.
        if "testing" not in path.parts and by_hand.search(path.read_text("utf-8"))
    }
    assert found == FOR_MACHINES
    by_django = re.compile(r"""\|(date|time)(:(?!["']c["'])|\s*\}\})""")
    templates = PACKAGE.rglob("*.html")
    assert [one.name for one in templates if by_django.search(one.read_text("utf-8"))] == []
