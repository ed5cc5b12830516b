"""Lists of millions: what an admin reads of them is bounded, and leads to every row."""

from __future__ import annotations

import csv
import datetime as dt
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments_ui.core.admin import base, lists
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record
from tests.dom import parse

from .test_refunds import url

pytestmark = pytest.mark.django_db
ADMINS = {
    model: by_admin
    for model, by_admin in admin.site._registry.items()
    if model._meta.app_label == "payments_core"
}
_BOUNDS = re.compile(r"\b(?:LIMIT|OFFSET) (\d+)")


def asked(office: Client, page: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert office.get(page, follow=True).status_code == 200
    return [query["sql"] for query in queries if "_core_" in query["sql"]]


def listed(office: Client, page: str) -> list[str]:
    """The first column of each row."""
    cells = parse(office.get(page).content).all("th")
    return [cell.text.strip() for cell in cells if cell.attrs.get("class", "")[:6] == "field-"]


def links(office: Client, page: str) -> dict[str, str]:
    found = parse(office.get(page).content).all("a")
    return {
        link.text: link.attrs["href"]
        for link in found
        if link.attrs.get("href", "").startswith("?")
    }


def walked(office: Client, query: str = "", model: type[Any] = LineItem) -> list[str]:
    """What a clerk sees who goes on to older rows until there are none."""
    seen = []
    while True:
        seen += listed(office, url(model) + query)
        ways = links(office, url(model) + query)
        for page in (link for text, link in ways.items() if text.isdigit()):
            seen += listed(office, url(model) + page)
        if "Older" not in ways:
            return seen
        query = ways["Older"]


def queries_of(model: type[Any]) -> Iterator[str]:
    yield from ("", "?q=word", "?q=01234567-89", "?q=a@example.com", "?o=1.-2", "?p=1")
    if model is not Payment:
        yield "?q=123"
    for each in ADMINS[model].list_filter:
        if isinstance(each, tuple):
            yield f"?{each[0]}=CHF"
        elif isinstance(each, str):
            yield f"?{each}__exact=1"
        else:
            of_choices: Any = each
            choices = getattr(each, "narrow", {"all": None})
            yield from (f"?{of_choices.parameter_name}={value}" for value in choices)


@pytest.mark.parametrize("model", ADMINS)
def test_no_list_filter_search_or_order_reads_a_whole_table(
    office: Client, user: User, model: type[Any]
) -> None:
    charged(user, "5")
    record(user, "1")
    for query in queries_of(model):
        for sql in asked(office, url(model) + query):
            assert "DISTINCT" not in sql
            assert "COUNT(" not in sql or " LIMIT " in sql, sql
            bounds = [int(bound) for bound in _BOUNDS.findall(sql)]
            assert all(bound <= lists.LOOKED_THROUGH + 1 for bound in bounds), sql


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL for its plan")
@pytest.mark.parametrize("model", ADMINS)
def test_every_list_has_an_index_for_its_order(office: Client, model: type[Any]) -> None:
    table = model._meta.db_table
    ordered = [sql for sql in asked(office, url(model)) if f'ORDER BY "{table}"' in sql]
    assert ordered
    for sql in ordered:
        with connection.cursor() as cursor:
            for switch in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                cursor.execute(f"SET LOCAL {switch} = off")
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor)
        assert f"Seq Scan on {table}" not in plan, plan
        # Rows of the same moment are sorted among themselves.
        assert not re.search(r"(?<!Incremental )Sort  ", plan), plan


def test_a_filter_looks_through_the_newest_rows_and_leads_on_to_all(
    office: Client, user: User, make_user: UserFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(make_user(), *["1"] * 2, currency="EUR")
    record(user, *["1"] * 3)
    record(make_user(), *["1"] * 2, currency="EUR")
    every = set(LineItem.objects.filter(currency="EUR"))
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 3)
    monkeypatch.setattr(base, "LOOKED_THROUGH", 3)
    page = url(LineItem) + "?currency=EUR"
    assert len(listed(office, page)) == 2
    assert "Looked through 3 rows" in parse(office.get(page).content).text
    assert len(walked(office, "?currency=EUR")) == 4
    ways = links(office, page)
    assert links(office, url(LineItem) + ways["Older"])["Newest"] == "?currency=EUR"
    # What a clerk downloads is complete, however far the list looks.
    rows = downloaded(office, page)
    assert {row["id"] for row in rows} == {str(item.pk) for item in every}
    assert len(walked(office)) == 7
    assert "Older" not in links(office, url(LineItem))


def downloaded(office: Client, page: str) -> list[dict[str, str]]:
    first = LineItem.objects.latest("pk")
    data = {"action": "export_csv", "select_across": "1", "_selected_action": [first.pk]}
    response: Any = office.post(page, data)
    return list(csv.DictReader(b"".join(response.streaming_content).decode().splitlines()))


@pytest.mark.parametrize("query", ["", "?q=use"])
def test_who_goes_on_sees_each_row_of_a_list_once(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    record(user, *["1"] * 11)
    monkeypatch.setattr(lists, "COUNTED", 4)
    monkeypatch.setattr(base, "COUNTED", 4)
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 5)
    monkeypatch.setattr(ADMINS[LineItem], "list_per_page", 2)
    assert sorted(walked(office, query)) == sorted(f"Use {number}" for number in range(11))


def test_rows_of_one_moment_are_not_lost_between_two_parts(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [pending(user, "5") for _each in range(4)]
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 2)
    seen = listed(office, url(Payment) + "?currency=CHF")
    assert len(seen) == 2
    older = links(office, url(Payment) + "?currency=CHF")["Older"]
    seen += listed(office, url(Payment) + older)
    assert sorted(seen) == sorted(payment.number for payment in payments)


@pytest.mark.parametrize(
    ("most", "query"), [({"LOOKED_THROUGH": 2}, "?currency=CHF"), ({"COUNTED": 3}, "")]
)
def test_who_goes_on_gets_past_a_moment_that_many_rows_share(
    office: Client,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    most: dict[str, int],
    query: str,
) -> None:
    now = timezone.now()
    payments = [pending(user, "5", created_at=now) for _each in range(7)]
    for name, number in most.items():
        monkeypatch.setattr(lists, name, number)
        monkeypatch.setattr(base, name, number)
    monkeypatch.setattr(ADMINS[Payment], "list_per_page", 2)
    assert sorted(walked(office, query, Payment)) == sorted(each.number for each in payments)


@pytest.mark.parametrize(
    "begins_at",
    [
        *("", "~", "1~x", "2026-11-28T09:00:00~1", "99999999999999"),
        f"2026-11-28T09:00:00~{uuid.UUID(int=1)}",
    ],
)
@pytest.mark.parametrize("model", [LineItem, Payment])
def test_an_address_that_somebody_made_up_leads_to_the_list(
    office: Client, model: type[Any], begins_at: str
) -> None:
    response = office.get(url(model), {"begins_at": begins_at})
    assert response.status_code == 302
    assert office.get(response["Location"]).status_code == 200


def test_what_an_address_compares_is_looked_for_in_a_bounded_part(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 4)
    for number in range(6):
        record(user, str(number + 1))
    assert "Older" in links(office, f"{url(LineItem)}?amount__gte=5")


@pytest.mark.parametrize(
    ("most", "query"), [({"LOOKED_THROUGH": 4}, "?currency=CHF"), ({"COUNTED": 4}, "")]
)
def test_what_is_selected_beyond_what_was_counted_is_said(
    office: Client,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    most: dict[str, int],
    query: str,
) -> None:
    record(user, *["1"] * 6)
    monkeypatch.setattr(ADMINS[LineItem], "list_per_page", 2)
    page = url(LineItem) + query
    assert "Select all 6 line items" in parse(office.get(page).content).text
    for name, number in most.items():
        monkeypatch.setattr(lists, name, number)
        monkeypatch.setattr(base, name, number)
    shown = parse(office.get(page).content).text
    assert "Select all that match, however old" in shown
    assert "Select all 4" not in shown
    # What is then done is done to all of them.
    assert len(downloaded(office, page)) == 6


@pytest.mark.parametrize(("model", "head"), [(LineItem, "Recorded at"), (Payment, "Created at")])
def test_a_list_shows_the_order_that_it_is_in(
    office: Client, user: User, model: type[Any], head: str
) -> None:
    pending(user, "1")
    pending(user, "2", created_at=timezone.now() + dt.timedelta(days=1))
    LineItem.objects.record(
        user=user, title="Late", amount=3, currency="CHF", used_at=timezone.now() - dt.timedelta(9)
    )
    page = parse(office.get(url(model)).content)
    (ordered,) = (each for each in page.all("th") if "sorted" in each.attrs.get("class", ""))
    assert head in ordered.text
    amounts = [cell.text for cell in page.all("td", **{"class": "field-money"})]
    assert amounts == ["CHF 3.00", "CHF 2.00", "CHF 1.00"][-len(amounts) :]


def test_what_names_a_row_is_found_however_old_it_is(
    office: Client, make_user: UserFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_user(username="ada", email="Ada@example.com")
    paid = charged(ada, "5")
    attempt = paid.attempts.get()
    reference = str(attempt.psp_reference)
    LineItem.objects.record(user=ada, title="Frame", amount="1", currency="CHF", key="use-1")
    other = charged(make_user(), "7")
    LineItem.objects.record(user=other.user, title="Other", amount="1", currency="CHF")
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 1)
    for model, terms, found in (
        (LineItem, ["ada"], ["Frame", "Use 0"]),
        (
            Payment,
            [
                *("ada", "ada@example.com", reference, attempt.reference),
                *(
                    paid.number,
                    str(paid.pk),
                    paid.pk.hex,
                    paid.pk.hex[:9],
                    paid.pk.hex[:21].upper(),
                ),
            ],
            [paid.number],
        ),
        (Attempt, ["ada", reference, paid.number, attempt.idempotency_key], [attempt.reference]),
    ):
        for term in terms:
            assert listed(office, f"{url(model)}?q={term}") == found, term
    assert listed(office, f"{url(Payment)}?q=da@example") == []
    entries = JournalEntry.objects.filter(payment_id=paid.pk).count()
    assert len(listed(office, f"{url(JournalEntry)}?payment_id={paid.pk}")) == entries
    assert len(listed(office, f"{url(JournalEntry)}?q={paid.pk}")) == entries
    # So is what waits for a clerk, and what belongs to a row.
    owed = [pending(make_user(), "9") for _each in range(3)]
    assert len(listed(office, f"{url(Payment)}?state=pending")) == len(owed)
    assert len(listed(office, f"{url(LineItem)}?payment={paid.pk}")) == 1


def test_a_filter_offers_the_newest_values_and_the_chosen_one(office: Client, user: User) -> None:
    record(user, "1")
    assert {"CHF", "All"} <= links(office, url(LineItem)).keys()
    assert "EUR" not in links(office, url(LineItem))
    assert "EUR" in links(office, url(LineItem) + "?currency=EUR")


def test_an_admin_of_the_sites_own_may_have_all_relations_read_along(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, "1")
    # As a subclass of the kit's may say.
    monkeypatch.setattr(ADMINS[LineItem], "list_select_related", True)
    assert len(listed(office, url(LineItem))) == 1
