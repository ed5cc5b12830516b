from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.tokens import ReturnToken
from payments_ui.testing.psp import SandboxPSP, Status
from tests.fakes import charge_of, finish
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, attempt_of, dom, step, stored, url


def leave(shopper: Shopper, psp: SandboxPSP, **headers: str) -> tuple[Payment, str]:
    """Leave for the PSP; return the payment, and where the PSP sends the browser back to."""
    payment = shopper.begin("5.00")
    data = shopper.form(payment)
    psp.plan.add("3ds")
    shopper.client.post(url("moocher", payment, "cards"), data, headers=headers)
    back = urlsplit(charge_of(psp, attempt_of(payment)).return_url)
    return payment, f"{back.path}?{back.query}"


def test_coming_back_asks_the_psp_and_shows_the_payment(shopper: Shopper, psp: SandboxPSP) -> None:
    payment, back = leave(shopper, psp)
    finish(psp, attempt_of(payment))
    response = shopper.get(back)
    assert response.status_code == 303
    assert response["Location"] == url("payment", payment)
    assert psp.calls == {"create": 1, "fetch": 1}
    assert step(shopper.get(response["Location"])) == "charged"


def test_a_decline_at_the_psp_is_told(shopper: Shopper, psp: SandboxPSP) -> None:
    payment, back = leave(shopper, psp)
    finish(psp, attempt_of(payment), Status.DECLINED)
    shown = shopper.get(shopper.get(back)["Location"])
    assert "Nothing was charged. There is not enough money" in dom(shown).text


@pytest.mark.parametrize("claim", ["success=1", "status=paid", "redirect_status=succeeded"])
def test_what_the_url_claims_is_not_believed(shopper: Shopper, psp: SandboxPSP, claim: str) -> None:
    payment, back = leave(shopper, psp)
    shopper.client.get(f"{back}&{claim}", follow=True)
    assert stored(payment).state == "processing"


@pytest.mark.parametrize("is_payer", [True, False])
def test_what_a_psp_adds_to_the_url_stays_in_no_page_and_no_history(
    shopper: Shopper, psp: SandboxPSP, is_payer: bool
) -> None:
    _payment, back = leave(shopper, psp)
    client = shopper.client if is_payer else Client()
    # Stripe adds the secret with which the payment could be looked at and gone on with.
    response = client.get(f"{back}&payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_2")
    assert (response.status_code, response["Location"]) == (303, back)
    assert psp.calls == {"create": 1}


def test_coming_back_twice_changes_nothing(shopper: Shopper, psp: SandboxPSP) -> None:
    payment, back = leave(shopper, psp)
    finish(psp, attempt_of(payment))
    shopper.get(back)
    shopper.get(back)
    assert psp.calls == {"create": 1, "fetch": 1}
    assert stored(payment).state == "charged"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status.SUCCEEDED, "Payment successful"),
        (Status.DECLINED, "Nothing was charged"),
        (Status.CANCELLED, "Nothing was charged"),
        (Status.REQUIRES_ACTION, "you will not be charged twice"),
    ],
)
def test_without_a_session_it_says_how_it_stands_and_nothing_about_the_person(
    make_shopper: MakeShopper, psp: SandboxPSP, status: Status, sentence: str
) -> None:
    ada = make_shopper(username="ada-lovelace", email="ada@example.org")
    payment, back = leave(ada, psp)
    finish(psp, attempt_of(payment), status)
    for browser in (Client(), make_shopper().client):
        response = browser.get(back)
        assert response.status_code == 200
        page = response.content.decode()
        assert sentence in dom(response).text
        assert dom(response).one("main").one("a", href=url("payment", payment))
        reference = attempt_of(payment).reference
        for personal in ("lovelace", "ada@", "5.00", "Use 0", "Card", reference):
            assert personal not in page.replace("loading", "")


def test_a_forged_token_is_not_found(shopper: Shopper, psp: SandboxPSP) -> None:
    payment, back = leave(shopper, psp)
    for forged in ("", "x", back.partition("attempt=")[2][:-1] + "_"):
        response = shopper.get(url("return", payment, "cards"), attempt=forged)
        assert response.status_code == 404
    assert psp.calls == {"create": 1}


def test_a_token_is_for_its_own_payment_and_moocher_only(
    make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    shopper, other = make_shopper(), make_shopper()
    payment, _back = leave(shopper, psp)
    token = ReturnToken.make(attempt_of(payment), "")
    others = other.begin("5.00")
    assert other.get(url("return", others, "cards"), attempt=token).status_code == 404
    assert shopper.get(url("return", payment, "francs"), attempt=token).status_code == 404
    path = reverse("payments_ui:payment", kwargs={"pk": payment.pk})
    assert other.get(path, back=token).status_code == 404


def test_a_psp_that_is_down_keeps_the_attempt_open(shopper: Shopper, psp: SandboxPSP) -> None:
    payment, back = leave(shopper, psp)
    psp.plan.outage(3600)
    assert shopper.get(back).status_code == 303
    assert attempt_of(payment).state == "unknown"


def test_coming_back_to_a_moocher_that_is_no_longer_listed(
    shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    payment, back = leave(shopper, psp)
    settings.PAYMENTS_UI = {}
    response = shopper.get(back)
    assert response["Location"] == url("payment", payment)
    assert psp.calls == {"create": 1}
    assert step(shopper.get(response["Location"])) == "requires_action"


def test_coming_back_after_giving_up_says_that_it_is_gone(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp)
    shopper.post(url("cancellation", payment))
    shown = shopper.get(shopper.get(back)["Location"])
    assert shown.status_code == 410


def test_money_that_comes_after_giving_up_is_kept_as_surplus(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp)
    shopper.post(url("cancellation", payment))
    finish(psp, attempt_of(payment))
    shopper.get(back)
    assert attempt_of(payment).state == Attempt.State.SURPLUS


@pytest.mark.parametrize("header", ["HX-Current-URL", "Referer"])
def test_it_offers_the_way_back_to_the_hosts_page(
    shopper: Shopper, psp: SandboxPSP, header: str
) -> None:
    page = "http://testserver/login/?tab=2#top"
    _payment, back = leave(shopper, psp, **{header: page})
    shown = dom(shopper.get(shopper.get(back)["Location"]))
    assert shown.one("a", href="/login/?tab=2").text == "Back to the previous page"
    assert dom(Client().get(back)).one("main").one("a", href="/login/?tab=2")


@pytest.mark.parametrize(
    "page",
    [
        "https://elsewhere.example/",
        "http://testserver//elsewhere.example/",
        "javascript:alert(1)",
        "http://testserver/charges/",
        "http://testserver/login/?" + "x" * 300,
        "",
    ],
)
def test_it_offers_no_way_to_anywhere_else(shopper: Shopper, psp: SandboxPSP, page: str) -> None:
    _payment, back = leave(shopper, psp, Referer=page)
    response = shopper.get(back)
    assert "back=" not in response["Location"]
    assert "Back to the previous page" not in dom(shopper.get(response["Location"])).text
    assert "Back to the previous page" not in dom(Client().get(back)).text


def test_a_way_back_that_was_not_signed_is_not_offered(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shown = shopper.get(url("payment", payment), back="https://elsewhere.example/")
    assert "elsewhere" not in shown.content.decode()


def test_a_return_by_post_without_cookies_is_taken_and_shows_the_payment(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp)
    finish(psp, attempt_of(payment))
    posted = Client(enforce_csrf_checks=True).post(back, {"PaRes": "x", "MD": "y"})
    assert posted.status_code == 303
    # What is posted is not believed, and changes nothing: the redirect brings the cookies.
    assert (posted["Location"], psp.calls) == (back, {"create": 1})
    assert stored(payment).state == "processing"
    shown = shopper.get(posted["Location"])
    assert step(shopper.get(shown["Location"])) == "charged"


def test_a_return_by_post_says_how_it_stands_where_no_cookies_come_at_all(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp)
    finish(psp, attempt_of(payment), Status.DECLINED)
    browser = Client(enforce_csrf_checks=True)
    shown = browser.post(f"{back}&status=paid", {"status": "paid"}, follow=True)
    assert "Nothing was charged" in dom(shown).text
    assert "status" not in shown.redirect_chain[0][0]


def test_a_forged_return_by_post_is_not_found(shopper: Shopper, psp: SandboxPSP) -> None:
    _payment, back = leave(shopper, psp)
    assert Client(enforce_csrf_checks=True).post(back[:-1] + "_").status_code == 404
    assert Client().put(back).status_code == 405


@pytest.mark.parametrize("method", ["get", "head", "post"])
@pytest.mark.parametrize("visitor", [lambda _make: Client(), lambda make: make().client])
def test_a_visitors_return_asks_the_psp_at_most_every_ten_seconds(
    make_shopper: MakeShopper,
    psp: SandboxPSP,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    visitor: Callable[[MakeShopper], Client],
) -> None:
    payment, back = leave(make_shopper(), psp)
    browser: Any = visitor(make_shopper)
    for _time in range(5):
        getattr(browser, method)(back, follow=True)
    assert psp.calls == {"create": 1, "fetch": 1}
    later = timezone.now() + dt.timedelta(seconds=11)
    monkeypatch.setattr("payments_ui.flows.return_from_psp.timezone.now", lambda: later)
    getattr(browser, method)(back, follow=True)
    assert psp.calls == {"create": 1, "fetch": 2}
    assert stored(payment).state == "processing"


def test_visitors_do_not_keep_the_payers_own_return_from_asking(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp)
    Client().get(back)
    finish(psp, attempt_of(payment))
    shopper.get(back)
    assert stored(payment).state == "charged"
