"""Button, badge, history and receipt."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from payments_ui import dates
from payments_ui.components import heartbeat
from payments_ui.components.pay_button import PayButton
from payments_ui.components.payment_history import PaymentHistory
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.receipt import Receipt
from payments_ui.components.widget import Widget
from payments_ui.core import queries
from payments_ui.core.attempts import arrivals
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.models import Attempt, Payment
from payments_ui.views import responses
from tests.core.support import charged, money_of, saved, started, stored
from tests.counting import reads
from tests.dom import parse

from .conftest import Owe, RenderTag, RequestOf

Queries = Callable[..., Any]


def test_the_button_says_the_amount(owe: Owe, page: RenderTag) -> None:
    owe("12")
    form = page("{% pay_button %}").form(reverse("payments_ui:payments"))
    assert form.one("button").text == "Continue to payment: CHF 12.00"


def test_the_button_is_for_one_currency(owe: Owe, page: RenderTag) -> None:
    owe("12")
    owe("3", currency="EUR")
    form = page('{% pay_button currency="EUR" %}').form(reverse("payments_ui:payments"))
    assert form.fields()["currency"] == "EUR"
    assert form.one("button").text == "Continue to payment: €3.00"


def test_without_charges_there_is_no_button(page: RenderTag) -> None:
    assert page("{% pay_button %}").all("button") == []


def test_the_button_comes_back_when_the_payment_is_given_up(
    owe: Owe, user: User, page: RenderTag, request_of: RequestOf
) -> None:
    owe("12")
    form = page("{% pay_button %}").form(reverse("payments_ui:payments"))
    widget = Widget.from_data(form.fields())
    body = parse(PayButton(request_of(user), widget, focus=True).render_body())
    assert body.with_attr("data-pui-body")[0].attrs["data-pui-step"] == "button"


def test_the_badge_counts_over_all_currencies(owe: Owe, page: RenderTag) -> None:
    owe("12", "1")
    owe("3", currency="EUR")
    assert page("{% charges_badge %}").text == "3 items to pay"
    assert page('{% charges_badge currency="EUR" %}').text == "1 item to pay"


def test_the_badge_can_show_the_total(owe: Owe, page: RenderTag) -> None:
    owe("12", "1")
    assert page('{% charges_badge what="total" %}').text == "CHF 13.00 to pay"


@pytest.mark.parametrize("amounts", [[], ["-5"]])
def test_nothing_to_pay_leaves_the_total_empty(
    amounts: list[str], owe: Owe, page: RenderTag
) -> None:
    owe(*amounts)
    assert page('{% charges_badge what="total" %}').text == ""


def test_a_badge_refreshes_as_a_badge(owe: Owe, page: RenderTag, user: User) -> None:
    owe("12")
    (asks,) = page('{% charges_badge what="total" %}').with_attr("data-pui-bg")
    assert "w-component=charges-badge" in asks.attrs["hx-get"]
    assert "w-what=total" in asks.attrs["hx-get"]


def test_badges_and_buttons_of_a_page_take_one_query(owe: Owe, page: RenderTag) -> None:
    owe("12")
    with reads(1):
        page("{% charges_badge %}{% pay_button %}")


def test_the_history_lists_payments_with_their_receipts(user: User, page: RenderTag) -> None:
    payment = charged(user, "12")
    shown = page("{% payment_history %}")
    link = shown.one("a", href=reverse("payments_ui:receipt", args=[payment.pk]))
    assert re.fullmatch("Receipt [0-9A-F]{8}-[0-9A-F]{4} of .*", link.text)
    assert "CHF 12.00" in shown.text


def test_a_charge_taken_back_stays_in_the_history(user: User, page: RenderTag) -> None:
    charged(user, "12").undo(force=True, reason="a mistake")
    shown = page("{% payment_history %}")
    assert "Reversed" in shown.text
    assert shown.one("tbody").all("a") == []


def test_pending_and_foreign_payments_are_no_history(
    user: User, make_user: Callable[..., User], page: RenderTag, pending: Callable[..., Payment]
) -> None:
    charged(make_user(), "99")
    pending("12")
    assert "No payments yet" in page("{% payment_history %}").text


def give_back(payment: Payment, amount: str | None = None) -> None:
    """Refund it by hand, at once."""
    payment.refund(amount, reason="broken").mark_sent(by="user:1", reason="e-banking")


def dispute(payment: Payment, state: DisputeState, **facts: Any) -> None:
    """Have the PSP report a dispute of what was paid."""
    attempt = payment.attempts.get(state="settled")
    about: dict[str, Any] = {
        "psp_reference": f"du_{payment.pk.hex}",
        "charge_reference": attempt.psp_reference,
        "state": state,
        "amount": payment.amount,
        "currency": payment.currency,
        "opened_at": timezone.now(),
    }
    attempt.record_dispute(DisputeReport(**{**about, **facts}))


def test_the_history_is_paged_in_five_queries_with_its_refunds_and_disputes(
    user: User, request_of: RequestOf, django_assert_num_queries: Queries
) -> None:
    for _ in range(3):
        payment = charged(user, "12")
        give_back(payment, "5")
        give_back(payment, "2")
        dispute(payment, DisputeState.NEEDS_RESPONSE)
    with django_assert_num_queries(5):
        first = parse(PaymentHistory(request_of(user), Widget(limit=2)).render_body())
    assert len(first.one("tbody").all("tr")) == 2
    assert first.one("a", rel="next").attrs["href"].endswith("?page=2")
    last = parse(PaymentHistory(request_of(user), Widget(limit=2), page=2).render_body())
    assert len(last.one("tbody").all("tr")) == 1


def test_the_history_can_be_of_one_currency(user: User, page: RenderTag) -> None:
    charged(user, "12")
    assert "No payments yet" in page('{% payment_history currency="EUR" %}').text


def test_a_receipt_says_who_paid_whom_what_for_when_and_how(
    user: User, request_of: RequestOf, settings: Settings
) -> None:
    settings.PAYMENTS_UI |= {"PAYEE_ADDRESS": "Schattenhalb 7\n3860 Meiringen"}
    payment = charged(user, "10", "2.50")
    shown = parse(Receipt(request_of(user), Widget(), payment=payment).render())
    for fact in ("Hillshade GmbH", "3860 Meiringen", user.email, "Card", payment.number):
        assert fact in shown.text
    assert payment.charged_at is not None
    stamp = shown.all("time")[0].attrs["datetime"]
    assert stamp.startswith(payment.charged_at.astimezone().strftime("%Y-%m"))
    assert len(shown.one("tbody").all("tr")) == 2
    assert shown.one("tfoot").one("td").text == "CHF 12.50"
    assert len(shown.all("span", class_="pui-use")) == 2


def test_a_receipt_takes_four_queries(
    user: User, request_of: RequestOf, django_assert_num_queries: Queries
) -> None:
    payment = charged(user, *["1"] * 30)
    give_back(payment, "5")
    give_back(payment, "5")
    component = Receipt(request_of(user), Widget(), payment=payment)
    dispute(payment, DisputeState.INQUIRY)
    with django_assert_num_queries(4):
        component.render()


@pytest.fixture
def shown(user: User, page: RenderTag, request_of: RequestOf) -> Callable[[Payment], list[str]]:
    """Return a function that shows history and receipt of a payment."""

    def show(payment: Payment) -> list[str]:
        receipt = Receipt(request_of(user), Widget(), payment=payment).render()
        return [page("{% payment_history %}").text, parse(receipt).text]

    return show


@pytest.mark.parametrize(
    ("state", "facts", "says"),
    [
        (DisputeState.INQUIRY, {}, "Your bank has been asking about this payment since {date}"),
        (DisputeState.NEEDS_RESPONSE, {}, "CHF 12.00 disputed with your bank since {date}"),
        (DisputeState.UNDER_REVIEW, {}, "CHF 12.00 disputed with your bank since {date}"),
        (DisputeState.WON, {}, "which decided on {date} that the payment stands"),
        (
            DisputeState.LOST,
            {"withdrawn": Decimal(10)},
            "Your bank returned CHF 10.00 to you on {date}",
        ),
        (DisputeState.CLOSED, {}, None),
    ],
)
def test_a_dispute_is_shown_as_far_as_it_has_come(
    user: User,
    shown: Callable[[Payment], list[str]],
    state: DisputeState,
    facts: dict[str, Any],
    says: str | None,
) -> None:
    payment = charged(user, "12")
    dispute(payment, state, **facts)
    for text in shown(payment):
        if says is None:
            assert "bank" not in text
        else:
            assert says.format(date=dates.format_date(timezone.localdate())) in text


def test_a_receipt_names_the_saved_payment_method(
    user: User, request_of: RequestOf, pending: Callable[..., Payment]
) -> None:
    method = saved(user)
    attempt = started(pending("12"), payment_method=method)
    attempt.record(money_of(attempt, psp_reference="ch_1"))
    shown = parse(Receipt(request_of(user), Widget(), payment=stored(attempt.payment)).render())
    assert "Card (Visa ending 4242)" in shown.text


def test_what_was_given_back_is_shown_with_its_date(
    user: User, shown: Callable[[Payment], list[str]]
) -> None:
    payment = charged(user, "12")
    give_back(payment, "5")
    today = dates.format_date(timezone.now())
    for text in shown(payment):
        assert f"Refunded CHF 5.00 on {today}" in text
        assert "in full" not in text
    give_back(payment)
    for text in shown(payment):
        assert "Refunded in full" in text
        assert "Refunded CHF 7.00" in text


def test_a_refund_on_its_way_is_shown_and_one_that_failed_is_not(
    user: User, shown: Callable[[Payment], list[str]]
) -> None:
    payment = charged(user, "12")
    refund = payment.refund(reason="broken")
    for text in shown(payment):
        assert "Refund of CHF 12.00 in progress" in text
        assert "in full" not in text
    refund.mark_not_sent(by="user:1", reason="a mistake")
    for text in shown(payment):
        assert "Refund" not in text


def test_money_that_was_sent_back_because_nobody_owed_it_is_no_refund_of_what_was_paid(
    user: User, shown: Callable[[Payment], list[str]]
) -> None:
    payment = charged(user, "12")
    attempt = payment.attempts.get()
    facts: dict[str, Any] = {"moocher": "cards", "psp_reference": attempt.psp_reference}
    arrivals.book_arrival(**facts, amount=Decimal(12), currency="CHF", event_id="e")
    surplus = payment.attempts.get(state="surplus")
    surplus.request_refund(reason="twice").mark_sent(by="user:1", reason="e-banking")
    for text in shown(payment):
        assert "Refund" not in text


def by_a_clerk(transfer: Attempt) -> None:
    transfer.payment.book_by_hand(by="user:1", reason="seen", amount="9")
    transfer.write_off(by="user:1", reason="not worth it")


def within_the_tolerance(transfer: Attempt) -> None:
    transfer.payment.book_by_hand(by="user:1", reason="seen", amount="9")


@pytest.mark.parametrize("waive", [by_a_clerk, within_the_tolerance])
def test_what_was_paid_and_what_was_waived_are_told_apart(
    user: User,
    settings: Settings,
    shown: Callable[[Payment], list[str]],
    request_of: RequestOf,
    pending: Callable[..., Payment],
    waive: Callable[[Attempt], None],
) -> None:
    if waive is within_the_tolerance:
        settings.PAYMENTS_UI |= {"TRANSFER_TOLERANCE": 300}
    transfer = started(pending("12"), moocher="transfer", manual=True)
    waive(transfer)
    payment = stored(transfer.payment)
    assert responses.paid_text(payment) == "Paid: CHF\u00a09.00"
    history, receipt = shown(payment)
    step = parse(PendingCharges(request_of(user), Widget(), payment=payment).render_body()).text
    for text in (history, receipt, step):
        assert "CHF 9.00" in text
        assert "CHF 3.00 is waived: you do not owe it any more" in text
    assert "12.00" not in history
    assert "Paid: CHF 9.00" in receipt
    assert "waived" not in shown(charged(user, "5"))[1]


@pytest.mark.parametrize(
    ("moocher", "said"),
    [("balance", "No payment was necessary"), ("manual", "Paid directly to us")],
)
def test_a_payment_that_needed_no_psp_says_so(
    user: User, request_of: RequestOf, moocher: str, said: str
) -> None:
    payment = charged(user, "12")
    payment.payment_service_provider = moocher
    shown = parse(Receipt(request_of(user), Widget(), payment=payment).render())
    assert said in shown.text


def test_a_way_to_pay_that_nobody_knows_is_not_named(user: User, request_of: RequestOf) -> None:
    payment = charged(user, "12")
    payment.payment_service_provider = "unknown"
    shown = parse(Receipt(request_of(user), Widget(), payment=payment).render())
    assert "Payment method" not in shown.text


def test_a_page_has_one_heartbeat(owe: Owe, page: RenderTag, settings: Settings) -> None:
    settings.PAYMENTS_UI |= {"LIVE_INTERVAL": 5}
    shown = page("{% pending_charges live=True %}{% payment_history live=True %}")
    (beat,) = shown.with_attr("data-pui-heartbeat")
    assert beat.attrs["hx-trigger"].startswith("every 5s, ")
    assert page("{% pending_charges %}").with_attr("data-pui-heartbeat") == []


def test_a_heartbeat_carries_what_its_page_has_seen(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    before = heartbeat.render(request_of(user), Widget())
    owe("12")
    beat = parse(heartbeat.render(request_of(user), Widget(), oob=True)).one(id=heartbeat.ID)
    assert f"v={queries.version(user)}" in beat.attrs["hx-get"]
    assert beat.attrs["hx-swap-oob"] == "true"
    assert "hx-swap-oob" not in before


def test_visitors_have_a_heartbeat_that_has_seen_nothing(request_of: RequestOf) -> None:
    beat = parse(heartbeat.render(request_of(), Widget())).one(id=heartbeat.ID)
    assert "?v=&" in beat.attrs["hx-get"]


def test_news_that_come_while_an_answer_is_made_are_news_to_the_heartbeat(
    owe: Owe, user: User, request_of: RequestOf
) -> None:
    owe("12")
    request = request_of(user)
    component = PendingCharges(request, Widget(live=True))
    before = queries.version(user)
    component.render_body()
    owe("3")
    (beat,) = parse(heartbeat.render(request, component.widget)).with_attr("data-pui-heartbeat")
    assert f"v={before}" in beat.attrs["hx-get"]
    assert queries.version(user) != before
