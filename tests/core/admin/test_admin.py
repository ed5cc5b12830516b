"""The admin: everything is read, money moves by the models' verbs, with a reason."""

# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from payments_ui.core.admin.base import SHOWN
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Unknown
from payments_ui.core.models import (
    Attempt,
    Customer,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
)
from payments_ui.exceptions import LineItemBoundError
from tests.conftest import UserFactory
from tests.core.support import (
    bare,
    charged,
    journalled,
    money_of,
    pending,
    record,
    saved,
    saving,
    started,
    stored,
)

pytestmark = pytest.mark.django_db
Verb = JournalEntry.Verb
MODELS = [LineItem, Payment, Attempt, JournalEntry, Event, PaymentMethod, Customer]


def url(model: type[Any], page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:payments_core_{model._meta.model_name}_{page}", args=args)


def text(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def act(
    office: Client, action: str, *rows: Any, reason: str | None = "because", **answers: str
) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **answers}
    if reason is not None:
        data["reason"] = reason
    return text(office.post(url(type(rows[0])), data, follow=True))


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens_searches_and_filters(
    office: Client, user: User, model: type[Any]
) -> None:
    payment = charged(user, "5")
    pending(user, "7").cancel_pending()
    saved(user)
    Event.objects.create(moocher="bank", event_id="e1", state=Event.State.UNMATCHED)
    row = model._base_manager.order_by("pk").first()
    assert str(row) in text(office.get(url(model, "change", row.pk)))
    for query in (
        "",
        f"?q={user.username}",
        f"?q={payment.pk}",
        "?state=unbound",
        "?attention=money",
    ):
        text(office.get(url(model) + query, follow=True))


@pytest.mark.parametrize("model", [Payment, Attempt, JournalEntry, Event])
def test_money_is_neither_added_nor_deleted_by_hand(
    office: Client, user: User, model: type[Any]
) -> None:
    charged(user, "5")
    Event.objects.create(moocher="bank", event_id="e1", state=Event.State.UNMATCHED)
    row = model._base_manager.first()
    assert office.get(url(model, "add")).status_code == 403
    assert office.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in text(office.get(url(model)))
    assert model._base_manager.filter(pk=row.pk).exists()


# Payments


def test_only_the_email_of_a_payment_is_written(office: Client, user: User) -> None:
    payment = pending(user, "5")
    page = url(Payment, "change", payment.pk)
    posted = {"email": "new@example.com", "amount": "1", "charged_at": "2026-01-01", "user": 1}
    for name, total in (("lineitems", 1), ("attempts", 0), ("refunds", 0), ("disputes", 0)):
        posted |= {f"{name}-TOTAL_FORMS": total, f"{name}-INITIAL_FORMS": total}
    assert office.post(page, posted).status_code == 302
    now = stored(payment)
    assert (now.email, now.amount, now.charged_at) == ("new@example.com", 5, None)


def test_a_payments_page_shows_items_attempts_and_journal(office: Client, user: User) -> None:
    payment = charged(user, "5")
    page = text(office.get(url(Payment, "change", payment.pk)))
    for shown in ("Use 0", "psp-", "payment created", "payment charged", "payment service cards"):
        assert shown in page


def test_a_payments_page_shows_amounts_as_money(office: Client, user: User) -> None:
    payment = charged(user, "5.5")
    payment.refund("1.5", reason="One missing", by="clerk")
    page = text(office.get(url(Payment, "change", payment.pk)))
    for shown in ("CHF\u00a05.50", "CHF\u00a01.50"):
        assert f'<td class="field-money"><p>{shown}</p></td>' in re.sub(r"\s*\n\s*", "", page)


def test_the_journal_tells_the_time_of_the_site() -> None:
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    with override("de"):
        shown = str(JournalEntry(at=at, verb=Verb.PAYMENT_CREATED))
    assert shown == "2. Juli 2026, 00:30\u00a0MESZ: Zahlung erstellt"


def test_a_payments_page_stays_small_with_many_items(office: Client, user: User) -> None:
    items = [LineItem(user=user, title="One of many", amount=1) for _ in range(SHOWN * 3)]
    LineItem.objects.bulk_create(items)
    payment = pending(user)
    page = text(office.get(url(Payment, "change", payment.pk)))
    assert page.count('<td class="field-title">') == SHOWN
    assert f'<a href="/admin/payments_core/lineitem/?payment={payment.pk}">150</a>' in page
    rest = text(office.get(url(LineItem) + f"?payment={payment.pk}"))
    assert rest.count(">One of many</a>") == SHOWN


def test_the_list_of_payments_takes_a_constant_number_of_queries(
    office: Client, make_user: UserFactory
) -> None:
    counts = []
    for _round in range(2):
        for _number in range(5):
            started(pending(make_user(), "5"))
        with CaptureQueriesContext(connection) as queries:
            text(office.get(url(Payment)))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_payments_are_filtered_by_their_state(office: Client, make_user: UserFactory) -> None:
    rows = {name: make_user(username=f"is-{name}") for name in Payment.State.values}
    pending(rows["pending"], "1")
    started(pending(rows["processing"], "1"))
    charged(rows["charged"], "1")
    started(pending(rows["cancelled"], "1")).record(
        Declined(code=DeclineCode.GENERIC)
    ).payment.cancel_pending()
    charged(rows["undone"], "1").undo(force=True, reason="test")
    for state in Payment.State.values:
        page = text(office.get(url(Payment) + f"?state={state}"))
        assert [name for name in rows if f">is-{name}<" in page] == [state]


def test_line_items_and_attempts_are_filtered(office: Client, make_user: UserFactory) -> None:
    unbound, bound, paid = (make_user(username=f"is-{n}") for n in ("unbound", "bound", "paid"))
    record(unbound, "1")
    payment = pending(bound, "1")
    charged(paid, "1")
    for state in ("unbound", "bound", "paid"):
        page = text(office.get(url(LineItem) + f"?state={state}"))
        shown = [n for n in ("unbound", "bound", "paid") if f">is-{n}<" in page]
        assert shown == [state]
    attempt = started(payment).record(Unknown(reason="timeout"))
    for attention in ("open", "unknown"):
        page = text(office.get(url(Attempt) + f"?attention={attention}"))
        assert attempt.reference in page
    assert attempt.reference not in text(office.get(url(Attempt) + "?attention=money"))


@pytest.mark.parametrize(
    "find",
    [
        lambda payment, attempt: payment.user.username,
        lambda payment, attempt: payment.user.email,
        lambda payment, attempt: "elsewhere@example.com",
        lambda payment, attempt: attempt.psp_reference,
        lambda payment, attempt: attempt.reference,
        lambda payment, attempt: str(payment.pk),
        lambda payment, attempt: payment.transaction,
    ],
)
def test_a_payment_is_found_by_what_people_call_it(
    office: Client, user: User, make_user: UserFactory, find: Any
) -> None:
    payment = charged(user, "5")
    bare(Payment).update(email="elsewhere@example.com")
    other = charged(make_user(username="somebody-else"), "7")
    bare(Payment).filter(pk=other.pk).update(email="else@example.org")
    attempt = payment.attempts.get()
    page = text(office.get(url(Payment), {"q": find(stored(payment), attempt)}))
    assert str(payment.pk) in page
    assert str(other.pk) not in page


# Verbs


def test_an_action_asks_for_a_reason_first(office: Client, user: User) -> None:
    payment = pending(user, "5")
    for reason in (None, " "):
        page = act(office, "cancel_pending", payment, reason=reason)
        assert 'name="reason"' in page
        assert f"CHF\xa05.00, {user}, {str(payment.pk)[:8]}" in page
    assert stored(payment).state == Payment.State.PENDING


def test_cancelling_says_who_and_why(office: Client, user: User, clerk: User) -> None:
    payment = pending(user, "5")
    assert "1 row updated" in act(office, "cancel_pending", payment, reason="asked for it")
    assert LineItem.objects.unbound().count() == 1
    entry = JournalEntry.objects.get(verb=Verb.PAYMENT_CANCELLED)
    assert (entry.actor, entry.reason) == (f"user:{clerk.pk}", "asked for it")
    assert LogEntry.objects.get().user == clerk


def test_booking_money_and_undoing_it(office: Client, user: User) -> None:
    payment = pending(user, "5")
    act(office, "book_by_hand", payment, reason="cash", amount="5")
    assert stored(payment).state == Payment.State.CHARGED
    act(office, "undo", payment, reason="wrong person")
    assert stored(payment).state == Payment.State.UNDONE


def test_each_row_that_cannot_says_why_and_the_others_go_on(
    office: Client,
    user: User,
    make_user: UserFactory,
    django_capture_on_commit_callbacks: Any,
) -> None:
    fine, busy = pending(user, "5"), pending(make_user(), "7")
    started(busy)
    with django_capture_on_commit_callbacks(execute=True):
        page = act(office, "cancel_pending", fine, busy)
    assert "1 row updated" in page
    assert "still waiting for the answer" in page
    assert not Payment.all_objects.filter(pk=fine.pk).exists()
    assert stored(busy).state == Payment.State.PROCESSING
    assert "must be refunded" in act(office, "undo", charged(user, "1"))


def test_an_action_is_for_a_handful_of_rows(office: Client, user: User) -> None:
    payments = [pending(user, "1") for _number in range(SHOWN + 1)]
    assert "Select at most" in act(office, "cancel_pending", *payments)
    assert Payment.objects.pending().count() == SHOWN + 1


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("cancel_pending", "change_payment"),
        ("undo", "undo_payment"),
        ("book_by_hand", "book_payment"),
    ],
)
def test_each_action_needs_its_permission(
    client: Client, make_user: UserFactory, user: User, action: str, permission: str
) -> None:
    payment = charged(user, "5") if action == "undo" else pending(user, "5")
    clerk = make_user(is_staff=True)
    everything = ["view_payment", "change_payment", "undo_payment", "book_payment"]
    for names in (set(everything) - {permission}, set(everything)):
        clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(User.objects.get(pk=clerk.pk))
        page = act(client, action, payment, reason=None)
        assert ('name="reason"' in page) == (permission in names)


def test_a_person_says_what_became_of_an_unknown_attempt(office: Client, user: User) -> None:
    lost = started(pending(user, "5")).record(Unknown(reason="timeout"))
    act(office, "mark_not_charged", lost, reason="asked the PSP")
    lost = Attempt.objects.get()
    assert (lost.state, lost.failure_code) == (Attempt.State.FAILED, DeclineCode.NEVER_HAPPENED)
    assert "outcome is known" in act(office, "mark_charged", lost)
    found = started(lost.payment).record(Unknown(reason="timeout"))
    act(office, "mark_charged", found, reason="in the PSP's books")
    assert stored(lost.payment).state == Payment.State.CHARGED
    assert JournalEntry.objects.filter(reason="in the PSP's books").count() == 1


def test_money_for_a_payment_charged_meanwhile_is_said_to_be_surplus(
    office: Client, user: User
) -> None:
    first = started(pending(user, "5")).record(Declined(code=DeclineCode.GENERIC))
    second = started(first.payment)
    first.record(money_of(first))
    assert "Recorded as surplus" in act(office, "mark_charged", second)
    assert Attempt.objects.get(pk=second.pk).state == Attempt.State.SURPLUS


# Line items


def posted(person: User, **fields: Any) -> dict[str, Any]:
    used = {"used_at_0": "2026-05-12", "used_at_1": "09:30"}
    what = {"title": "By hand", "amount": "1.5", "currency": "CHF"}
    return {"user": person.pk, **what, **used, **fields}


def test_a_line_item_added_by_hand_is_checked_and_journalled(
    office: Client, user: User, clerk: User, settings: Any
) -> None:
    settings.PAYMENTS_UI = {"CURRENCY": "EUR"}
    assert 'value="EUR"' in text(office.get(url(LineItem, "add")))
    assert office.post(url(LineItem, "add"), posted(user)).status_code == 302
    item = LineItem.objects.get()
    assert (item.amount, item.currency, item.key) == (Decimal("1.5"), "CHF", None)
    entry = JournalEntry.objects.get()
    assert (entry.verb, entry.actor) == (Verb.LINEITEM_ADDED, f"user:{clerk.pk}")


def test_a_correction_is_journalled_with_who(office: Client, user: User, clerk: User) -> None:
    (item,) = record(user, "5")
    page = url(LineItem, "change", item.pk)
    assert office.post(page, posted(user, amount="6")).status_code == 302
    item.refresh_from_db()
    assert item.amount == 6
    assert JournalEntry.objects.get().actor == f"user:{clerk.pk}"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"amount": "NaN"}, {"amount": "0.123456789"}, {"amount": "99999999999"}),
        *(
            {"amount": "1E+999999"},
            {"amount": "1_2"},
            {"amount": "\u0661\u0662"},
            {"amount": "NaN"},
        ),
        *({"currency": "XXX"}, {"currency": "XAU"}, {"currency": "CHW"}),
        *({"currency": "XXQ"}, {"title": " "}, {"user": "0"}, {"used_at_0": ""}),
        *({"quantity": "3"}, {"unit": "tiles"}, {"quantity": "3", "unit_price": "0.4"}),
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    office: Client, user: User, wrong: dict[str, str]
) -> None:
    page = text(office.post(url(LineItem, "add"), posted(user, **wrong)))
    assert "errorlist" in page
    assert not LineItem.objects.exists()


def test_a_bound_item_is_read_only(office: Client, user: User) -> None:
    item = pending(user, "5").lineitems.get()
    page = url(LineItem, "change", item.pk)
    assert 'name="amount"' not in text(office.get(page))
    assert office.post(page, posted(user)).status_code == 403
    assert office.post(url(LineItem, "delete", item.pk), {"post": "yes"}).status_code == 403
    act_on_all = {"action": "delete_selected", "_selected_action": [item.pk], "post": "yes"}
    assert office.post(url(LineItem), act_on_all).status_code == 403
    assert LineItem.objects.get().amount == 5


def test_unbound_items_are_deleted_and_journalled_with_who(
    office: Client, user: User, clerk: User
) -> None:
    one, two, three = record(user, "1", "2", "3")
    office.post(url(LineItem, "delete", one.pk), {"post": "yes"})
    many = {"action": "delete_selected", "_selected_action": [two.pk, three.pk], "post": "yes"}
    office.post(url(LineItem), many)
    assert not LineItem.objects.exists()
    assert journalled(Verb.LINEITEM_DELETED) == 3
    assert {entry.actor for entry in JournalEntry.objects.all()} == {f"user:{clerk.pk}"}


def test_a_clerk_enters_and_reads_how_an_amount_comes_about(office: Client, user: User) -> None:
    measured = {"amount": "1.3056", "quantity": "3264", "unit": "tiles", "unit_price": "0.0004"}
    assert office.post(url(LineItem, "add"), posted(user, **measured)).status_code == 302
    assert LineItem.objects.get().used_at.isoformat() == "2026-05-12T07:30:00+00:00"
    payment = pending(user)
    for page in (url(LineItem), url(Payment, "change", payment.pk)):
        shown = text(office.get(page)).replace("\xa0", " ")
        assert "3,264 tiles \xd7 CHF 0.0004" in shown
        assert "May 12, 2026" in shown


@pytest.mark.parametrize("page", ["change", "delete", "changelist"])
def test_an_item_bound_while_the_form_was_open_is_a_message(
    office: Client, user: User, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = record(user, "5")

    def bound_meanwhile(*args: Any) -> None:
        raise LineItemBoundError

    monkeypatch.setattr(LineItem, "_lock_unbound", bound_meanwhile)
    monkeypatch.setattr(
        "payments_ui.core.lineitems.queryset.LineItemQuerySet.delete", bound_meanwhile
    )
    many = {"action": "delete_selected", "_selected_action": [item.pk]}
    data = posted(user) | {"post": "yes"} | (many if page == "changelist" else {})
    args = [] if page == "changelist" else [item.pk]
    assert "part of a payment" in text(office.post(url(LineItem, page, *args), data, follow=True))
    assert LineItem.objects.get().amount == 5


def test_line_items_are_downloaded_exactly_and_run_no_formula(
    office: Client, make_user: UserFactory
) -> None:
    user = make_user(username="@ada")
    used_at = datetime(2026, 5, 12, 7, 30, tzinfo=UTC)
    price: dict[str, Any] = {"quantity": 3264, "unit": "tiles", "unit_price": "0.0004"}
    LineItem.objects.record(user=user, title="=1+1", key="-2", used_at=used_at, **price)
    item = LineItem.objects.record(user=user, title="Fix, flat", amount="-5")
    data = {"action": "export_csv", "_selected_action": [row.pk for row in LineItem.objects.all()]}
    response: Any = office.post(url(LineItem), data)
    sent = b"".join(response.streaming_content).decode()
    flat, tiles = sorted(csv.DictReader(sent.splitlines()), key=lambda row: row["amount"])
    assert (tiles["title"], tiles["key"]) == ("'=1+1", "'-2")
    assert (tiles["amount"], tiles["quantity"]) == ("1.3056", "3264.00")
    assert tiles["used_at"] == "2026-05-12T07:30:00+00:00"
    assert (flat["id"], flat["user"], flat["quantity"]) == (str(item.pk), "'@ada", "")
    assert (flat["amount"], flat["title"]) == ("-5.00", "Fix, flat")


# The way out for users who want to be deleted


def test_a_user_with_money_is_not_deleted_and_the_way_out_is_named(
    office: Client, user: User
) -> None:
    record(user, "5")
    page = text(office.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"}))
    assert f"manage.py anonymize_user {user.pk}" in page
    many = {"action": "delete_selected", "_selected_action": [user.pk]}
    page = text(office.post(reverse("admin:auth_user_changelist"), many))
    assert "manage.py anonymize_user USER" in page
    assert User.objects.filter(pk=user.pk).exists()


def test_a_user_without_money_is_deleted_as_ever(office: Client, user: User) -> None:
    page = reverse("admin:auth_user_delete", args=[user.pk])
    assert "anonymize_user" not in text(office.get(page))
    office.post(page, {"post": "yes"})
    assert not User.objects.filter(pk=user.pk).exists()


def test_a_clerk_removes_a_payment_method_with_a_reason(office: Client, user: User) -> None:
    method = saved(user)
    assert "Visa ending 4242" in text(office.get(url(PaymentMethod) + "?use=active"))
    page = act(office, "remove", method, reason="the customer asked on the phone")
    assert "1 row updated" in page
    assert method.as_stored().state == PaymentMethod.State.REMOVING
    entry = JournalEntry.objects.get(verb=Verb.METHOD_REMOVED)
    assert entry.reason == "the customer asked on the phone"
    assert "Visa ending 4242" in text(office.get(url(PaymentMethod) + "?use=removing"))


def test_what_is_not_known_of_a_payment_method_is_its_reference(office: Client, user: User) -> None:
    method = saving(user)
    assert method.pk.hex[:8].upper() in text(office.get(url(PaymentMethod)))


def test_the_number_of_a_receipt_finds_its_payment(office: Client, user: User) -> None:
    wanted, other = charged(user, "5"), charged(user, "7")
    page = text(office.get(url(Payment), {"q": wanted.number}))
    assert url(Payment, "change", wanted.pk) in page
    assert url(Payment, "change", other.pk) not in page
