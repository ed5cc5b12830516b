"""Two clicks, tabs and devices at once, in threads with a connection each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from payments_ui.core.models import LineItem, Payment
from payments_ui.flows import pay
from payments_ui.mooch import pay as mooch_pay
from payments_ui.mooch.moocher import wrap
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import together
from tests.fakes import cards, charge_of, finish, taken
from tests.mooch import site
from tests.shopping import IN_PLACE, Shopper, attempt_of, dom, report, stored, url

pytestmark = pytest.mark.django_db(transaction=True)


def browser(shopper: Shopper) -> Client:
    client = Client()
    client.cookies = shopper.client.cookies
    return client


def test_two_clicks_at_once_make_one_payment(shopper: Shopper) -> None:
    shopper.owe("5.00", "7.00")

    def click(_number: int) -> Any:
        return browser(shopper).post(url("payments"))["Location"]

    places = set(together(4, click))
    payment = Payment.objects.get()
    assert places == {url("payment", payment)}
    assert payment.amount == Decimal(12)


def test_zero_is_settled_once_by_two_clicks(shopper: Shopper) -> None:
    shopper.owe("5.00", "-5.00")
    together(3, lambda _number: browser(shopper).post(url("payments")).status_code)
    assert Payment.objects.get().state == "charged"
    assert Payment.objects.get().attempts.count() == 1


def test_the_same_form_posted_at_once_asks_once(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)

    def click(_number: int) -> int:
        path = url("moocher", payment, "cards")
        return browser(shopper).post(path, data).status_code

    assert together(4, click) == [303] * 4
    assert psp.calls["create"] == 1
    assert taken(psp) == Decimal(5)


def test_two_tabs_that_pay_at_once_charge_once(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    forms = [shopper.form(payment), shopper.form(payment, "francs")]

    def click(number: int) -> int:
        path = url("moocher", payment, ("cards", "francs")[number])
        return browser(shopper).post(path, forms[number]).status_code

    assert sorted(together(2, click)) == [303, 409]
    assert taken(psp) == Decimal(5)
    assert stored(payment).state == "charged"


def test_webhook_and_return_at_once_charge_once(shopper: Shopper, psp: SandboxPSP) -> None:
    psp.plan.add("3ds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    finish(psp, attempt_of(payment))
    back = charge_of(psp, attempt_of(payment)).return_url

    def hear(number: int) -> int:
        if number % 2:
            return int(report(Client(), attempt_of(payment)).status_code)
        return browser(shopper).get(back).status_code

    assert sorted(together(4, hear)) == [200, 200, 303, 303]
    assert stored(payment).state == "charged"
    assert payment.attempts.count() == 1


def test_giving_up_and_paying_at_once_lose_nothing(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)

    def act(number: int) -> int:
        if number:
            return browser(shopper).post(url("cancellation", payment)).status_code
        return browser(shopper).post(url("moocher", payment, "cards"), data).status_code

    together(2, act)
    paid = Payment.objects.filter(charged_at__isnull=False)
    assert taken(psp) == sum((p.amount for p in paid), start=Decimal(0))
    assert LineItem.objects.unbound().count() == 1 - paid.count()


def test_taking_in_twice_at_once_makes_one_payment(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shopper.owe("1.00")

    def click(_number: int) -> int:
        client = browser(shopper)
        return client.post(url("lineitems", payment), headers=IN_PLACE).status_code

    assert together(3, click) == [200] * 3
    assert [p.amount for p in Payment.objects.all()] == [Decimal(6)]


def test_the_same_form_of_a_moocher_of_django_mooch_posted_at_once_runs_its_view_once(
    shopper: Shopper, settings: Settings
) -> None:
    settings.ROOT_URLCONF = "tests.mooch.site"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "mooch"]
    settings.PAYMENTS_UI = {"MOOCHERS": site.ALL}
    settings.MIDDLEWARE = site.middleware(settings.MIDDLEWARE)
    payment = shopper.begin("5.00")
    shown = dom(shopper.get(url("payment", payment), moocher="trusting"))
    data = shown.form("/trusting/banktransfer_confirm/").fields()

    def click(_number: int) -> int:
        return browser(shopper).post("/trusting/banktransfer_confirm/", data).status_code

    assert together(4, click) == [303] * 4
    assert payment.attempts.count() == 1
    assert stored(payment).state == "charged"


@pytest.mark.parametrize("flow", ["pay", "submit"])
def test_a_post_that_comes_between_two_looks_is_the_same_post(
    shopper: Shopper,
    psp: SandboxPSP,
    rf: RequestFactory,
    flow: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)
    first = shopper.post(url("moocher", payment, "cards"), data)
    assert first.status_code == 303
    # As if both had looked before either began.
    monkeypatch.setattr(pay, "repeated_post", lambda *args: None)
    request = rf.post("/", data)
    request.user = shopper.user
    if flow == "pay":
        attempt = pay.pay(request, payment, cards, data)
    else:
        wrapper = wrap(site.transfer)
        attempt = mooch_pay.pay(request, payment, wrapper, lambda: pytest.fail("It ran again"))
    assert attempt == attempt_of(payment)
    assert psp.calls == {"create": 1}
