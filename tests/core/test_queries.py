"""What a user owes, for the widgets: exact, bounded, and quick to say that nothing changed."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import Avg, F, Sum, Value
from django.test.utils import CaptureQueriesContext

from payments_ui.core import queries
from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined
from payments_ui.core.db.fields import ExactDecimalField
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.exceptions import InvalidAmountError
from tests.conftest import UserFactory
from tests.core.support import bare, charged, money_of, pending, record, started

pytestmark = pytest.mark.django_db


def test_what_is_owed_is_exact_by_currency_with_pending_payments_beside(
    user: User, make_user: UserFactory
) -> None:
    charged(user, "70")
    pending(user, "98.004", "1")
    pending(user, "2").cancel_pending(by="user:1")
    started(pending(user))
    record(user, *["0.1"] * 3, "0.0004")
    record(user, "500", currency="JPY")
    record(make_user(), "7")
    with CaptureQueriesContext(connection) as captured:
        owed = queries.owed(user)
    chf, jpy = owed.totals
    assert len(captured) == 1
    assert owed.version == queries.version(user)
    assert (chf.idle_count, str(chf.idle_amount)) == (2, "99.00")
    assert (chf.open_count, str(chf.open_amount)) == (1, "2.00")
    assert (chf.owed_count, str(chf.owed), str(chf.to_continue)) == (7, "101.30", "99.30")
    assert (chf.currency, chf.count, chf.amount) == ("CHF", 4, Decimal("0.3004"))
    assert str(chf.payable) == "0.30"
    assert (jpy.currency, str(jpy.payable)) == ("JPY", "500")


@pytest.mark.parametrize(
    ("amount", "is_credit", "is_too_small"),
    [("-1", True, False), ("0.004", False, True), ("0", False, False), ("1", False, False)],
)
def test_a_total_says_why_it_cannot_be_paid(
    user: User, amount: str, is_credit: bool, is_too_small: bool
) -> None:
    record(user, amount)
    (total,) = queries.owed(user).totals
    assert (total.is_credit, total.is_too_small) == (is_credit, is_too_small)


def test_a_page_of_groups_is_read_with_what_is_owed_in_one_query(
    user: User, make_user: UserFactory
) -> None:
    pending(user, "98.004", "1")
    started(pending(user, "2"))
    for day, title in enumerate(("Old", "Mid", "Mid", "New"), start=1):
        used_at = dt.datetime(2026, 11, day, 12, tzinfo=dt.UTC)
        product = {"quantity": "1", "unit": "tile", "unit_price": "0.0004"}
        LineItem.objects.record(user=user, title=title, currency="CHF", used_at=used_at, **product)
    record(user, "500", "7", currency="JPY")
    record(make_user(), "7")
    whole = queries.groups(user, "CHF", limit=9)
    assert [group.title for group in whole] == ["New", "Mid", "Old"]
    for currency, limit, offset in (("CHF", 9, 0), ("CHF", 1, 1), ("JPY", 9, 0), ("CHF", 2, 40)):
        with CaptureQueriesContext(connection) as captured:
            owed, groups = queries.owed_and_groups(user, currency, limit=limit, offset=offset)
        assert len(captured) == 1
        assert owed == queries.owed(user)
        assert groups == queries.groups(user, currency, limit=limit, offset=offset)
    owed, groups = queries.owed_and_groups(user, "EUR", limit=9)
    assert (owed.payments, groups) == (2, [])
    assert queries.owed_and_groups(make_user(), "CHF", limit=9)[0].totals == []


def test_a_credit_takes_nothing_from_a_pending_payment(user: User) -> None:
    pending(user, "12")
    record(user, "-5")
    (total,) = queries.owed(user).totals
    assert (str(total.owed), str(total.credit), total.owed_count) == ("12.00", "5.00", 1)


def test_a_version_only_grows(user: User) -> None:
    seen = [queries.version(user)]
    items = record(user, "1", "2", "3")
    seen.append(queries.version(user))
    items[0].delete()
    seen.append(queries.version(user))
    pending(user)
    seen.append(queries.version(user))
    counted = [tuple(int(part) for part in version.split(".")) for version in seen]
    assert counted == sorted(set(counted))


def test_groups_join_items_of_one_title_newest_first_and_are_paged(user: User) -> None:
    for title in ("Export", "Render", "Render", "Export", "Render"):
        LineItem.objects.record(user=user, title=title, amount="0.5")
    with CaptureQueriesContext(connection) as captured:
        (first,) = queries.groups(user, "CHF", limit=1)
    assert len(captured) == 1
    assert (first.title, first.count, first.amount) == ("Render", 3, Decimal("1.5"))
    (second,) = queries.groups(user, "CHF", limit=5, offset=1)
    assert (second.title, second.count) == ("Export", 2)
    payment = pending(user)
    assert queries.groups(user, "CHF", limit=5) == []
    assert len(queries.groups(user, "CHF", limit=5, payment=payment)) == 2


def test_groups_sum_quantities_of_one_unit_and_price(user: User) -> None:
    uses = ((1, "tiles", "0.0004", 12), (2, "tiles", "0.0004", 14), (3, "tiles", "0.0005", 13))
    for quantity, unit, price, day in (*uses, (4, "m\xb2", "0.0004", 15)):
        LineItem.objects.record(
            user=user,
            title="Render",
            quantity=quantity,
            unit=unit,
            unit_price=price,
            used_at=dt.datetime(2026, 5, day, tzinfo=dt.UTC),
        )
    LineItem.objects.record(user=user, title="Render", amount="0.5")
    last_of_all = queries.items(user, "CHF", limit=1)[0]
    assert last_of_all.quantity is None
    assert [i.used_at.day for i in queries.items(user, "CHF", limit=9)[1:]] == [15, 14, 13, 12]
    alone, area, tiles, dearer = queries.groups(user, "CHF", limit=9)
    assert (alone.quantity, alone.calculation, alone.amount) == (None, "", Decimal("0.5"))
    assert (area.unit, dearer.unit_price, dearer.quantity) == ("m\xb2", Decimal("0.0005"), 3)
    assert (tiles.count, tiles.quantity, tiles.amount) == (2, 3, Decimal("0.0012"))
    assert (tiles.used_from.day, tiles.used_at.day) == (12, 14)
    assert tiles.calculation.startswith("3 tiles")


def test_items_are_listed_newest_first_and_paged(user: User) -> None:
    items = record(user, "1", "2", "3")
    assert queries.items(user, "CHF", limit=2) == [items[2], items[1]]
    assert queries.items(user, "CHF", limit=2, offset=2) == [items[0]]
    assert queries.items(user, "EUR", limit=2) == []
    payment = pending(user)
    assert len(queries.items(user, "CHF", limit=5, payment=payment)) == 3


def test_payments_under_way_are_those_not_charged_and_not_gone(
    user: User, make_user: UserFactory
) -> None:
    charged(user, "1")
    pending(user, "2").cancel_pending()
    pending(make_user(), "3")
    first, busy = pending(user, "4"), pending(user, "5")
    started(busy)
    record(user, "6", currency="EUR")
    euros = pending(user)
    with CaptureQueriesContext(connection) as captured:
        rows = queries.pending_payments(user, limit=5)
    assert len(captured) == 1
    assert [(row, bool(row.is_processing)) for row in rows] == [
        (euros, False),
        (busy, True),
        (first, False),
    ]
    assert str(rows[-1].amount) == "6.00"
    assert queries.pending_payments(user, "EUR", limit=5) == [euros]
    assert queries.pending_payments(user, limit=1) == [euros]


def test_newer_charges_are_those_recorded_since(user: User) -> None:
    payment = pending(user, "5")
    assert queries.newer(payment) is None
    record(user, "1", "2")
    record(user, "4", currency="EUR")
    newer = queries.newer(payment)
    assert newer is not None
    assert (newer.count, newer.amount) == (2, 3)


@pytest.mark.parametrize("read", [queries.owed, queries.version])
def test_the_number_of_queries_does_not_grow(user: User, read: Callable[[User], Any]) -> None:
    for _round in range(2):
        record(user, *["1"] * 20)
        with CaptureQueriesContext(connection) as captured:
            read(user)
        assert len(captured) == 1


# The version


def _update(user: User) -> None:
    user.user_lineitems.unbound().update(title="Other")


def _edit(user: User) -> None:
    user.user_lineitems.unbound()[0].save()


def _delete(user: User) -> None:
    user.user_lineitems.unbound()[0].delete()


def _bulk(user: User) -> None:
    LineItem.objects.bulk_create([LineItem(user=user, title="Use", amount=1)])


def _foreign(user: User) -> None:
    payment = user.user_payments.get()
    payment.charged_at = payment.created_at
    payment.save()


def _undo(user: User) -> None:
    _foreign(user)
    user.user_payments.get().undo()


def _attempt(user: User) -> Attempt:
    return started(user.user_payments.get())


def _decline(user: User) -> None:
    _attempt(user).record(Declined(code=DeclineCode.GENERIC))


def _new_address(user: User) -> None:
    attempt = _attempt(user)
    attempt.record(ActionRequired(url="/a"))
    before = queries.version(user)
    attempt.record(ActionRequired(url="/b"))
    assert queries.version(user) != before


def _charge(user: User) -> None:
    attempt = _attempt(user)
    attempt.record(money_of(attempt))


def _surplus(user: User) -> None:
    _charge(user)
    before = queries.version(user)
    payment = Payment.objects.get()
    money_in = money_of(payment.attempts.get())
    payment.record_surplus("cards", money_in, by="system", reason="")
    assert queries.version(user) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda user: record(user, "1"),
        lambda user: Payment.objects.create_pending(user=user),
        lambda user: user.user_payments.get().cancel_pending(),
        *(_update, _edit, _delete, _bulk, _attempt, _decline, _charge, _foreign, _undo),
        *(_surplus, _new_address),
    ],
)
def test_the_version_changes_with_every_change(
    user: User, make_user: UserFactory, change: Callable[[User], Any]
) -> None:
    pending(user, "5")
    record(user, "1", "2")
    before = queries.version(user)
    assert queries.version(user) == before
    record(make_user(), "1")
    assert queries.version(user) == before
    change(user)
    assert queries.version(user) != before


def test_the_version_sees_what_a_slow_transaction_commits_late(user: User) -> None:
    first, _second = record(user, "1", "2")
    bare(LineItem).filter(pk=first.pk).delete()
    before = queries.version(user)
    late = LineItem(pk=first.pk, user=user, title="Late", amount=Decimal(1))
    late.save()
    assert queries.version(user) != before


def test_a_user_with_nothing_has_a_version(user: User) -> None:
    assert queries.version(user) == "0.0"


# The column of exact decimals


def test_sums_are_exact_on_every_database(user: User) -> None:
    record(user, *["0.1"] * 10, "9999999999.99999999", "0.00000001")
    total = LineItem.objects.aggregate(total=Sum("amount"))["total"]
    assert total == Decimal("10000000001")
    assert LineItem.objects.filter(amount__gt=Decimal("0.1")).count() == 1
    assert LineItem.objects.filter(amount__in=["0.1", 7]).count() == 10
    assert LineItem.objects.aggregate(mean=Avg("amount"))["mean"] is not None
    assert LineItem.objects.filter(amount=None).count() == 0


def test_arithmetic_in_sql_has_to_say_its_type_instead_of_losing_the_scale(user: User) -> None:
    record(user, "1.5")
    with pytest.raises(Exception, match="output_field"):
        LineItem.objects.aggregate(total=Sum(F("amount") * 2))
    exact = ExactDecimalField(max_digits=18, decimal_places=8)
    doubled = LineItem.objects.annotate(
        double=models.ExpressionWrapper(F("amount") * Value(2), output_field=exact)
    )
    assert doubled.get().double == 3


@pytest.mark.parametrize("amount", ["0.000000001", "10000000000"])
def test_what_does_not_fit_is_refused_by_the_column_itself(user: User, amount: str) -> None:
    with pytest.raises(InvalidAmountError):
        bare(LineItem).update(amount=Decimal(amount))


@pytest.mark.parametrize("amount", [0.5, "abc", Decimal("NaN"), True, [1]])
def test_what_is_no_exact_number_is_refused_by_the_column_itself(amount: Any) -> None:
    with pytest.raises(Exception, match="number"):
        LineItem.objects.filter(amount=amount).count()


def test_the_column_speaks_to_forms_dumps_and_migrations(user: User) -> None:
    field = LineItem._meta.get_field("amount")
    form_field = field.formfield()
    assert (form_field.max_digits, form_field.decimal_places) == (18, 8)
    (item,) = record(user, "1.5")
    item.refresh_from_db()
    assert field.value_to_string(item) == "1.50"
    total = JournalEntry._meta.get_field("total")
    assert total.value_to_string(JournalEntry()) == ""
    assert field.clone().decimal_places == 8
    assert connection.vendor == "sqlite" or field.cast_db_type(connection) == "numeric(18, 8)"


class Elsewhere:
    """A connection to a database that has decimals."""

    vendor = "elsewhere"


def test_the_column_is_numeric_where_the_database_has_it() -> None:
    field, elsewhere = LineItem._meta.get_field("amount"), cast("Any", Elsewhere())
    assert field.cast_db_type(elsewhere) == "numeric(18, 8)"
    assert field.get_db_prep_save(Decimal("1.5"), elsewhere) == Decimal("1.5")
    assert field.get_db_prep_save(None, elsewhere) is None
    assert field.from_db_value("1.50000000", None, elsewhere) == Decimal("1.5")
    assert field.from_db_value(None, None, elsewhere) is None


def test_an_expression_can_be_saved(user: User) -> None:
    (item,) = record(user, "1.5")
    exact = ExactDecimalField(max_digits=18, decimal_places=8)
    LineItem.objects.update(amount=models.ExpressionWrapper(F("amount"), output_field=exact))
    item.refresh_from_db()
    assert item.amount == Decimal("1.5")


def test_titles_and_units_are_compared_byte_by_byte(user: User) -> None:
    # CRC32 takes the last two for one, forwards and backwards.
    forged = ("Rendering of the blue hous", ""), ("Xpmvqhomy.yl2dky ylyl6amwd", "")
    likely = ("Frame", ""), ("frame", ""), ("Frame", "Tile"), ("Frame", "tile"), ("Fr\xe4me", "")
    looks = (*likely, *forged)
    for title, unit in looks:
        LineItem.objects.record(user=user, title=title, quantity=1, unit=unit, unit_price=1)
    groups = queries.groups(user, "CHF", limit=9)
    _owed, listed = queries.owed_and_groups(user, "CHF", limit=9)
    assert groups == listed
    assert {(group.title, group.unit) for group in groups} == set(looks)
    for group in groups:
        (item,) = queries.items(user, "CHF", limit=9, look=group.look)
        assert (item.title, item.unit) == (group.title, group.unit)
