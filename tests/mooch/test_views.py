"""django-mooch's own moochers, unmodified: what they lack is enforced around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha1
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.test import Client
from mooch.signals import post_charge
from pytest_django import Settings

from payments_ui.core.models import Attempt, Event, Payment
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import together
from tests.fixtures import MakeShopper
from tests.mooch import site as host
from tests.shopping import Shopper, attempt_of, dom, step, stored, url

CONFIRM, TRUSTING = "/anywhere/deep/confirm/", "/trusting/banktransfer_confirm/"
CHARGE, SUCCESS, POSTSALE = "/anywhere/charge/", "/anywhere/success/", "/anywhere/postsale/"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> None:
    settings.ROOT_URLCONF = "tests.mooch.site"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "mooch"]
    settings.PAYMENTS_UI = {"MOOCHERS": host.ALL}
    settings.MIDDLEWARE = host.middleware(settings.MIDDLEWARE)


@pytest.fixture
def senders(django_capture_on_commit_callbacks: Any) -> Iterator[list[object]]:
    """Return the senders of ``post_charge``."""
    senders: list[object] = []

    def listen(sender: object, payment: Payment, **facts: object) -> None:
        senders.append(sender)

    with mock.patch.object(post_charge, "receivers", []):
        post_charge.connect(listen)
        yield senders


@pytest.fixture
def stripe_api() -> Iterator[mock.Mock]:
    """Return what stands for Stripe's server; it takes the money unless told otherwise."""

    def charge(*args: object, data: dict[str, Any], **kwargs: object) -> mock.Mock:
        answer = {"id": "ch_1", "paid": True, "amount": data["amount"], "currency": "chf"}
        return mock.Mock(text=json.dumps(answer))

    with mock.patch("requests.post", side_effect=charge) as post:
        yield post


def confirm(shopper: Shopper, payment: Payment, path: str = CONFIRM, **fields: str) -> Any:
    return shopper.post(path, {"id": payment.pk.hex, **fields})


# Bank transfer


def test_its_form_appears_and_is_submitted_in_place(
    any_shopper: Shopper, senders: list[object]
) -> None:
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment), moocher="banktransfer", w="pui-1"))
    form = shown.form(CONFIRM)
    assert form.attrs["hx-post"] == CONFIRM
    response = any_shopper.post(CONFIRM, form.fields())
    assert stored(payment).state == "processing"
    assert attempt_of(payment).manual
    assert senders == [host.transfer]
    if any_shopper.js:
        assert step(response) == "processing"
        assert dom(response).with_attr("data-pui-body")[0].attrs["id"] == "pui-1-body"
    else:
        assert response["Location"] == url("payment", payment)


def test_autocharge_charges_once_and_signals_once(
    any_shopper: Shopper, senders: list[object], django_capture_on_commit_callbacks: Any
) -> None:
    payment = any_shopper.begin("5.00")
    data = dom(any_shopper.get(url("payment", payment), moocher="trusting")).form(TRUSTING).fields()
    with django_capture_on_commit_callbacks(execute=True):
        first = any_shopper.post(TRUSTING, data)
        second = any_shopper.post(TRUSTING, data)
        third = any_shopper.post(TRUSTING, {"id": payment.pk.hex})
    assert stored(payment).state == "charged"
    assert stored(payment).payment_service_provider == "trusting"
    assert attempt_of(payment).state == "settled"
    assert senders == [host.trusting]
    assert first.status_code == second.status_code
    assert "already paid" in dom(third).text


@pytest.mark.parametrize("path", [CONFIRM, TRUSTING, CHARGE])
def test_another_customers_payment_is_not_found(
    make_shopper: MakeShopper, stripe_api: mock.Mock, path: str
) -> None:
    payment = make_shopper().begin("5.00")
    assert confirm(make_shopper(), payment, path).status_code == 404
    anonymous = Client().post(path, {"id": payment.pk.hex})
    assert anonymous["Location"].startswith("/login/")
    assert stored(payment).state == "pending"
    assert stored(payment).transaction == ""
    assert not stripe_api.called


@pytest.mark.parametrize("path", [CONFIRM, TRUSTING, CHARGE])
@pytest.mark.parametrize("pk", ["", "x", "0" * 31, "0" * 32])
def test_a_malformed_id_is_not_found(shopper: Shopper, path: str, pk: str) -> None:
    assert shopper.post(path, {"id": pk}).status_code == 404


@pytest.mark.parametrize("path", [CONFIRM, TRUSTING, CHARGE])
def test_posting_needs_a_token_or_the_browsers_word(
    shopper: Shopper, stripe_api: mock.Mock, path: str
) -> None:
    payment = shopper.begin("5.00")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(shopper.user)
    data = {"id": payment.pk.hex, "token": "tok"}
    for claimed in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.post(path, data, headers=claimed).status_code == 403
    assert stored(payment).state == "pending"
    page = dom(browser.get(url("payment", payment)))
    token = page.form(url("cancellation", payment)).fields()["csrfmiddlewaretoken"]
    assert browser.post(path, {**data, "csrfmiddlewaretoken": token}).status_code == 303


@pytest.mark.parametrize("path", [CONFIRM, TRUSTING, CHARGE])
def test_getting_a_view_that_charges_does_nothing(shopper: Shopper, path: str) -> None:
    assert shopper.get(path).status_code == 405


def test_the_amount_that_was_seen_is_compared(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    data = dom(any_shopper.get(url("payment", payment), moocher="trusting")).form(TRUSTING).fields()
    response = any_shopper.post(TRUSTING, {**data, "pui-amount": "1.00"})
    assert "total has changed" in dom(response).text
    assert stored(payment).state == "pending"


def test_too_many_attempts_are_stopped(any_shopper: Shopper, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": host.ALL, "ATTEMPTS_PER_HOUR": 0}
    response = confirm(any_shopper, any_shopper.begin("5.00"))
    assert response.status_code == (200 if any_shopper.js else 429)


def test_a_transfer_that_is_awaited_can_be_called_off(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    confirm(shopper, payment)
    shopper.post(url("attempt_cancellation", payment))
    assert attempt_of(payment).state == "cancelled"


def test_the_kits_own_url_is_not_another_way_in(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    for identifier in ("banktransfer", "trusting", "stripe"):
        assert shopper.post(url("moocher", payment, identifier)).status_code == 404


def test_one_that_is_not_listed_is_left_alone(shopper: Shopper, settings: Settings) -> None:
    settings.PAYMENTS_UI = {}
    payment = shopper.begin("5.00")
    assert confirm(shopper, payment, TRUSTING)["Location"] == "/thanks/"
    assert stored(payment).state == "charged"


# Stripe


def test_its_script_works_on_a_page_of_its_own(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment), moocher="stripe"))
    assert bool(shown.all(id="stripeButton")) is not any_shopper.js
    assert bool(shown.all("a", href=url("moocher", payment, "stripe"))) is any_shopper.js


def test_its_script_posts_without_a_token_from_the_same_origin(
    shopper: Shopper, stripe_api: mock.Mock, senders: list[object]
) -> None:
    payment = shopper.begin("5.00")
    browser = Client(enforce_csrf_checks=True, headers=SAME_ORIGIN)
    browser.force_login(shopper.user)
    response = browser.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    assert response.status_code == 303
    assert stored(payment).state == "charged"
    assert senders == [host.stripe]
    assert stripe_api.call_args.kwargs["data"]["amount"] == 500
    # A second click, another tab: the PSP is not asked again.
    response = browser.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    assert response.status_code == 409
    assert stripe_api.call_count == 1
    assert senders == [host.stripe]


def test_a_decline_is_no_charge(
    any_shopper: Shopper, stripe_api: mock.Mock, senders: list[object]
) -> None:
    stripe_api.side_effect = None
    stripe_api.return_value.text = '{"error": {"code": "card_declined", "message": "<b>No</b>"}}'
    payment = any_shopper.begin("5.00")
    response = any_shopper.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    if not any_shopper.js:
        response = any_shopper.get(response["Location"])
    assert "Nothing was charged. Your card was declined" in dom(response).text
    assert attempt_of(payment).state == "failed"
    assert stored(payment).state == "pending"
    assert senders == []


@pytest.mark.parametrize(
    "answer",
    [
        "<html>",
        "[]",
        "null",
        "{}",
        '{"paid": false, "amount": 500, "currency": "chf"}',
        '{"paid": true, "amount": 499, "currency": "chf"}',
        '{"paid": true, "amount": 500, "currency": "eur"}',
    ],
)
def test_an_answer_that_is_neither_yes_nor_no_is_unknown(
    shopper: Shopper, stripe_api: mock.Mock, senders: list[object], answer: str
) -> None:
    stripe_api.side_effect = None
    stripe_api.return_value.text = answer
    payment = shopper.begin("5.00")
    shopper.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    assert attempt_of(payment).state == "unknown"
    assert step(shopper.get(url("payment", payment))) == "unknown"
    assert senders == []


def test_a_psp_that_does_not_answer_leaves_it_unknown(
    shopper: Shopper, stripe_api: mock.Mock
) -> None:
    stripe_api.side_effect = TimeoutError
    payment = shopper.begin("5.00")
    shopper.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    assert attempt_of(payment).state == "unknown"
    # It cannot be called off either.
    shopper.post(url("cancellation", payment))
    assert stored(payment).state == "processing"


def test_a_view_that_answers_an_error_leaves_it_unknown(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    with mock.patch("mooch.banktransfer.http.HttpResponseRedirect") as redirect:
        redirect.return_value.status_code = 500
        confirm(shopper, payment)
    assert attempt_of(payment).state == "unknown"


def test_a_receiver_that_raises_loses_no_charge(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    with mock.patch.object(post_charge, "send", side_effect=RuntimeError):
        confirm(shopper, payment, TRUSTING)
    assert stored(payment).state == "charged"


def test_it_is_not_told_the_kits_own_fields(shopper: Shopper, stripe_api: mock.Mock) -> None:
    stripe_api.side_effect = TimeoutError
    payment = shopper.begin("5.00")
    shopper.post(CHARGE, {"id": payment.pk.hex, "w": "pui-1", "w-live": "1", "note": "mine"})
    kept = stored(payment).transaction
    assert "note" in kept
    for ours in ("pui-1", "w-live", "csrfmiddlewaretoken", "pui-token"):
        assert ours not in kept


def test_a_currency_it_cannot_take_is_refused(shopper: Shopper, stripe_api: mock.Mock) -> None:
    payment = shopper.begin("5.00", currency="EUR")
    response = shopper.post(CHARGE, {"id": payment.pk.hex, "token": "tok"})
    assert response.status_code == 409
    assert not stripe_api.called


# PostFinance


def callback(payment: Payment | str, **changes: str) -> dict[str, str]:
    """Return what the PSP says, signed."""
    pk = payment.pk.hex if isinstance(payment, Payment) else payment
    data = {
        "orderID": f"{pk}-AB12",
        "currency": "CHF",
        "amount": "5.00",
        "PM": "TWINT",
        "ACCEPTANCE": "x",
        "STATUS": "9",
        "CARDNO": "XX",
        "PAYID": "777",
        "NCERROR": "0",
        "BRAND": "TWINT",
        **changes,
    }
    signed = "".join(data.values()) + "secret out"
    return {**data, "SHASIGN": sha1(signed.encode()).hexdigest().upper()}  # noqa: S324 - its scheme


@pytest.fixture
def leaving(shopper: Shopper) -> Payment:
    """Return a payment whose customer is at the PSP."""
    payment = shopper.begin("5.00")
    data = dom(shopper.get(url("payment", payment), moocher="postfinance"))
    path = url("moocher", payment, "postfinance")
    shopper.post(path, data.form(path).fields())
    return payment


def say(**data: Any) -> Any:
    return Client(enforce_csrf_checks=True).post(POSTSALE, data)


def test_its_form_leads_to_the_psp_without_our_token(
    any_shopper: Shopper,
) -> None:
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment), moocher="postfinance"))
    path = url("moocher", payment, "postfinance")
    response = any_shopper.post(path, shown.form(path).fields())
    if not any_shopper.js:
        response = any_shopper.get(response["Location"])
    assert step(response) == "requires_action"
    assert attempt_of(payment).state == "requires_action"
    form = dom(response).one(id="postfinanceform")
    assert form.attrs["hx-boost"] == "false"
    assert "hx-post" not in form.attrs
    fields = form.fields()
    assert fields["amount"] == "500"
    assert not {"csrfmiddlewaretoken", "pui-token", "w"} & set(fields)


@pytest.mark.parametrize("first", ["callback", "browser"])
def test_callback_and_return_charge_once_in_any_order(
    shopper: Shopper,
    leaving: Payment,
    senders: list[object],
    first: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    data = callback(leaving)
    with django_capture_on_commit_callbacks(execute=True):
        if first == "browser":
            assert shopper.get(SUCCESS, **data)["Location"] == url("payment", leaving)
        for _again in range(2):
            assert say(**data).content == b"OK"
        assert shopper.get(SUCCESS, **data)["Location"] == url("payment", leaving)
    assert stored(leaving).state == "charged"
    assert stored(leaving).payment_service_provider == "postfinance"
    assert attempt_of(leaving).psp_reference == "777"
    assert senders == [host.postfinance]


def test_a_return_without_a_session_goes_to_the_hosts_pages(leaving: Payment) -> None:
    assert Client().get(SUCCESS, callback(leaving))["Location"] == "/thanks/"
    assert Client().get(SUCCESS, callback(uuid4().hex))["Location"] == "/sorry/"


@pytest.mark.parametrize(
    "changes",
    [{"SHASIGN": ""}, {"SHASIGN": "0" * 40}, {"amount": "0.05"}, {"STATUS": "5"}, {"PAYID": "1"}],
)
def test_what_is_not_signed_changes_nothing(leaving: Payment, changes: dict[str, str]) -> None:
    data = {**callback(leaving), **changes}
    assert say(**data).status_code == 403
    assert Client().get(SUCCESS, data).status_code == 403
    assert stored(leaving).state == "processing"


@pytest.mark.parametrize(
    "changes",
    [
        {"orderID": "x-AB12"},
        {"orderID": ""},
        {"amount": "5,00"},
        {"amount": "-5.00"},
        {"amount": "0"},
        {"amount": "NaN"},
        {"PAYID": ""},
        {"PAYID": "x" * 101},
    ],
)
def test_fields_that_make_no_sense_are_refused_though_signed(
    leaving: Payment, changes: dict[str, str]
) -> None:
    assert say(**callback(leaving, **changes)).status_code == 403
    assert stored(leaving).state == "processing"


def test_a_digit_does_not_move_from_the_amount_to_the_order(leaving: Payment) -> None:
    data = callback(leaving, amount="5.00")
    moved = {**data, "orderID": data["orderID"] + "C", "currency": "HF"}
    assert say(**moved).status_code == 403


@pytest.mark.parametrize("changes", [{"amount": "4.99"}, {"currency": "EUR"}])
def test_another_amount_or_currency_is_a_mismatch(
    leaving: Payment, senders: list[object], changes: dict[str, str]
) -> None:
    assert say(**callback(leaving, **changes)).status_code == 200
    assert attempt_of(leaving).state == "mismatch"
    assert stored(leaving).charged_at is None
    assert senders == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("5", "processing"),
        ("51", "processing"),
        ("92", "processing"),
        ("", "processing"),
        ("1", "failed"),
        ("2", "failed"),
        ("93", "failed"),
    ],
)
def test_only_status_9_is_money_and_only_a_definite_no_is_a_decline(
    leaving: Payment, senders: list[object], status: str, state: str
) -> None:
    assert say(**callback(leaving, STATUS=status)).status_code == 200
    assert attempt_of(leaving).state == state
    assert senders == []
    say(**callback(leaving, STATUS="9"))
    assert stored(leaving).state == "charged"
    say(**callback(leaving, STATUS=status))
    assert stored(leaving).state == "charged"


def test_a_second_payment_by_the_customer_is_surplus_and_stored_once(leaving: Payment) -> None:
    say(**callback(leaving))
    for _again in range(2):
        say(**callback(leaving, PAYID="778"))
    states = [a.state for a in leaving.attempts.order_by("started_at")]
    assert states == [Attempt.State.SETTLED, Attempt.State.SURPLUS]


def test_money_for_an_unknown_payment_is_kept_as_unmatched(db: None) -> None:
    unknown = uuid4().hex
    for _again in range(2):
        assert say(**callback(unknown)).status_code == 200
    event = Event.objects.get()
    assert (event.state, event.amount) == (Event.State.UNMATCHED, Decimal(5))
    say(**callback(uuid4().hex))
    assert Event.objects.count() == 2, "other facts under the same id are other money"


def test_a_decline_of_an_unknown_payment_changes_nothing(db: None) -> None:
    assert say(**callback(uuid4().hex, STATUS="2")).status_code == 200
    assert not Event.objects.exists()


def test_money_that_comes_after_giving_up_is_surplus(shopper: Shopper, leaving: Payment) -> None:
    say(**callback(leaving, STATUS="1"))
    shopper.post(url("cancellation", leaving))
    say(**callback(leaving))
    assert attempt_of(leaving).state == "surplus"


def test_a_form_shown_by_a_template_of_the_hosts_is_paid_too(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    say(**callback(payment))
    assert stored(payment).state == "charged"


def test_money_for_a_payment_that_another_way_paid_is_kept(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    confirm(shopper, payment, TRUSTING)
    say(**callback(payment))
    assert Event.objects.get().state == Event.State.UNMATCHED


def test_a_callback_needs_no_login_where_all_else_does(
    leaving: Payment, settings: Settings
) -> None:
    ours = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*ours, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert say(**callback(leaving)).content == b"OK"


def test_a_home_made_moocher_has_the_same_protection_and_cannot_be_asked(
    shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": ["tests.mooch.site.homemade"]}
    payment = shopper.begin("5.00")
    assert shopper.post(url("moocher", payment, "homemade")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_payments_by_the_customer_at_once_none_is_lost(leaving: Payment) -> None:
    together(2, lambda number: say(**callback(leaving, PAYID=f"77{number}")))
    states = {str(attempt.state) for attempt in leaving.attempts.all()}
    assert states == {"settled", "surplus"}


def test_a_callback_joins_the_attempt_that_another_has_just_started(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    start = Payment.start_attempt

    def second_in_line(*args: Any, **kwargs: Any) -> None:
        start(*args, **kwargs)
        start(*args, **kwargs)

    with mock.patch.object(Payment, "start_attempt", second_in_line):
        assert say(**callback(payment)).status_code == 200
    assert stored(payment).state == "charged"
    assert attempt_of(payment).state == "settled"


@pytest.mark.django_db(transaction=True)
def test_callbacks_at_once_for_a_form_of_the_hosts_are_both_answered(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    answers = together(2, lambda _number: say(**callback(payment)).status_code)
    assert answers == [200, 200]
    assert stored(payment).state == "charged"
