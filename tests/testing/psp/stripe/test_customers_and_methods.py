"""Customers and their payment methods."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP

from .conftest import Shop, refused, said


def attached(client: stripe.StripeClient, customer: str, card: str = "pm_card_visa") -> str:
    return client.v1.payment_methods.attach(card, {"customer": customer}).id


def test_a_customer_is_made_changed_and_deleted(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    made = client.v1.customers.create(
        {"email": "ada@example.com", "preferred_locales": ["de"], "metadata": {"user": "1"}}
    )
    assert (made.email, made.preferred_locales) == ("ada@example.com", ["de"])
    method = attached(client, made.id)
    changed = client.v1.customers.update(
        made.id, {"name": "Ada", "invoice_settings": {"default_payment_method": method}}
    )
    assert (changed.name, changed.email) == ("Ada", "ada@example.com")
    same = client.v1.customers.update(made.id, {"metadata": ""})
    assert same.metadata is not None
    assert same.metadata.to_dict() == {}
    assert client.v1.customers.delete(made.id).deleted
    assert client.v1.customers.retrieve(made.id).deleted
    assert client.v1.payment_methods.retrieve(method).customer is None
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.customers.update(made.id, {"name": "Eve"})
    assert refused(error)[0] == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 100, "currency": "chf", "customer": made.id})
    psp.deliver_webhooks()
    assert [kind for kind in shop.types if kind.startswith("customer")] == [
        "customer.created",
        "customer.updated",
        "customer.updated",
        "customer.deleted",
    ]


def test_customers_are_found_by_their_address(client: stripe.StripeClient, customer: str) -> None:
    client.v1.customers.create({"email": "eve@example.com"})
    gone = client.v1.customers.create({"email": "ada@example.com"})
    client.v1.customers.delete(gone.id)
    assert [one.id for one in client.v1.customers.list({"email": "ada@example.com"})] == [customer]
    assert len(client.v1.customers.list()) == 2


def test_a_card_is_attached_and_detached_for_good(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    method = attached(client, customer)
    assert client.v1.payment_methods.attach(method, {"customer": customer}).customer == customer
    assert client.v1.customers.payment_methods.retrieve(customer, method).id == method
    assert client.v1.payment_methods.detach(method).customer is None
    assert client.v1.customers.payment_methods.list(customer).data == []
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_methods.detach(method)
    assert refused(error) == ("payment_method_unexpected_state", "payment_method")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.payment_methods.retrieve(customer, method)
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.setup_intents.create({"confirm": True, "payment_method": method})
    assert refused(error)[0] == "payment_method_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_methods.attach(method, {"customer": customer})
    assert refused(error)[0] == "payment_method_unexpected_state"
    psp.deliver_webhooks()
    assert shop.types[1:] == ["payment_method.attached", "payment_method.detached"]
    assert shop.events[-1].data.previous_attributes is not None


def test_a_card_is_attached_to_one_customer(client: stripe.StripeClient, customer: str) -> None:
    other = client.v1.customers.create().id
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_methods.attach(attached(client, customer), {"customer": other})
    assert refused(error)[0] == "payment_method_unexpected_state"


def test_a_bank_may_decline_to_let_a_card_be_kept(
    client: stripe.StripeClient, customer: str
) -> None:
    with pytest.raises(stripe.CardError) as error:
        attached(client, customer, "pm_card_visa_chargeDeclined")
    assert said(error)["decline_code"] == "generic_decline"


def test_a_card_changes(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, customer: str
) -> None:
    method = attached(client, customer)
    changed = client.v1.payment_methods.update(
        method,
        {
            "allow_redisplay": "always",
            "billing_details": {"name": "Ada"},
            "card": {"exp_year": 2040},
            "metadata": {"a": "1"},
        },
    )
    assert changed.card is not None
    assert (changed.allow_redisplay, changed.billing_details.name, changed.card.exp_year) == (
        "always",
        "Ada",
        2040,
    )
    psp.stripe.payment_methods.expire(method, year=2020, month=2)
    found = client.v1.payment_methods.retrieve(method)
    assert found.card is not None
    assert (found.card.exp_year, found.card.exp_month) == (2020, 2)
    psp.deliver_webhooks()
    assert shop.types[-2:] == [
        "payment_method.updated",
        "payment_method.automatically_updated",
    ]
    loose = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    with pytest.raises(stripe.InvalidRequestError, match="to a customer to update it"):
        client.v1.payment_methods.update(loose.id, {"metadata": {"a": "1"}})


def test_the_same_card_has_the_same_fingerprint(client: stripe.StripeClient, customer: str) -> None:
    attached(client, customer)
    attached(client, customer)
    attached(client, customer, "pm_card_mastercard")
    found = client.v1.payment_methods.list({"customer": customer, "type": "card"}).data
    prints = [one.card.fingerprint for one in found if one.card]
    assert (len(prints), len(set(prints))) == (3, 2)
    assert client.v1.payment_methods.list({"customer": customer, "type": "twint"}).data == []
    assert client.v1.payment_methods.list().data == []


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({}, "parameter_missing", "type"),
        ({"type": "paypal"}, None, "type"),
        ({"type": "card", "card": "4242"}, None, "card"),
        ({"type": "sepa_debit"}, "parameter_missing", "iban"),
        ({"type": "card", "metadata": {"k" * 41: "x"}}, None, f"metadata[{'k' * 40}]"),
        (
            {"type": "card", "metadata": {f"k{number}": "x" for number in range(51)}},
            None,
            "metadata",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: stripe.StripeClient, params: Any, code: str | None, param: str
) -> None:
    if params.get("type") == "card" and "card" not in params:
        params["card"] = {"token": "tok_visa"}
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_methods.create(params)
    assert refused(error) == (code, param)


def test_no_card_gets_in_but_test_cards(client: stripe.StripeClient) -> None:
    card: Any = {"number": "4111111111111111", "exp_month": 1, "exp_year": 2040}
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_methods.create({"type": "card", "card": card})
    assert refused(error) == ("incorrect_number", "number")
