"""Keys, idempotency, faults, events and webhooks, and what a browser may ask."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.calls import KEY_LIFE
from payments_ui.testing.psp.http import Request
from payments_ui.testing.psp.stripe.calls import Call
from payments_ui.testing.psp.stripe.webhook_endpoints import signature

from .conftest import BACK, HOOK, Browser, Recorder, Shop, refused, step_of

CHF: Any = {"amount": 1200, "currency": "chf"}
PAY: Any = {**CHF, "confirm": True, "payment_method": "pm_card_visa", "return_url": BACK}


def taken(psp: SandboxPSP) -> int:
    total = psp.ledger.totals().get("CHF")
    return total.taken if total else 0


def with_key(psp: SandboxPSP, key: str, **options: Any) -> stripe.StripeClient:
    return stripe.StripeClient(
        key, base_addresses={"api": psp.stripe.url}, max_network_retries=0, **options
    )


def test_the_same_key_pays_once(
    client: stripe.StripeClient, psp: SandboxPSP, recorder: Recorder
) -> None:
    first = client.v1.payment_intents.create(PAY, {"idempotency_key": "k"})
    assert "Idempotent-Replayed" not in recorder.headers
    second = client.v1.payment_intents.create(PAY, {"idempotency_key": "k"})
    assert recorder.headers["Idempotent-Replayed"] == "true"
    assert recorder.headers["Request-Id"].startswith("req_")
    assert (first.id, taken(psp)) == (second.id, 1200)
    other: Any = {**PAY, "amount": 1300}
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(other, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.confirm(first.id, None, {"idempotency_key": "k"})
    psp.advance(KEY_LIFE + 1)
    client.v1.payment_intents.create(PAY, {"idempotency_key": "k"})
    assert taken(psp) == 2400
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(PAY, {"idempotency_key": "k" * 256})


def test_a_decline_is_the_answer_to_its_key_and_a_refusal_is_not(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    options: Any = {"idempotency_key": "k"}
    intent = client.v1.payment_intents.create(CHF)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.confirm(intent.id, None, options)
    declined: Any = {"payment_method": "pm_card_visa_chargeDeclined"}
    for _time in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.confirm(intent.id, declined, options)
    assert len(psp.ledger.charges.by_name(intent.id)) == 1


def test_a_key_in_use_is_a_conflict(
    client: stripe.StripeClient, psp: SandboxPSP, eventually: Any
) -> None:
    psp.plan.add("slow")
    paying = threading.Thread(
        target=client.v1.payment_intents.create, args=(PAY, {"idempotency_key": "k"})
    )
    paying.start()
    eventually(lambda: bool(psp.bank.ledger.store.rows("SELECT 1 FROM answers")))
    with pytest.raises(stripe.APIError) as error:
        client.v1.payment_intents.create(PAY, {"idempotency_key": "k"})
    assert (error.value.http_status, refused(error)[0]) == (409, "idempotency_key_in_use")
    paying.join()
    assert taken(psp) == 1200


@pytest.mark.parametrize(
    ("scenario", "error", "amount"),
    [
        ("lost_reply", stripe.APIConnectionError, 1200),
        ("lost_request", stripe.APIConnectionError, 0),
        ("error_after", stripe.APIError, 1200),
        ("error_before", stripe.APIError, 0),
        ("garbled", stripe.APIError, 1200),
        ("rate_limited", stripe.RateLimitError, 0),
    ],
)
def test_calls_fail_as_planned(
    client: stripe.StripeClient,
    psp: SandboxPSP,
    scenario: str,
    error: type[Exception],
    amount: int,
) -> None:
    psp.plan.add(scenario)
    with pytest.raises(error):
        client.v1.payment_intents.create(PAY)
    assert taken(psp) == amount


def test_an_outage_stops_everything(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    psp.plan.outage(60)
    with pytest.raises(stripe.APIError) as error:
        client.v1.payment_intents.list()
    assert error.value.http_status == 503
    psp.advance(61)
    assert client.v1.payment_intents.list().data == []


@pytest.mark.parametrize("key", ["sk_test_another", "pk_test_sandbox"])
def test_only_the_secret_key_opens_the_api(psp: SandboxPSP, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        with_key(psp, key).v1.payment_intents.create(CHF)


def test_another_account_and_another_version_are_refused(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    key = psp.stripe.secret_key
    with pytest.raises(stripe.PermissionError):
        with_key(psp, key, stripe_account="acct_1").v1.payment_intents.create(CHF)
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        with_key(psp, key, stripe_version="2025-09-30.clover").v1.payment_intents.create(CHF)
    assert client.v1.accounts.retrieve_current().id == psp.ledger.account


def test_a_live_account_has_live_keys() -> None:
    with SandboxPSP(api_key="key", webhook_secret="secret", live=True) as psp:
        assert psp.stripe.secret_key.startswith("sk_live_")
        assert psp.stripe.publishable_key.startswith("pk_live_")
        client = with_key(psp, psp.stripe.secret_key)
        assert client.v1.payment_intents.create(PAY).livemode
        session = client.v1.checkout.sessions.create({"mode": "setup", "success_url": BACK})
        assert session.id.startswith("cs_live_")


def test_events_are_listed_also_those_that_did_not_arrive(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    client.v1.payment_intents.create(CHF)
    psp.deliver_webhooks()
    psp.plan.add("no_webhook")
    client.v1.payment_intents.create(PAY)
    psp.plan.add("late_webhook")
    client.v1.payment_intents.create(PAY)
    kinds = [event.type for event in client.v1.events.list({"delivery_success": False})]
    assert (
        kinds == ["payment_intent.succeeded", "charge.succeeded"] + ["payment_intent.created"] * 2
    )
    [first] = client.v1.events.list({"delivery_success": True})
    assert client.v1.events.retrieve(first.id).type == "payment_intent.created"
    assert len(client.v1.events.list({"type": "charge.*"})) == 2
    assert (
        len(client.v1.events.list({"types": ["charge.succeeded", "payment_intent.created"]})) == 5
    )
    psp.advance(31 * 24 * 3600)
    assert client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(first.id)


def test_endpoints_get_what_they_want(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    made = client.v1.webhook_endpoints.create(
        {"url": f"{HOOK}/2", "enabled_events": ["payment_intent.created"]}
    )
    assert made.secret
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id)
    [other] = [one for one in client.v1.webhook_endpoints.list() if one.id != made.id]
    client.v1.webhook_endpoints.delete(other.id)
    shop.secret = made.secret
    client.v1.payment_intents.create(PAY)
    psp.deliver_webhooks()
    assert shop.types == ["payment_intent.created"]
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": []})
    assert refused(error) == ("parameter_missing", "enabled_events")
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.webhook_endpoints.create(
            {"url": "https://example.com/hook", "enabled_events": ["*"]}
        )
    assert refused(error) == (None, "url")


def test_an_endpoint_is_told_once_however_often_it_listens(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    psp.stripe.listen(HOOK)
    client.v1.payment_intents.create(CHF)
    assert psp.deliver_webhooks()
    assert len(shop.events) == 1


def test_two_secrets_sign_while_one_is_replaced(psp: SandboxPSP) -> None:
    psp.stripe.webhook_endpoints.add(HOOK, events=["*"], secret="whsec_new")
    delivery = {"url": HOOK, "body": "{}"}
    header = psp.stripe.webhook_endpoints.sign(delivery, 1)["Stripe-Signature"]
    assert header.split(",") == [
        "t=1",
        f"v1={signature('whsec_new', b'{}', 1)}",
        f"v1={signature('whsec_sandbox', b'{}', 1)}",
    ]
    gone = {"url": f"{HOOK}/gone", "body": "{}"}
    assert "Stripe-Signature" not in psp.stripe.webhook_endpoints.sign(gone, 1)


def test_a_browser_makes_a_token_and_confirms(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    token = browser.ask(
        "/v1/confirmation_tokens",
        {
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": "4000 0027 6000 3184",
            "payment_method_data[card][exp_month]": "1",
            "payment_method_data[card][exp_year]": "2040",
            "payment_method_data[card][cvc]": "123",
            "payment_method_data[billing_details][address][city]": "Bern",
        },
    )
    assert token["payment_method_preview"]["card"]["last4"] == "3184"
    found = client.v1.confirmation_tokens.retrieve(token["id"])
    assert found.payment_intent is None
    intent = client.v1.payment_intents.create(CHF)
    params: Any = {"confirmation_token": token["id"], "return_url": BACK, "use_stripe_sdk": True}
    intent = client.v1.payment_intents.confirm(intent.id, params)
    assert intent.status == "requires_action"
    path, secret = f"/v1/payment_intents/{intent.id}", str(intent.client_secret)
    fields = {"client_secret": secret}
    seen = browser.ask(f"{path}/challenge", fields)
    assert (seen["status"], "metadata" in seen) == ("requires_action", False)
    done = browser.ask(f"{path}/challenge", fields | {"decision": "approve"})
    assert (done["status"], taken(psp)) == ("succeeded", 1200)
    again = browser.ask(f"{path}/challenge", fields | {"decision": "refuse"})
    assert again["status"] == "succeeded"
    key = {"Authorization": f"Bearer {psp.stripe.publishable_key}"}
    status, _, _ = browser.send("GET", f"/stripe{path}?client_secret={secret}", None, **key)
    assert status == 200
    status, _, _ = browser.send("GET", f"/stripe{path}?client_secret=wrong", None, **key)
    assert status == 404
    other = client.v1.payment_intents.create(CHF)
    with pytest.raises(stripe.InvalidRequestError, match="already been used"):
        client.v1.payment_intents.confirm(other.id, {"confirmation_token": token["id"]})


def test_a_declined_payment_has_nothing_to_decide(
    client: stripe.StripeClient, browser: Browser
) -> None:
    intent = client.v1.payment_intents.create(CHF)
    fields = {"client_secret": str(intent.client_secret), "decision": "approve"}
    seen = browser.ask(f"/v1/payment_intents/{intent.id}/challenge", fields)
    assert seen["status"] == "requires_payment_method"


def test_a_token_is_used_for_some_hours_and_alone(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    made = client.v1.test_helpers.confirmation_tokens.create(
        {"payment_method": "pm_card_visa", "return_url": BACK}
    )
    intent = client.v1.payment_intents.create(CHF)
    with pytest.raises(stripe.InvalidRequestError, match="exclude each other"):
        client.v1.payment_intents.confirm(
            intent.id, {"confirmation_token": made.id, "payment_method": "pm_card_visa"}
        )
    psp.advance(13 * 3600)
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        client.v1.payment_intents.confirm(intent.id, {"confirmation_token": made.id})
    fresh = psp.stripe.confirmation_token("pm_card_mastercard")
    assert client.v1.payment_intents.confirm(intent.id, {"confirmation_token": fresh}).status == (
        "succeeded"
    )


def test_other_pages_on_this_machine_may_call_as_a_browser(browser: Browser) -> None:
    path, shop = "/stripe/v1/confirmation_tokens", {"Origin": "http://localhost:8000"}
    status, headers, _ = browser.send("OPTIONS", path, None, **shop)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, shop["Origin"])
    key = {"Authorization": "Bearer pk_test_sandbox"}
    status, headers, _ = browser.send("POST", path, {}, **shop, **key)
    assert (status, headers["Access-Control-Allow-Origin"]) == (400, shop["Origin"])
    status, headers, _ = browser.send("POST", path, {}, **key, Origin="https://example.com")
    assert (status, "Access-Control-Allow-Origin" in headers) == (403, False)
    status, headers, _ = browser.send("POST", path, {"key": "pk_test_sandbox"})
    assert (status, "Access-Control-Allow-Origin" in headers) == (400, False)


def test_the_banks_page_may_be_framed_and_says_when_it_is_done(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    card = "pm_card_authenticationRequired"
    params: Any = {**PAY, "payment_method": card, "use_stripe_sdk": True}
    url = step_of(client.v1.payment_intents.create(params))
    status, headers, text = browser.send("GET", url)
    assert (status, "CHF 12.00" in text) == (200, True)
    assert "frame-ancestors http://127.0.0.1:*" in headers["Content-Security-Policy"]
    assert browser.send("POST", url, {"decision": "what"})[0] == 400
    status, headers, text = browser.send("POST", url, {"decision": "approve"})
    assert (status, "authenticated.js" in text) == (200, True)
    assert browser.send("GET", "/stripe/authenticated.js")[0] == 200
    assert "Confirmed" in browser.send("GET", url)[2]
    assert taken(psp) == 1200


def test_a_refused_step_says_so_in_its_frame(
    client: stripe.StripeClient, psp: SandboxPSP, browser: Browser
) -> None:
    card = "pm_card_authenticationRequired"
    params: Any = {**CHF, "confirm": True, "payment_method": card, "use_stripe_sdk": True}
    url = step_of(client.v1.payment_intents.create(params))
    assert browser.send("GET", url)[0] == 200
    assert "Nothing was paid" in browser.send("POST", url, {"decision": "refuse"})[2]
    assert psp.decide(url, "approve") == ""


def test_a_shop_with_an_ipv6_address_is_led_back_to(
    client: stripe.StripeClient, browser: Browser
) -> None:
    back = "http://[::1]:9/back?a=1"
    card = "pm_card_authenticationRequired"
    params: Any = {**PAY, "payment_method": card, "return_url": back}
    url = step_of(client.v1.payment_intents.create(params))
    assert "form-action 'self' http:" in browser.send("GET", url)[1]["Content-Security-Policy"]
    headers = browser.send("POST", url, {"decision": "approve"})[1]
    assert headers["Location"].startswith(f"{back}&payment_intent=pi_")


@pytest.mark.parametrize(
    "path", [f"/stripe/authenticate/{'x' * 32}", "/stripe/checkout/cs_test_none"]
)
def test_an_unknown_page_does_not_exist(psp: SandboxPSP, browser: Browser, path: str) -> None:
    assert browser.send("GET", path)[0] == 404
    with pytest.raises(KeyError):
        psp.decide(f"{psp.url}{path}", "approve")


@pytest.mark.parametrize(
    "body",
    [
        "amount[=1",
        "a[b][c][d][e][f][g][h][i]=1",
        "amount=1&amount[a]=2",
        "amount=%ff",
        "&".join(f"a{number}=1" for number in range(600)),
        "description=" + "x" * 2000,
        "metadata[a][b]=1",
        "metadata=1",
        "expand=latest_charge",
    ],
)
def test_a_form_that_makes_no_sense_is_refused(
    psp: SandboxPSP, browser: Browser, body: str
) -> None:
    status = psp.respond(_posted(psp, f"amount=1200&currency=chf&{body}")).status
    assert status == 400


def _posted(psp: SandboxPSP, body: str) -> Request:
    headers = {"host": "127.0.0.1", "authorization": f"Bearer {psp.stripe.secret_key}"}
    return Request("POST", "/stripe/v1/payment_intents", "", headers, body.encode())


def test_lists_may_be_sent_without_numbers(psp: SandboxPSP) -> None:
    body = "amount=1200&currency=chf&expand[]=customer&expand[]=latest_charge&mandate_data="
    assert psp.respond(_posted(psp, body)).status == 200


def test_methods_are_called_in_this_process_too(psp: SandboxPSP) -> None:
    made = psp.stripe.payment_intents.create(Call({"amount": "1200", "currency": "chf"}))
    assert psp.stripe.payment_intents.find(made["id"])["amount"] == 1200
