"""Refunds and what needs review in the admin: asked for once, with what the clerk saw."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from payments_ui.core import psp_port
from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.models import Payment, Refund, SuspenseItem
from tests.conftest import UserFactory
from tests.core.support import charged, pending, started, stored
from tests.counting import reads

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a charged payment of 12.00, which a person has to give back."""
    return charged(user, "12", live=True)


@pytest.fixture
def item(payment: Payment) -> SuspenseItem:
    """Return money that arrived once more."""
    attempt = payment.attempts.get()
    fields: dict[str, Any] = {"psp_reference": attempt.psp_reference, "moocher": attempt.moocher}
    arrivals.book_arrival(**fields, amount=Decimal(12), currency="CHF", event_id="e1")
    found: SuspenseItem = SuspenseItem.objects.get()
    return found


def url(model: type[Any], page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:payments_core_{model._meta.model_name}_{page}", args=args)


def act(office: Client, action: str, *rows: Any, **answers: Any) -> Any:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **answers}
    response = office.post(url(type(rows[0])), data, follow=True)
    assert response.status_code == 200
    return response


def said(response: Any) -> list[str]:
    """Return what the messages say, and what the form says that came back."""
    form = response.context.get("form")
    told = form.problems() if hasattr(form, "problems") else []
    return [*map(str, response.context["messages"]), *(problem.text for problem in told)]


def form(response: Any) -> dict[str, str]:
    """Return what the form about the row would post as it is filled in."""
    shown = response.context["form"]
    return {name: str(shown[name].value()) for name in shown.fields if name != "reason"}


# Refunds


def test_the_form_is_filled_in_with_what_is_left(office: Client, payment: Payment) -> None:
    payment.refund("5", reason="a part").mark_sent(by="user:1", reason="e-banking")
    page = act(office, "refund", payment)
    shown = form(page)
    assert (shown["amount"], shown["refunded_before"]) == ("7.00", "5.00")
    assert "Amount in CHF" in page.content.decode()


def test_a_clerk_refunds_a_part_with_a_reason(office: Client, payment: Payment) -> None:
    answers = {"amount": "5.00", "refunded_before": "0", "reason": "broken"}
    page = act(office, "refund", payment, **answers)
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.manual) == (5, "broken", True)
    (text,) = said(page)
    assert "Now send the money back" in text
    assert f"CHF 5.00, {refund.reference}" in text.replace("\xa0", " ")
    assert LogEntry.objects.get().change_message == "broken"


def test_the_same_form_posted_twice_is_one_refund(office: Client, payment: Payment) -> None:
    answers = {**form(act(office, "refund", payment)), "amount": "5.00", "reason": "broken"}
    act(office, "refund", payment, **answers)
    again = act(office, "refund", payment, **answers)
    assert "already on its way" in said(again)[0]
    Refund.objects.get().mark_sent(by="user:1", reason="e-banking")
    again = act(office, "refund", payment, **answers)
    assert "refunded in the meantime" in said(again)[0]
    assert Refund.objects.count() == LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "-1", "1.001", "much", "", "1E+999999", "-1E-999999", "9" * 400, "NaN", "sNaN"),
        *("1_2.00", "\u0661\u0662", "\uff11\uff12.00", "1\u0968"),
    ],
)
def test_what_is_no_amount_is_asked_for_again(
    office: Client, payment: Payment, amount: str
) -> None:
    answers = {"amount": amount, "refunded_before": "0", "reason": "broken"}
    page = act(office, "refund", payment, **answers)
    assert "errorlist" in page.content.decode() or "not valid" in said(page)[0]
    assert not Refund.objects.exists()


@pytest.mark.parametrize("before", ["1E+999999", "NaN", "\u0660", "0_0"])
def test_what_was_refunded_before_is_a_number_too(
    office: Client, payment: Payment, before: str
) -> None:
    act(office, "refund", payment, amount="5", refunded_before=before, reason="broken")
    assert not Refund.objects.exists()


def test_only_what_is_charged_is_refunded_and_one_at_a_time(
    office: Client, user: User, payment: Payment
) -> None:
    other = pending(user, "5")
    assert form(act(office, "refund", other))["amount"] == "0"
    answers = {"amount": "5", "refunded_before": "0", "reason": "broken"}
    assert "not paid" in said(act(office, "refund", other, **answers))[0]
    assert said(act(office, "refund", payment, other)) == ["Select one row only."]
    assert not Refund.objects.exists()


def test_refunds_are_shown_with_their_payment_and_in_a_list(
    office: Client, payment: Payment
) -> None:
    refund = payment.refund("5", reason="broken screen")
    page = office.get(url(Payment, "change", payment.pk)).content.decode()
    assert "broken screen" in page
    for query in ("", "?attention=send", "?attention=open", f"?q={payment.pk}", f"?q={refund.pk}"):
        assert refund.reference in office.get(url(Refund) + query).content.decode()
    assert "broken screen" in office.get(url(Refund, "change", refund.pk)).content.decode()
    assert office.get(url(Refund, "add")).status_code == 403
    assert office.post(url(Refund, "delete", refund.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("action", "state"), [("mark_sent", "succeeded"), ("mark_not_sent", "failed")]
)
def test_a_person_says_what_became_of_the_money(
    office: Client, payment: Payment, action: str, state: str
) -> None:
    refund = payment.refund(reason="broken")
    act(office, action, refund, reason="seen in e-banking")
    assert Refund.objects.get().state == state
    again = act(office, action, refund, reason="seen in e-banking")
    assert "Its outcome is known" in said(again)[0]


def test_what_a_psp_answers_at_once_is_said(
    office: Client, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(refund: Refund) -> Refund:
        money = Succeeded(psp_reference="re-1", amount=refund.amount, currency="CHF")
        return refund.record(money)

    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", send)
    answers = {"amount": "12", "refunded_before": "0", "reason": "broken"}
    assert "The money has been refunded." in said(act(office, "refund", payment, **answers))[0]


def test_the_pages_of_what_was_asked_for_and_arrived_show_money(
    office: Client, payment: Payment, item: SuspenseItem
) -> None:
    refund = payment.refund("0.50", reason="Damaged")
    for row, amount in ((refund, "0.50"), (item, "12.00"), (refund.attempt, "12.00")):
        page = office.get(url(type(row), "change", row.pk)).content.decode()
        assert f"CHF {amount}" in page.replace("\xa0", " ")
        assert f">{amount}0<" not in page


def test_a_clerk_sees_whose_refund_is_about_to_be_sent(
    office: Client, payment: Payment, user: User
) -> None:
    refund = payment.refund("0.50", reason="Damaged")
    page = act(office, "mark_sent", refund).content.decode().replace("\xa0", " ")
    assert f"CHF 0.50, {user}, {refund.reference}" in page


def test_a_clerk_sees_whose_attempt_is_about_to_be_settled(office: Client, user: User) -> None:
    attempt = started(pending(user, "5"), live=True)
    page = act(office, "mark_charged", attempt).content.decode().replace("\xa0", " ")
    assert f"CHF 5.00, {user}, {attempt.reference}" in page


@pytest.mark.django_db(transaction=True)
def test_a_psp_is_asked_where_requests_are_transactions(
    office: Client, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[bool] = []

    def send(refund: Refund) -> Refund:
        blocks.append(connection.in_atomic_block)
        return refund

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", send)
    answers = {"amount": "12", "refunded_before": "0", "reason": "broken"}
    act(office, "refund", payment, **answers)
    assert blocks == [False]


# What needs review


def test_the_list_shows_what_is_open_and_how_much_that_is(
    office: Client, item: SuspenseItem
) -> None:
    page = office.get(url(SuspenseItem)).content.decode()
    assert "needs review (1)" in page
    assert "CHF\xa012.00 arrived" in page
    act(office, "close", item, reason="a test")
    assert "needs review (0)" in office.get(url(SuspenseItem)).content.decode()
    for query, count in (("", 0), ("?state=closed", 1), ("?state=matched", 0), ("?state=all", 1)):
        page = office.get(url(SuspenseItem) + query).content.decode()
        assert page.count("CHF\xa012.00 arrived") == count


def test_the_list_takes_the_same_queries_whatever_is_in_it(
    office: Client, item: SuspenseItem
) -> None:
    for count in range(3):
        arrivals.book_arrival(
            moocher="bank",
            psp_reference="?",
            amount=Decimal(1),
            currency="XXQ",
            event_id=f"{count}",
        )
    assert item.attempt is not None
    refund = item.attempt.request_refund(reason="sent back")
    SuspenseItem.objects.open_item(SuspenseItem.Kind.OVERDUE, refund=refund)
    with reads(7):
        page = office.get(url(SuspenseItem)).content.decode()
    assert "needs review (5)" in page
    assert "XXQ\u00a01.000" in page


def test_a_clerk_charges_a_pending_payment_with_it(
    office: Client, user: User, item: SuspenseItem
) -> None:
    owed = pending(user, "10")
    act(office, "match", item, payment=owed.pk, reason="the same person")
    assert stored(owed).charged_at
    assert SuspenseItem.objects.get(pk=item.pk).state == "matched"
    assert LogEntry.objects.get().change_message == "the same person"


def test_only_a_pending_payment_can_be_chosen(
    office: Client, payment: Payment, item: SuspenseItem
) -> None:
    page = act(office, "match", item, payment=payment.pk, reason="the same person")
    assert "Select a valid choice" in said(page)[0]
    assert SuspenseItem.objects.get().state == "open"


def test_a_clerk_sends_it_back(office: Client, item: SuspenseItem) -> None:
    page = act(office, "give_back", item, reason="paid twice")
    assert "Now send the money back" in said(page)[0]
    act(office, "mark_sent", Refund.objects.get(), reason="e-banking")
    assert SuspenseItem.objects.get().state == "returned"


def test_what_nobody_knows_is_sent_back_in_one_step(office: Client) -> None:
    event: dict[str, Any] = {"moocher": "bank", "psp_reference": "?", "event_id": "e"}
    arrivals.book_arrival(**event, amount=Decimal(1), currency="CHF")
    act(office, "give_back", SuspenseItem.objects.get(), reason="not ours")
    assert SuspenseItem.objects.get().state == "returned"


def test_each_action_needs_its_permission(
    client: Client, make_user: UserFactory, payment: Payment, item: SuspenseItem
) -> None:
    reader = make_user(is_staff=True)
    names = [f"view_{name}" for name in ("payment", "refund", "suspenseitem")]
    reader.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(reader)
    refund = payment.refund(reason="broken")
    answers = {"amount": "12", "refunded_before": "12", "reason": "because"}
    for row, action in (
        *((payment, "refund"), (refund, "mark_sent"), (refund, "mark_not_sent")),
        *((item, "match"), (item, "give_back"), (item, "close")),
    ):
        assert f'value="{action}"' not in client.get(url(type(row))).content.decode()
        act(client, action, row, **answers)
    assert Refund.objects.get().state == "requested"
    assert SuspenseItem.objects.get().state == "open"
    allowed = ("refund_payment", "resolve_suspenseitem")
    reader.user_permissions.add(*Permission.objects.filter(codename__in=allowed))
    act(client, "mark_sent", refund, **answers)
    act(client, "close", item, **answers)
    assert Refund.objects.get().state == "succeeded"
    assert SuspenseItem.objects.get().state == "closed"
