"""Stripe's own page."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP

from .conftest import Browser, Shop, refused

DONE, LEFT = "http://127.0.0.1:9/done?s={CHECKOUT_SESSION_ID}", "http://127.0.0.1:9/left"
ITEM = {
    "quantity": 2,
    "price_data": {"currency": "chf", "unit_amount": 600, "product_data": {"name": "Rent"}},
}


def make(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    params: Any = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "line_items": [ITEM],
        "success_url": DONE,
        "cancel_url": LEFT,
        **more,
    }
    return client.v1.checkout.sessions.create(
        {name: value for name, value in params.items() if value is not None}  # type: ignore[arg-type]
    )


def post(browser: Browser, session: stripe.checkout.Session, **fields: str) -> tuple[int, str, str]:
    status, headers, text = browser.send("POST", str(session.url), fields)
    return status, headers.get("Location", ""), text


def test_the_customer_pays_on_the_page(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, browser: Browser
) -> None:
    session = make(client, payment_intent_data={"metadata": {"attempt": "1"}, "description": "x"})
    assert (session.status, session.payment_status, session.amount_total) == (
        "open",
        "unpaid",
        1200,
    )
    status, headers, text = browser.send("GET", str(session.url))
    assert (status, "CHF 12.00" in text, "TWINT" in text) == (200, True, True)
    assert "form-action 'self' http://127.0.0.1:9" in headers["Content-Security-Policy"]
    status, location, _ = post(browser, session, decision="pay", method="pm_card_visa")
    assert (status, location) == (303, f"http://127.0.0.1:9/done?s={session.id}")
    found = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert found.payment_intent.metadata.to_dict() == {"attempt": "1"}
    assert psp.ledger.totals()["CHF"].kept == 1200
    status, location, _ = post(browser, session, decision="pay", method="pm_card_visa")
    assert (status, location) == (303, f"http://127.0.0.1:9/done?s={session.id}")
    assert psp.ledger.totals()["CHF"].kept == 1200
    psp.deliver_webhooks()
    assert shop.types[-1] == "checkout.session.completed"


def test_a_declined_card_can_be_replaced_on_the_page(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    session = make(client)
    _, _, text = post(browser, session, decision="pay", method="pm_card_visa_chargeDeclined")
    assert "Your card was declined." in text
    assert "Your card was declined." in browser.send("GET", str(session.url))[2]
    found = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert found.status == "open"
    assert psp.decide(str(session.url), "approve").endswith(session.id)
    again = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (again.status, again.payment_intent) == ("complete", again.payment_intent)
    assert len(client.v1.payment_intents.list()) == 1


def test_the_bank_may_ask_the_customer_in_between(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    session = make(client)
    method = "pm_card_authenticationRequired"
    status, step, _ = post(browser, session, decision="pay", method=method)
    assert status == 303
    assert "Confirm it is you" in browser.send("GET", step)[2]
    status, headers, _ = browser.send("POST", step, {"decision": "refuse"})
    assert (status, headers["Location"]) == (303, session.url)
    assert "unable to authenticate" in browser.send("GET", str(session.url))[2]
    status, step, _ = post(browser, session, decision="pay", method=method)
    status, headers, _ = browser.send("POST", step, {"decision": "approve"})
    assert (status, headers["Location"]) == (303, f"http://127.0.0.1:9/done?s={session.id}")
    assert psp.ledger.totals()["CHF"].kept == 1200


@pytest.mark.parametrize(("decision", "leads_to"), [("refuse", LEFT), ("cancel", LEFT)])
def test_the_customer_leaves_without_paying(
    client: stripe.StripeClient, psp: SandboxPSP, decision: str, leads_to: str
) -> None:
    session = make(client)
    assert psp.decide(str(session.url), decision) == leads_to
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert psp.ledger.totals() == {}


def test_the_button_leads_back(client: stripe.StripeClient, browser: Browser) -> None:
    assert post(browser, make(client), decision="cancel")[:2] == (303, LEFT)
    assert post(browser, make(client, cancel_url=None), decision="cancel")[:2] == (303, DONE)
    assert post(browser, make(client), decision="pay", method="pm_none")[0] == 400


def test_a_card_is_kept_without_a_payment(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser, customer: str
) -> None:
    session = make(
        client,
        mode="setup",
        line_items=None,
        currency="chf",
        customer=customer,
        allowed_payment_method_types=["card"],
        setup_intent_data={"metadata": {"method": "1"}},
    )
    text = browser.send("GET", str(session.url))[2]
    assert ("nothing now" in text, "TWINT" in text) == (True, False)
    method = "pm_card_authenticationRequired"
    step = post(browser, session, decision="pay", method=method)[1]
    assert "nothing now" in browser.send("GET", step)[2]
    assert psp.decide(step, "approve").endswith(session.id)
    found = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["setup_intent.payment_method"]}
    )
    assert (found.status, found.payment_status) == ("complete", "no_payment_required")
    assert isinstance(found.setup_intent, stripe.SetupIntent)
    assert isinstance(found.setup_intent.payment_method, stripe.PaymentMethod)
    assert found.setup_intent.payment_method.customer == customer


def test_a_card_that_pays_can_be_kept(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    customer = client.v1.customers.create().id
    options = {"card": {"setup_future_usage": "off_session"}}
    session = make(client, customer=customer, payment_method_options=options)
    psp.decide(str(session.url), "approve")
    assert len(client.v1.customers.payment_methods.list(customer).data) == 1


@pytest.mark.parametrize("ends", ["time", "call"])
def test_a_page_expires(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, browser: Browser, ends: str
) -> None:
    session = make(client)
    url = str(session.url)
    post(browser, session, decision="pay", method="pm_card_visa_chargeDeclined")
    if ends == "time":
        psp.advance(24 * 3600 + 1)
    else:
        client.v1.checkout.sessions.expire(session.id)
    found = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (found.status, found.url) == ("expired", None)
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert found.payment_intent.status == "canceled"
    assert "has expired" in browser.send("GET", url)[2]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(session.id)
    with pytest.raises(KeyError):
        psp.decide(url, "approve")
    psp.deliver_webhooks()
    assert shop.types[-1] == "checkout.session.expired"


def test_a_page_that_nobody_used_expires(client: stripe.StripeClient) -> None:
    session = make(client)
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"


def test_a_page_expires_while_the_bank_asks(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    session = make(client)
    method = "pm_card_authenticationRequired"
    step = post(browser, session, decision="pay", method=method)[1]
    client.v1.checkout.sessions.expire(session.id)
    psp.decide(step, "approve")
    [intent] = client.v1.payment_intents.list().data
    assert (intent.status, psp.ledger.totals()) == ("canceled", {})


def test_a_page_expires_whose_payment_was_cancelled(
    client: stripe.StripeClient, browser: Browser
) -> None:
    session = make(client)
    post(browser, session, decision="pay", method="pm_card_visa_chargeDeclined")
    [intent] = client.v1.payment_intents.list().data
    client.v1.payment_intents.cancel(intent.id)
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_paid_days_later_is_followed(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, fails: bool
) -> None:
    session = make(client)
    psp.plan.add("processing_declined" if fails else "processing")
    psp.stripe.checkout_sessions.pay(session.id, "pm_card_visa")
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    psp.advance(60)
    psp.deliver_webhooks()
    if fails:
        assert shop.types[-1] == "checkout.session.async_payment_failed"
    else:
        assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
        assert shop.types[-1] == "checkout.session.async_payment_succeeded"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"mode": None}, "parameter_missing", "mode"),
        ({"mode": "subscription"}, None, "mode"),
        ({"ui_mode": "hosted"}, None, "ui_mode"),
        ({"ui_mode": "elements"}, None, "ui_mode"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        (
            {"line_items": [{"price_data": {"currency": "chf", "product_data": {"name": "x"}}}]},
            "parameter_missing",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items": [{**ITEM, "quantity": 1, "price_data": {**ITEM["price_data"]}}]}  # type: ignore[dict-item]
            | {"customer": "cus_none"},
            "resource_missing",
            "customer",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: stripe.StripeClient, params: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        make(client, **params)
    assert refused(error) == (code, param)


def test_too_little_is_refused(client: stripe.StripeClient) -> None:
    price = {"currency": "chf", "unit_amount": 10, "product_data": {"name": "x"}}
    with pytest.raises(stripe.InvalidRequestError) as error:
        make(client, line_items=[{"quantity": 1, "price_data": price}])
    assert refused(error)[0] == "amount_too_small"


def test_pages_are_listed(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    first, second = make(client), make(client)
    psp.decide(str(first.url), "approve")
    assert [one.id for one in client.v1.checkout.sessions.list()] == [second.id, first.id]
    assert [one.id for one in client.v1.checkout.sessions.list({"status": "open"})] == [second.id]
