"""Payment methods that are kept without a payment."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP

from .conftest import BACK, Browser, Shop, refused, said, step_of


def save(
    client: stripe.StripeClient, method: str = "pm_card_visa", **more: Any
) -> stripe.SetupIntent:
    params: Any = {
        "confirm": True,
        "payment_method": method,
        "return_url": BACK,
        "expand": ["latest_attempt", "payment_method"],
        **more,
    }
    return client.v1.setup_intents.create(params)


def three_d_secure(setup: stripe.SetupIntent) -> Any:
    attempt: Any = setup.latest_attempt
    return attempt.payment_method_details.card.three_d_secure


def test_a_card_is_kept_for_a_customer(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    setup = save(client, customer=customer)
    assert setup.status == "succeeded"
    assert isinstance(setup.payment_method, stripe.PaymentMethod)
    assert setup.payment_method.customer == customer
    assert three_d_secure(setup) is None
    assert psp.ledger.totals() == {}
    assert psp.calls["save"] == 2
    psp.deliver_webhooks()
    assert shop.types[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]


@pytest.mark.parametrize("decision", ["approve", "refuse"])
@pytest.mark.parametrize("sdk", [True, False])
def test_the_bank_may_ask_the_customer(
    client: stripe.StripeClient,
    psp: SandboxPSP,
    shop: Shop,
    customer: str,
    decision: str,
    sdk: bool,
) -> None:
    setup = save(
        client, "pm_card_authenticationRequiredOnSetup", customer=customer, use_stripe_sdk=sdk
    )
    assert setup.status == "requires_action"
    url = step_of(setup)
    back = psp.decide(url, decision)
    assert back.startswith(f"{BACK}?setup_intent={setup.id}")
    found = client.v1.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
    if decision == "approve":
        assert (found.status, three_d_secure(found).result) == ("succeeded", "authenticated")
    else:
        assert found.last_setup_error is not None
        assert found.last_setup_error.code == "setup_intent_authentication_failure"
        assert (found.status, found.payment_method) == ("requires_payment_method", None)
    psp.decide(url, "approve")
    assert client.v1.setup_intents.retrieve(setup.id).status == found.status
    psp.deliver_webhooks()
    assert "setup_intent.requires_action" in shop.types


def test_the_bank_may_decline(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    with pytest.raises(stripe.CardError) as error:
        save(client, "pm_card_visa_chargeDeclinedLostCard", customer=customer)
    assert (said(error)["code"], said(error)["decline_code"]) == ("card_declined", "lost_card")
    setup = said(error)["setup_intent"]
    assert setup["status"] == "requires_payment_method"
    assert client.v1.customers.payment_methods.list(customer).data == []
    psp.plan.add("declined", on="save")
    with pytest.raises(stripe.CardError):
        client.v1.setup_intents.confirm(setup["id"], {"payment_method": "pm_card_visa"})
    psp.plan.add("3ds", on="save")
    found = client.v1.setup_intents.confirm(
        setup["id"], {"payment_method": "pm_card_visa", "return_url": BACK}
    )
    assert found.status == "requires_action"
    psp.deliver_webhooks()
    assert "setup_intent.setup_failed" in shop.types


def test_a_card_that_will_be_declined_can_be_kept(
    client: stripe.StripeClient, customer: str
) -> None:
    method = save(client, "pm_card_chargeCustomerFail", customer=customer).payment_method
    assert isinstance(method, stripe.PaymentMethod)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(
            {
                "amount": 1200,
                "currency": "chf",
                "customer": customer,
                "payment_method": method.id,
                "off_session": True,
                "confirm": True,
            }
        )


def test_a_debit_is_kept_with_a_mandate(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    setup = client.v1.setup_intents.create(
        {
            "customer": customer,
            "confirm": True,
            "payment_method_data": {
                "type": "sepa_debit",
                "sepa_debit": {"iban": "AT611904300234573201"},
                "billing_details": {
                    "name": "Ada",
                    "email": "ada@example.com",
                    "address": {"city": "Bern", "line2": ""},
                },
            },
            "mandate_data": {
                "customer_acceptance": {
                    "type": "online",
                    "accepted_at": 1,
                    "online": {"ip_address": "127.0.0.1", "user_agent": "x"},
                }
            },
        }
    )
    assert (setup.status, isinstance(setup.mandate, str)) == ("succeeded", True)
    mandate = client.v1.mandates.retrieve(str(setup.mandate))
    assert (mandate.status, mandate.customer_acceptance.accepted_at) == ("active", 1)
    psp.stripe.mandates.end(mandate.id)
    assert client.v1.mandates.retrieve(mandate.id).status == "inactive"
    psp.deliver_webhooks()
    assert shop.types[-1] == "mandate.updated"


def test_a_cards_mandate_is_evidence(client: stripe.StripeClient, customer: str) -> None:
    acceptance = {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "x"}}
    setup = save(client, customer=customer, mandate_data={"customer_acceptance": acceptance})
    mandate = client.v1.mandates.retrieve(str(setup.mandate))
    assert mandate.type == "multi_use"


def test_a_set_up_can_wait_and_be_cancelled(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    setup = client.v1.setup_intents.create({"payment_method": "pm_card_visa"})
    assert (setup.status, psp.calls["prepare"]) == ("requires_confirmation", 1)
    changed = client.v1.setup_intents.update(
        setup.id, {"customer": customer, "metadata": {"a": "1"}}
    )
    assert (changed.customer, changed.description) == (customer, None)
    found = client.v1.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})
    assert (found.status, found.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.setup_intents.confirm(setup.id)
    assert refused(error)[0] == "setup_intent_unexpected_state"
    psp.deliver_webhooks()
    assert shop.types[-1] == "setup_intent.canceled"


def test_a_cancelled_set_up_keeps_nothing(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    setup = save(client, "pm_card_authenticationRequired", customer=customer)
    url = step_of(setup)
    client.v1.setup_intents.cancel(setup.id)
    with pytest.raises(KeyError):
        psp.decide(url, "approve")
    assert client.v1.customers.payment_methods.list(customer).data == []


def test_a_token_of_the_browser_is_used_up(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    token = psp.stripe.confirmation_token()
    setup = client.v1.setup_intents.create({"confirm": True, "confirmation_token": token})
    assert (setup.status, setup.customer) == ("succeeded", None)
    assert client.v1.confirmation_tokens.retrieve(token).setup_intent == setup.id


def test_what_makes_no_sense_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.setup_intents.create({"confirm": True})
    assert refused(error) == ("setup_intent_unexpected_state", None)
    with pytest.raises(stripe.InvalidRequestError, match="not allowed here"):
        client.v1.setup_intents.create(
            {"confirm": True, "payment_method_data": {"type": "twint"}, "return_url": BACK}
        )


def test_set_ups_are_listed_for_a_customer(client: stripe.StripeClient, customer: str) -> None:
    setup = save(client, customer=customer)
    client.v1.setup_intents.create()
    found = client.v1.setup_intents.list({"customer": customer, "expand": ["data.payment_method"]})
    assert [one.id for one in found] == [setup.id]
    assert len(client.v1.setup_intents.list()) == 2


def test_a_browser_sees_a_set_up_by_its_secret(
    client: stripe.StripeClient, browser: Browser, customer: str
) -> None:
    setup = save(client, "pm_card_authenticationRequired", customer=customer, use_stripe_sdk=True)
    path, secret = f"/v1/setup_intents/{setup.id}/challenge", str(setup.client_secret)
    seen = browser.ask(path, {"client_secret": secret})
    assert (seen["status"], "customer" in seen) == ("requires_action", False)
    done = browser.ask(path, {"client_secret": secret, "decision": "approve"})
    assert done["status"] == "succeeded"
    wrong = browser.ask(path, {"client_secret": "wrong"})
    assert wrong["error"]["code"] == "resource_missing"
