"""Payments: made, confirmed, declined, confirmed by the customer, cancelled."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP

from .conftest import BACK, Shop, refused, said, step_of

Params = dict[str, Any]
CHF: Params = {"amount": 1200, "currency": "chf"}


def make(client: stripe.StripeClient, **more: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({**CHF, **more})  # type: ignore[typeddict-item]


def pay(
    client: stripe.StripeClient, method: str = "pm_card_visa", **more: Any
) -> stripe.PaymentIntent:
    return make(client, confirm=True, payment_method=method, return_url=BACK, **more)


def kept(psp: SandboxPSP) -> int:
    total = psp.ledger.totals().get("CHF")
    return total.kept if total else 0


def test_nothing_moves_before_a_payment_is_confirmed(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    intent = make(client, metadata={"attempt": "1"}, description="Rent")
    assert (intent.status, intent.latest_charge, intent.metadata["attempt"]) == (
        "requires_payment_method",
        None,
        "1",
    )
    assert kept(psp) == 0
    intent = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge", "payment_method"]}
    )
    assert (intent.status, intent.amount_received, kept(psp)) == ("succeeded", 1200, 1200)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.description == "Rent"
    assert intent.latest_charge.payment_method_details is not None
    assert psp.deliver_webhooks()
    assert shop.types == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert psp.calls == {"prepare": 1, "create": 1}


def test_a_payment_can_be_made_and_confirmed_in_one_call(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    assert pay(client).status == "succeeded"
    assert (kept(psp), psp.calls) == (1200, {"create": 1})
    assert len(psp.ledger.documents.find("payment_method")) == 1


def test_what_is_paid_cannot_be_paid_or_cancelled_or_changed_again(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    intent = pay(client)
    intents = client.v1.payment_intents
    for again in (intents.confirm, intents.cancel, intents.update):
        with pytest.raises(stripe.InvalidRequestError) as error:
            again(intent.id)
        assert refused(error)[0] == "payment_intent_unexpected_state"
        assert said(error)["payment_intent"]["status"] == "succeeded"
    assert kept(psp) == 1200


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "advice"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
            "try_again_later",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        (
            "pm_card_visa_chargeDeclinedStolenCard",
            "card_declined",
            "stolen_card",
            "do_not_try_again",
        ),
    ],
)
def test_a_decline_says_why_and_another_card_can_pay(
    client: stripe.StripeClient,
    psp: SandboxPSP,
    shop: Shop,
    card: str,
    code: str,
    decline_code: str,
    advice: str,
) -> None:
    intent = make(client)
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": card})
    found = said(error)
    assert (found["code"], found["decline_code"], found["advice_code"]) == (
        code,
        decline_code,
        advice,
    )
    assert found["network_decline_code"]
    assert found["payment_intent"]["status"] == "requires_payment_method"
    charge = found["charge"]
    failed = client.v1.payment_intents.retrieve(intent.id)
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.decline_code == decline_code
    assert failed.payment_method is None
    assert client.v1.charges.retrieve(charge).status == "failed"
    assert kept(psp) == 0
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.last_payment_error, kept(psp)) == ("succeeded", None, 1200)
    assert psp.deliver_webhooks()
    assert shop.types[1:3] == ["charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize("decision", ["approve", "refuse", "cancel"])
def test_the_customer_confirms_or_does_not(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, decision: str
) -> None:
    intent = pay(client, "pm_card_authenticationRequired", use_stripe_sdk=True)
    assert intent.status == "requires_action"
    assert kept(psp) == 0
    url = step_of(intent)
    back = psp.decide(url, decision)
    assert back.startswith(f"{BACK}?payment_intent={intent.id}&payment_intent_client_secret=")
    found = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    approved = decision == "approve"
    assert found.next_action is None
    assert found.status == ("succeeded" if approved else "requires_payment_method")
    assert back.endswith(f"redirect_status={'succeeded' if approved else 'failed'}")
    assert kept(psp) == (1200 if approved else 0)
    if approved:
        assert isinstance(found.latest_charge, stripe.Charge)
        details: Any = found.latest_charge.payment_method_details
        assert details.card.three_d_secure.result == "authenticated"
    else:
        assert found.latest_charge is None
        assert found.last_payment_error is not None
        assert found.last_payment_error.code == "payment_intent_authentication_failure"
    psp.decide(url, "approve")
    assert kept(psp) == (1200 if approved else 0)
    assert psp.deliver_webhooks()
    assert "payment_intent.requires_action" in shop.types


def test_without_the_sdk_the_customer_is_sent_to_the_bank(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    intent = pay(client, "pm_card_threeDSecure2Required")
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == BACK
    psp.decide(step_of(intent), "approve")
    assert kept(psp) == 1200


def test_a_card_may_be_declined_after_the_customer_confirmed(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = pay(client, card, use_stripe_sdk=True)
    psp.decide(step_of(intent), "approve")
    found = client.v1.payment_intents.retrieve(intent.id)
    assert found.last_payment_error is not None
    assert found.last_payment_error.decline_code == "insufficient_funds"
    assert kept(psp) == 0


def test_another_confirmation_lets_go_of_the_step_before(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    intent = pay(client, "pm_card_authenticationRequired", use_stripe_sdk=True)
    url = step_of(intent)
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
    psp.decide(url, "approve")
    assert kept(psp) == 1200


def test_a_cancelled_payment_is_never_paid(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    intent = pay(client, "pm_card_authenticationRequired", use_stripe_sdk=True)
    url = step_of(intent)
    found = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (found.status, found.cancellation_reason) == ("canceled", "abandoned")
    psp.decide(url, "approve")
    assert client.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert kept(psp) == 0
    assert psp.deliver_webhooks()
    assert shop.types[-1] == "payment_intent.canceled"


def saved(client: stripe.StripeClient, psp: SandboxPSP, customer: str, card: str) -> str:
    """Pay once, and keep the card."""
    intent = pay(
        client,
        card,
        customer=customer,
        setup_future_usage="off_session",
        use_stripe_sdk=True,
    )
    if intent.next_action is not None:
        psp.decide(step_of(intent), "approve")
    [method] = client.v1.customers.payment_methods.list(customer).data
    return method.id


def test_a_card_is_kept_once_it_has_paid_and_charged_without_the_customer(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    method = saved(client, psp, customer, "pm_card_authenticationRequiredOnSetup")
    alone = make(client, customer=customer, payment_method=method, off_session=True, confirm=True)
    assert (alone.status, alone.payment_method, kept(psp)) == ("succeeded", method, 2400)
    there = make(
        client, customer=customer, payment_method=method, confirm=True, use_stripe_sdk=True
    )
    assert there.status == "requires_action"


def test_a_bank_that_wants_the_customer_declines_without_them(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    method = saved(client, psp, customer, "pm_card_authenticationRequired")
    intent = make(client, customer=customer)
    for alone in ("off_session", "error_on_requires_action"):
        params: Any = {"payment_method": method, alone: True}
        with pytest.raises(stripe.CardError) as error:
            client.v1.payment_intents.confirm(intent.id, params)
        assert refused(error)[0] == "authentication_required"
        assert said(error)["payment_intent"]["status"] == ("requires_payment_method")
    assert kept(psp) == 1200
    there = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": method, "use_stripe_sdk": True}
    )
    assert there.status == "requires_action"


def test_how_a_card_is_kept_can_be_an_option_of_cards(
    client: stripe.StripeClient, customer: str
) -> None:
    options = {"card": {"setup_future_usage": "on_session"}}
    pay(client, customer=customer, payment_method_options=options)
    assert len(client.v1.customers.payment_methods.list(customer).data) == 1
    options = {"card": {"setup_future_usage": "none"}}
    pay(client, customer=customer, payment_method_options=options, setup_future_usage="off_session")
    assert len(client.v1.customers.payment_methods.list(customer).data) == 1


def test_a_card_that_is_not_kept_pays_once(client: stripe.StripeClient) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(client, method.id)
    with pytest.raises(stripe.InvalidRequestError) as error:
        pay(client, method.id)
    assert refused(error)[0] == "payment_method_unexpected_state"


def test_a_card_of_one_customer_does_not_pay_for_another(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    method = saved(client, psp, customer, "pm_card_visa")
    other = client.v1.customers.create({}).id
    for whose in ({}, {"customer": other}):
        with pytest.raises(stripe.InvalidRequestError, match="belongs to a customer"):
            pay(client, method, **whose)
    assert kept(psp) == 1200


def test_twint_is_paid_elsewhere_and_is_not_kept(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    twint: Params = {"payment_method_data": {"type": "twint"}, "confirm": True}
    intent = make(client, return_url=BACK, use_stripe_sdk=True, **twint)
    psp.decide(step_of(intent), "approve")
    assert kept(psp) == 1200
    with pytest.raises(stripe.InvalidRequestError) as error:
        make(client, **twint)
    assert refused(error) == ("parameter_missing", "return_url")
    usage = {"setup_future_usage": "off_session", "customer": customer}
    with pytest.raises(stripe.InvalidRequestError, match="not allowed here"):
        make(client, return_url=BACK, **usage, **twint)
    late = make(client, customer=customer)
    with pytest.raises(stripe.InvalidRequestError, match="set up for future usage"):
        client.v1.payment_intents.confirm(
            late.id,
            {
                "payment_method_data": {"type": "twint"},
                "return_url": BACK,
                "setup_future_usage": "on_session",
            },
        )


@pytest.mark.parametrize("plan", ["", "processing_declined"])
def test_a_debit_takes_days(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, plan: str
) -> None:
    if plan:
        psp.plan.add(plan)
    intent = client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "eur",
            "confirm": True,
            "payment_method_data": {
                "type": "sepa_debit",
                "sepa_debit": {"iban": "AT61 1904 3002 3457 3201"},
                "billing_details": {"name": "Ada", "email": "ada@example.com"},
            },
            "mandate_data": {
                "customer_acceptance": {
                    "type": "online",
                    "online": {"ip_address": "127.0.0.1", "user_agent": "x"},
                }
            },
        }
    )
    assert intent.status == "processing"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(intent.id)
    [charge] = client.v1.charges.list({"payment_intent": intent.id}).data
    details: Any = charge.payment_method_details
    mandate = client.v1.mandates.retrieve(details.sepa_debit.mandate)
    assert (charge.status, mandate.status) == ("pending", "active")
    psp.advance(4 * 24 * 3600)
    status = "requires_payment_method" if plan else "succeeded"
    assert client.v1.payment_intents.retrieve(intent.id).status == status
    psp.deliver_webhooks()
    assert "charge.pending" in shop.types


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": "12.00"}, "parameter_invalid_integer", "amount"),
        ({"amount": None}, "parameter_missing", "amount"),
        ({"currency": "francs"}, None, "currency"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"setup_future_usage": "sometimes"}, None, "setup_future_usage"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        (
            {
                "allowed_payment_method_types": ["card"],
                "automatic_payment_methods": {"enabled": True},
            },
            None,
            "automatic_payment_methods",
        ),
        ({"allowed_payment_method_types": ["paypal"]}, None, "allowed_payment_method_types"),
        ({"an_unknown": "x"}, "parameter_unknown", "an_unknown"),
        ({"confirm": "maybe"}, "parameter_invalid_boolean", "confirm"),
        ({"confirm": True}, "payment_intent_unexpected_state", None),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: stripe.StripeClient, psp: SandboxPSP, params: Params, code: str | None, param: str
) -> None:
    whole = {name: value for name, value in (CHF | params).items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.create(whole)  # type: ignore[arg-type]
    assert refused(error) == (code, param)
    assert psp.ledger.documents.find("payment_intent") == []


def test_types_are_chosen_in_one_way(client: stripe.StripeClient) -> None:
    assert make(client).payment_method_types == ["card", "twint"]
    assert make(client, allowed_payment_method_types=["card", "ideal"]).payment_method_types == [
        "card"
    ]
    assert make(client, excluded_payment_method_types=["card"]).payment_method_types == ["twint"]
    here = make(client, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    assert here.payment_method_types == ["card"]
    only = make(client, allowed_payment_method_types=["card"])
    with pytest.raises(stripe.InvalidRequestError, match="not allowed here"):
        client.v1.payment_intents.confirm(
            only.id, {"payment_method_data": {"type": "twint"}, "return_url": BACK}
        )


def test_a_payment_can_be_changed_before_it_is_paid(
    client: stripe.StripeClient, customer: str
) -> None:
    intent = make(client, metadata={"a": "1", "b": "2"})
    changed = client.v1.payment_intents.update(
        intent.id,
        {
            "amount": 1500,
            "currency": "eur",
            "customer": customer,
            "description": "Rent",
            "metadata": {"a": "", "c": "3"},
            "payment_method": "pm_card_visa",
        },
    )
    assert (changed.amount, changed.currency, changed.customer) == (1500, "eur", customer)
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert changed.status == "requires_confirmation"
    assert client.v1.payment_intents.confirm(intent.id).amount_received == 1500
    same = client.v1.payment_intents.update(make(client).id, {"description": ""})
    assert (same.amount, same.description) == (1200, None)


def test_payments_are_listed_newest_first_in_pages(
    client: stripe.StripeClient, psp: SandboxPSP, customer: str
) -> None:
    made = [make(client, customer=customer).id for _ in range(3)]
    make(client)
    first = client.v1.payment_intents.list({"customer": customer, "limit": 2})
    assert [one.id for one in first] == made[:0:-1]
    assert first.has_more
    rest = client.v1.payment_intents.list({"customer": customer, "starting_after": made[1]})
    assert [one.id for one in rest] == made[:1]
    before = client.v1.payment_intents.list({"customer": customer, "ending_before": made[0]})
    assert [one.id for one in before] == made[:0:-1]
    assert len(client.v1.payment_intents.list()) == 4
    psp.advance(100)
    now = int(psp.ledger.clock.now())
    young = client.v1.payment_intents.list({"created": {"gte": now - 50}})
    assert len(young) == 0
    old = client.v1.payment_intents.list({"created": {"lt": now, "lte": now, "gt": 0}})
    assert len(old) == 4


@pytest.mark.parametrize(
    "params", [{"limit": 101}, {"starting_after": "pi_none"}, {"expand": ["data.amount"]}]
)
def test_a_page_that_makes_no_sense_is_refused(client: stripe.StripeClient, params: Params) -> None:
    make(client)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.list(params)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["amount", "nothing", "currency", "latest_charge.nothing"])
def test_only_references_are_expanded(client: stripe.StripeClient, path: str) -> None:
    intent = pay(client)
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.retrieve(intent.id, {"expand": [path]})
    assert refused(error) == (None, "expand")


def test_references_are_expanded_in_depth(client: stripe.StripeClient, customer: str) -> None:
    pay(client, customer=customer)
    expand = ["data.customer", "data.latest_charge.balance_transaction", "data.payment_method"]
    [intent] = client.v1.payment_intents.list({"expand": expand}).data
    assert isinstance(intent.customer, stripe.Customer)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    unpaid = make(client)
    found = client.v1.payment_intents.retrieve(
        unpaid.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    assert found.latest_charge is None


@pytest.mark.parametrize(
    ("scenario", "amount", "currency", "live"),
    [
        ("wrong_amount", 1201, "chf", False),
        ("wrong_currency", 1200, "xts", False),
        ("wrong_mode", 1200, "chf", True),
    ],
)
def test_a_wrong_ledger_shows(
    client: stripe.StripeClient,
    psp: SandboxPSP,
    scenario: str,
    amount: int,
    currency: str,
    live: bool,
) -> None:
    psp.plan.add(scenario)
    intent = pay(client)
    assert (intent.amount_received, intent.currency, intent.livemode) == (amount, currency, live)


@pytest.mark.parametrize(
    ("currency", "amount", "ledger"),
    [
        ("isk", 50_000, 500),
        ("ugx", 500_000, 5000),
        ("jpy", 500, 500),
        ("mga", 5000, 500_000),
        ("kwd", 12_340, 12_340),
        ("huf", 17_550, 17_550),
    ],
)
def test_amounts_are_sent_as_stripe_takes_them(
    client: stripe.StripeClient, psp: SandboxPSP, currency: str, amount: int, ledger: int
) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": currency,
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": BACK,
        }
    )
    assert intent.amount_received == amount
    assert psp.ledger.totals()[currency.upper()].taken == ledger


@pytest.mark.parametrize(("currency", "amount"), [("isk", 50_050), ("ugx", 101), ("kwd", 12_345)])
def test_amounts_that_stripe_does_not_take_are_refused(
    client: stripe.StripeClient, currency: str, amount: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert refused(error) == ("invalid_charge_amount", "amount")
