"""Actions on the page of a row; forms come back with all that is wrong, and nothing lost."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from payments_ui.core import psp_port
from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
    SuspenseItem,
)
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record, saved, saving, started, stored
from tests.dom import Node, parse

from .test_disputes import dispute, event
from .test_refunds import act, said, url

pytestmark = pytest.mark.django_db


def page(client: Client, row: Any) -> Node:
    """Return the page of a row."""
    response = client.get(url(type(row), "change", row.pk))
    assert response.status_code == 200
    return parse(response.content)


def offered(client: Client, row: Any) -> list[str]:
    """Return the names of the actions on the page of a row."""
    (tools,) = page(client, row).all("ul", **{"class": "object-tools"})
    links = [link.attrs.get("href", "") for link in tools.all("a")]
    return [link.split("/")[-2] for link in links if "/actions/" in link]


def on_page(row: Any, action: str) -> str:
    return url(type(row), "action", row.pk, action)


# Each stands where it fits


def test_a_payments_page_has_what_can_be_done_with_it(office: Client, user: User) -> None:
    assert offered(office, pending(user, "5")) == ["cancel_pending", "book_by_hand"]
    assert offered(office, charged(user, "5")) == ["refund", "undo"]
    busy = pending(user, "5")
    started(busy)
    assert offered(office, busy) == ["book_by_hand"]


def test_other_pages_have_what_can_be_done_with_them(office: Client, user: User) -> None:
    payment = charged(user, "5")
    refund = payment.refund(reason="broken")
    assert offered(office, refund) == ["mark_sent", "mark_not_sent"]
    assert offered(office, refund.mark_sent(by="user:1", reason="sent")) == []
    unknown = started(pending(user, "5")).record(Unknown(reason="timeout"))
    assert offered(office, unknown) == ["mark_charged", "mark_not_charged"]
    assert offered(office, payment.attempts.get()) == []
    lost = dispute(charged(user, "12"))
    assert offered(office, lost) == ["reopen"]
    lost.payment.reopen_charges(by="user:1", reason="still in use")
    assert offered(office, Dispute.objects.get()) == []
    assert offered(office, event()) == ["handle_again"]
    assert offered(office, saved(user)) == ["remove"]
    assert offered(office, saving(user)) == []
    assert offered(office, JournalEntry.objects.earliest("pk")) == []
    assert offered(office, record(user, "1")[0]) == []


def test_money_to_review_is_matched_and_returned_and_what_has_no_answer_is_closed(
    office: Client, user: User
) -> None:
    money = SuspenseItem.objects.open_item(
        SuspenseItem.Kind.UNMATCHED, event=event(), amount=5, currency="CHF"
    )
    late = SuspenseItem.objects.open_item(
        SuspenseItem.Kind.OVERDUE, attempt=started(pending(user, "5"))
    )
    assert offered(office, money) == ["match", "give_back", "close"]
    assert offered(office, late) == ["close"]
    assert offered(office, late.close(by="user:1", reason="looked up")) == []


# From the page, and back to it


def test_an_action_on_a_page_asks_why_and_leads_back(office: Client, user: User) -> None:
    payment = charged(user, "12")
    asked = parse(office.get(on_page(payment, "refund")).content)
    (back,) = asked.all("a", **{"class": "closelink"})
    assert back.attrs["href"] == url(Payment, "change", payment.pk)
    answers = {"amount": "5", "refunded_before": "0", "reason": "broken"}
    response: Any = office.post(on_page(payment, "refund"), answers, follow=True)
    assert response.redirect_chain == [(url(Payment, "change", payment.pk), 302)]
    assert "Now send the money back" in said(response)[0]
    assert Refund.objects.get().amount == 5
    assert LogEntry.objects.get().change_message == "broken"


@pytest.mark.django_db(transaction=True)
def test_what_is_gone_leads_to_the_list(office: Client, user: User) -> None:
    payment = pending(user, "5")
    answer = office.post(on_page(payment, "cancel_pending"), {"reason": "asked for it"})
    assert answer.headers["Location"] == url(Payment)
    again = office.post(on_page(payment, "cancel_pending"), {"reason": "asked for it"})
    assert again.headers["Location"] == "/admin/"


def test_what_asks_nothing_happens_after_a_press(
    office: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[Event] = []

    def handle(row: Event) -> bool:
        handled.append(row)
        return True

    monkeypatch.setattr(psp_port.psps(), "handle_again", handle)
    row = event()
    shown = office.get(on_page(row, "handle_again"))
    assert "Handle again" in shown.content.decode()
    assert handled == []
    assert said(office.post(on_page(row, "handle_again"), follow=True)) == [
        "1 of 1 reports are handled."
    ]
    assert handled == [row]


def test_a_closed_item_is_acted_on_though_the_list_hides_it(office: Client) -> None:
    row = SuspenseItem.objects.open_item(
        SuspenseItem.Kind.UNMATCHED, event=event(), amount=5, currency="CHF"
    ).close(by="user:1", reason="seen")
    page = office.post(on_page(row, "close"), {"reason": "again"})
    assert "resolved already" in said(page)[0]
    assert "not in this list any more" in said(act(office, "close", row, reason="again"))[0]


@pytest.mark.parametrize("name", ["export_csv", "delete_selected", "no_such_action"])
def test_what_is_no_action_of_a_page_is_refused(office: Client, user: User, name: str) -> None:
    (item,) = record(user, "1")
    assert office.get(on_page(item, name)).status_code == 403
    assert office.post(on_page(item, name), {"post": "yes"}).status_code == 403
    assert LineItem.objects.exists()


def test_an_action_on_a_page_needs_its_permission_and_that_of_the_page(
    client: Client, make_user: UserFactory, user: User
) -> None:
    payment = charged(user, "12")
    clerk = make_user(is_staff=True)
    answers = {"amount": "12", "refunded_before": "0", "reason": "broken"}
    for names in (["view_payment"], ["refund_payment"], ["view_payment", "refund_payment"]):
        clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(User.objects.get(pk=clerk.pk))
        assert not Refund.objects.exists()
        status = client.post(on_page(payment, "refund"), answers).status_code
        assert status == (302 if len(names) == 2 else 403)
    assert Refund.objects.count() == 1
    assert offered(client, payment) == ["refund"]


# What is wrong comes back


def test_the_refund_form_says_all_its_errors_at_once_and_keeps_what_was_typed(
    office: Client, user: User
) -> None:
    payment = charged(user, "12")
    answers = {"amount": "50", "refunded_before": "0", "reason": " "}
    for response in (
        office.post(on_page(payment, "refund"), answers),
        act(office, "refund", payment, **answers),
    ):
        shown = parse(response.content)
        (summary,) = shown.all("div", **{"class": "errornote"})
        assert [(link.attrs["href"], link.text) for link in summary.all("a")] == [
            (
                "#id_amount",
                "Amount in CHF: This is more than what is left to refund. Nothing was sent.",
            ),
            ("#id_reason", "Reason: This field is required."),
        ]
        assert shown.one("input", name="amount").attrs["value"] == "50"
        assert "CHF 12.00 is left." in shown.text.replace("\xa0", " ")
        assert shown.one("title").text.startswith("Error:")
    assert not Refund.objects.exists()


def test_what_the_verb_refuses_comes_back_with_what_was_typed(office: Client, user: User) -> None:
    payment = charged(user, "12")
    payment.refund("5", reason="broken")
    answers = {"amount": "7", "refunded_before": "5", "reason": "broken, too"}
    shown = parse(office.post(on_page(payment, "refund"), answers).content)
    assert "already on its way" in shown.one("div", **{"class": "errornote"}).text
    assert shown.one("textarea").text == "broken, too"
    assert shown.one("input", name="amount").attrs["value"] == "7"


def test_too_much_is_said_at_the_amount_when_the_verb_finds_it(
    office: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = charged(user, "12")
    monkeypatch.setattr(Attempt, "refundable_amount", property(lambda attempt: Decimal(0)))
    monkeypatch.setattr("payments_ui.core.refunds.requesting._left", lambda attempt: Decimal(3))
    answers = {"amount": "7", "refunded_before": "0", "reason": "broken"}
    shown = parse(office.post(on_page(payment, "refund"), answers).content)
    (link,) = shown.one("div", **{"class": "errornote"}).all("a")
    assert link.attrs["href"] == "#id_amount"


def test_who_reads_that_something_was_refunded_meanwhile_can_go_on(
    office: Client, user: User
) -> None:
    payment = charged(user, "12")
    payment.refund("5", reason="broken").mark_sent(by="user:1", reason="sent")
    answers = {"amount": "2", "refunded_before": "0", "reason": "broken, too"}
    response = office.post(on_page(payment, "refund"), answers)
    assert "refunded in the meantime" in said(response)[0]
    fields = parse(response.content).all("form")[-1].fields() | {"reason": "broken, too"}
    assert office.post(on_page(payment, "refund"), fields).status_code == 302
    assert stored(payment).refunded_amount == 7


def test_several_rows_of_which_some_are_refused_leave_those_in_the_form(
    office: Client, user: User, make_user: UserFactory
) -> None:
    fine, busy = pending(user, "5"), pending(make_user(), "7")
    started(busy)
    response = act(office, "cancel_pending", fine, busy, reason="asked for it")
    shown = parse(response.content)
    rows = shown.all("input", name="_selected_action")
    assert [row.attrs["value"] for row in rows] == [str(busy.pk)]
    assert shown.one("textarea").text == "asked for it"
    assert said(response)[0] == "1 row updated."
    assert str(busy.pk)[:8] in said(response)[1]


def test_what_left_the_list_meanwhile_is_said(office: Client, user: User) -> None:
    payment = charged(user, "12")
    data = {"action": "refund", "_selected_action": [payment.pk], "reason": "x", "amount": "1"}
    response = office.post(url(Payment) + "?state=pending", data, follow=True)
    assert "not in this list any more" in said(response)[0]


def test_a_method_being_removed_offers_nothing(office: Client, user: User) -> None:
    method = saved(user)
    response = office.post(on_page(method, "remove"), {"reason": "on the phone"}, follow=True)
    assert said(response) == ["1 row updated."]
    assert offered(office, PaymentMethod.objects.get()) == []
