"""Who is billed now: thresholds, the site's schedule, and who is looked at in which order."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import clock
from payments_ui.core.billing import owed
from payments_ui.core.billing.schedules import Owing
from tests.conftest import UserFactory
from tests.core.support import pending, record
from tests.counting import statements

pytestmark = pytest.mark.django_db
SEEN: list[Owing] = []
TWO_MONTHS = dt.timedelta(days=62)


def never(owing: Owing) -> bool:
    SEEN.append(owing)
    return False


def zone(user: User) -> str | None:
    return "Pacific/Auckland" if user.username == "kiwi" else None


def is_billed(user: User) -> bool:
    """Whether what the user owes in francs is billed now."""
    return owed.is_billed(user, "CHF", owed.unbound([user.pk]).get((user.pk, "CHF")))


@pytest.mark.parametrize(("amount", "expected"), [("4.99", False), ("5.00", True)])
def test_nobody_is_charged_forty_cents_every_night(user: User, amount: str, expected: bool) -> None:
    record(user, amount)
    with clock.moved(TWO_MONTHS):
        assert is_billed(user) is expected


def test_what_is_below_the_minimum_waits_until_it_is_more(user: User) -> None:
    record(user, "0.40")
    with clock.moved(TWO_MONTHS):
        assert not is_billed(user)
        record(user, "4.60")
        assert is_billed(user)


@pytest.mark.parametrize(
    ("currency", "least"), [("CHF", "5"), ("JPY", "500"), ("KWD", "0.5"), ("EUR", "12.50")]
)
def test_the_minimum_is_said_by_currency(settings: Settings, currency: str, least: str) -> None:
    settings.PAYMENTS_UI = {"BILLING_MINIMUM": {"EUR": "12.50"}}
    assert owed.least(currency) == Decimal(least)


def test_nothing_is_never_billed(settings: Settings, user: User) -> None:
    settings.PAYMENTS_UI = {
        "BILLING_MINIMUM": {"CHF": 0},
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    }
    assert not is_billed(user)
    record(user, "0.004")
    assert not is_billed(user)
    record(user, "0.006")
    assert is_billed(user)


def test_a_large_amount_does_not_wait_for_its_day(settings: Settings, user: User) -> None:
    settings.PAYMENTS_UI = {"BILLING_AMOUNT": {"CHF": "100.00"}}
    record(user, "99.99")
    assert not is_billed(user)
    record(user, "0.01")
    assert is_billed(user)


def test_the_site_decides_by_a_function_in_its_users_time_zones(
    settings: Settings, make_user: UserFactory
) -> None:
    settings.PAYMENTS_UI = {
        "BILLING_SCHEDULE": f"{__name__}.never",
        "TIME_ZONE_OF": f"{__name__}.zone",
    }
    for name, offset in (("kiwi", 12), ("other", 1)):
        user = make_user(username=name)
        record(user, "2", "3")
        SEEN.clear()
        assert not is_billed(user)
        assert (SEEN[0].user, SEEN[0].currency, SEEN[0].amount) == (user, "CHF", Decimal(5))
        assert SEEN[0].now.utcoffset() in {dt.timedelta(hours=offset + n) for n in (0, 1)}
        assert SEEN[0].since.utcoffset() == SEEN[0].now.utcoffset()


def test_without_time_zones_all_clocks_show_the_same(settings: Settings) -> None:
    moment = timezone.now()
    assert clock.local(moment, "Pacific/Auckland").utcoffset() != clock.local(moment).utcoffset()
    settings.USE_TZ = False
    naive = dt.datetime(2026, 5, 1, 12)
    assert clock.local(naive, "Pacific/Auckland") == naive


def test_payers_are_listed_once_for_each_currency_in_pages(make_user: UserFactory) -> None:
    ann, bob, eve = (make_user() for _ in range(3))
    pending(ann, "5")
    record(ann, "5", "6")
    record(ann, "5", currency="EUR")
    pending(bob, "5")
    record(eve, "5")
    everybody = [(ann.pk, "CHF"), (ann.pk, "EUR"), (bob.pk, "CHF"), (eve.pk, "CHF")]
    assert owed.payers() == everybody
    assert owed.count() == 4
    after, seen = None, []
    while page := owed.payers(after=after, size=1):
        seen += page
        after = page[-1]
    assert seen == everybody
    assert owed.payers(currency="EUR") == [(ann.pk, "EUR")]
    assert owed.payers(user=bob.pk) == [(bob.pk, "CHF")]
    assert owed.payers(after=(ann.pk, "CHF"), upto=bob.pk) == everybody[1:3]


def test_what_many_users_owe_is_read_at_once(make_user: UserFactory) -> None:
    ann, bob = make_user(), make_user()
    pending(ann, "5")
    record(ann, "0.105", "0.10")
    record(ann, "7", currency="EUR")
    with statements(1):
        found = owed.unbound([ann.pk, bob.pk])
    amounts = {key: unbound.amount for key, unbound in found.items()}
    assert amounts == {(ann.pk, "CHF"): Decimal("0.205"), (ann.pk, "EUR"): Decimal(7)}
