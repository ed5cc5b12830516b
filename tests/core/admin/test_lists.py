"""Lists for clerks: amounts with currency, totals, files, names; quick however long they are."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import csv
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments_ui.core import journal
from payments_ui.core.admin import base, lists
from payments_ui.core.admin.people import name_of
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record, started
from tests.dom import parse

from .test_disputes import dispute, event
from .test_refunds import url

pytestmark = pytest.mark.django_db
LISTS = [Attempt, Dispute, Event, JournalEntry, LineItem, Payment, Refund, SuspenseItem]


@pytest.fixture
def books(user: User, clerk: User) -> Payment:
    """Return a disputed and partly refunded payment of 12.00; other rows are about it."""
    payment = charged(user, "12")
    payment.refund("5", reason="-broken", by=journal.by_user(clerk))
    dispute(charged(user, "12"))
    item = SuspenseItem.objects.open_item(
        SuspenseItem.Kind.UNMATCHED, event=event(), amount=Decimal(5), currency="CHF"
    )
    item.close(by=journal.by_user(clerk), reason="seen")
    return payment


def text(client: Client, model: type[Any], query: str = "") -> str:
    response = client.get(url(model) + query)
    assert response.status_code == 200
    return parse(response.content).text.replace("\xa0", " ")


def downloaded(client: Client, model: type[Any], *rows: Any) -> list[dict[str, str]]:
    data = {"action": "export_csv", "_selected_action": [row.pk for row in rows]}
    query = "?state=all" if model is SuspenseItem else ""
    response: Any = client.post(url(model) + query, data)
    sent = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(sent.splitlines()))


@pytest.mark.parametrize("model", [Attempt, JournalEntry, LineItem, Payment])
def test_a_page_is_found_in_its_own_table(office: Client, books: Payment, model: type[Any]) -> None:
    """MariaDB begins with users who are joined, and sorts all rows there are."""
    with CaptureQueriesContext(connection) as queries:
        text(office, model)
    table = connection.ops.quote_name(model._meta.db_table)
    pages = [sql for query in queries if f"FROM {table}" in (sql := query["sql"])]
    assert any("ORDER BY" in sql for sql in pages)
    assert not [sql for sql in pages if "INNER JOIN" in sql]


# Totals


def test_a_list_says_what_its_amounts_sum_up_to_by_currency(
    office: Client, user: User, make_user: UserFactory
) -> None:
    record(user, "1.50", "0.0004")
    record(make_user(), "7", currency="EUR")
    assert "Total: CHF 1.5004, €7.00" in text(office, LineItem)
    assert "Total: €7.00" in text(office, LineItem, "?currency=EUR")
    assert "Total" not in text(office, LineItem, "?currency=USD")


@pytest.mark.parametrize("model", [Attempt, Dispute, LineItem, Payment, Refund, SuspenseItem])
@pytest.mark.usefixtures("books")
def test_each_list_of_money_has_its_total(office: Client, model: type[Any]) -> None:
    query = "?state=all" if model is SuspenseItem else ""
    assert re.search(r"Total: CHF \d+\.00", text(office, model, query))


def test_long_lists_are_counted_and_summed_as_far_as_one_looks(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, *["1"] * 8)
    monkeypatch.setattr(lists, "COUNTED", 6)
    monkeypatch.setattr(base, "COUNTED", 6)
    monkeypatch.setattr(lists, "SUMMED", 4)
    with CaptureQueriesContext(connection) as queries:
        shown = text(office, LineItem)
    assert "Total of the first 4: CHF 4.00" in shown
    assert "There may be more than 6" in shown
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 6" in sql for sql in counts)


# What a row says


def test_amounts_have_their_currency_in_every_list(office: Client, books: Payment) -> None:
    for model, amount in (
        *((Payment, "CHF 12.00"), (Attempt, "CHF 12.00"), (Refund, "CHF 5.00")),
        *((LineItem, "CHF 12.00"), (JournalEntry, "CHF 12.00"), (Dispute, "CHF 12.00")),
    ):
        assert amount in text(office, model)
    entry = JournalEntry.objects.filter(payment_id=books.pk).earliest("pk")
    page = office.get(url(JournalEntry, "change", entry.pk)).content.decode()
    assert "CHF\xa012.00" in page
    assert "Payment of" not in text(office, Payment)


def test_what_was_refunded_is_said_and_filtered(office: Client, user: User) -> None:
    whole, part, paid = charged(user, "12"), charged(user, "12"), charged(user, "12")
    short = started(pending(user, "12"), moocher="bank", manual=True)
    short.payment.book_by_hand(by="user:1", reason="seen", amount="11")
    short.write_off(by="user:1", reason="a fee")
    short.payment.refund(reason="broken").mark_sent(by="user:1", reason="sent")
    whole.refund(reason="broken").mark_sent(by="user:1", reason="sent")
    part.refund("5", reason="broken")
    waived = started(pending(user, "12"), moocher="bank", manual=True)
    waived.payment.book_by_hand(by="user:1", reason="seen", amount="11")
    waived.write_off(by="user:1", reason="a fee")
    rows = parse(office.get(url(Payment)).content).all("tr")
    shown = {row.one("th").text: row for row in rows if row.all("td")}
    states = ("refunded", "refunded", "partly refunded", "charged", "charged, a rest written off")
    payments = (whole, short.payment, part, paid, waived.payment)
    for payment, state in zip(payments, states, strict=True):
        row = shown[payment.number]
        assert row.one("td", **{"class": "field-state"}).text == state
        assert row.one("td", **{"class": "field-money"}).text == "CHF 12.00"
    found = text(office, Payment, "?state=refunded")
    assert [each.number in found for each in (whole, part, paid)] == [True, True, False]
    failed = charged(user, "12")
    failed.refund(reason="broken").mark_not_sent(by="user:1", reason="account closed")
    assert failed.number not in text(office, Payment, "?state=refunded")


# Files


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("model", LISTS)
def test_each_list_can_be_downloaded(office: Client, model: type[Any]) -> None:
    rows = list(model._base_manager.all())
    found = downloaded(office, model, *rows)
    assert len(found) == len(rows)
    assert {row["id"] for row in found} == {str(row.pk) for row in rows}


def test_a_file_has_exact_amounts_states_and_people(
    office: Client, books: Payment, user: User, clerk: User
) -> None:
    (row,) = downloaded(office, Payment, books)
    assert (row["amount"], row["currency"], row["refunded"]) == ("12.00", "CHF", "5.00")
    assert (row["state"], row["user"]) == ("partly refunded", str(user))
    assert (row["received"], row["written_off"]) == ("12.00", "0.00")
    (row,) = downloaded(office, Refund, books.refunds.get())
    assert (row["amount"], row["reason"], row["user"]) == ("5.00", "'-broken", str(user))
    (row,) = downloaded(office, SuspenseItem, SuspenseItem.objects.get())
    assert row["closed_by"] == str(clerk)
    assert row["about"].endswith("arrived with the unknown reference “”.")


def test_a_file_takes_the_permission_to_view(
    client: Client, make_user: UserFactory, user: User
) -> None:
    payment = pending(user, "5")
    changer = make_user(is_staff=True)
    changer.user_permissions.set(Permission.objects.filter(codename="view_lineitem"))
    client.force_login(changer)
    data = {"action": "export_csv", "_selected_action": [payment.pk]}
    assert client.post(url(Payment), data).status_code == 403
    assert "export_csv" in client.get(url(LineItem)).content.decode()
    assert "export_csv" not in client.get(url(LineItem) + "?_popup=1").content.decode()


# People


def test_the_journal_names_people_in_lists_and_on_pages(
    office: Client, books: Payment, clerk: User
) -> None:
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.REFUND_REQUESTED)
    assert entry.actor == f"user:{clerk.pk}"
    for page in (
        url(JournalEntry),
        url(JournalEntry, "change", entry.pk),
        url(Payment, "change", books.pk),
    ):
        shown = parse(office.get(page).content).text
        assert f"user:{clerk.pk}" not in shown
        assert str(clerk) in shown
    item = SuspenseItem.objects.get()
    shown = parse(office.get(url(SuspenseItem, "change", item.pk)).content).text
    assert f"user:{clerk.pk}" not in shown


def test_who_is_no_person_is_named_too(clerk: User) -> None:
    assert name_of("system") == "the system"
    assert name_of("moocher:cards") == "payment service cards"
    assert name_of("command:anonymize_user") == "command:anonymize_user"
    assert name_of(f"user:{clerk.pk}") == "clerk"
    # Somebody whom the site has deleted, and what no user's number is.
    assert name_of("user:999999") == "user:999999"
    assert name_of("user:x") == "user:x"


@pytest.mark.usefixtures("books")
def test_who_did_it_all_is_read_at_once(office: Client, make_user: UserFactory) -> None:
    counts = []
    for _round in range(2):
        for _number in range(3):
            by = journal.by_user(make_user())
            charged(make_user(), "5").refund(reason="broken", by=by)
        with CaptureQueriesContext(connection) as queries:
            text(office, JournalEntry)
        counts.append(len(queries))
    assert counts[0] == counts[1]
