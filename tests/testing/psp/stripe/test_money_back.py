"""Refunds, disputes, warnings, and what they move on the account."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from payments_ui.testing.psp import Order, SandboxPSP
from payments_ui.testing.psp.bank import RefusedError
from payments_ui.testing.psp.ledger.refunds import RefundOrder
from payments_ui.testing.psp.scenarios import AS_USUAL

from .conftest import Shop, refused, step_of


def paid(client: stripe.StripeClient, card: str = "pm_card_visa") -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "chf",
            "confirm": True,
            "payment_method": card,
            "return_url": "http://127.0.0.1:9/",
        }
    )


def kept(psp: SandboxPSP) -> int:
    return psp.ledger.totals()["CHF"].kept


def charge_of(intent: stripe.PaymentIntent) -> str:
    return str(intent.latest_charge)


def amounts(client: stripe.StripeClient, *ids: Any) -> list[int]:
    return [client.v1.balance_transactions.retrieve(str(one)).amount for one in ids]


def test_a_payment_is_refunded_in_parts(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    intent = paid(client)
    part = client.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 500,
            "reason": "requested_by_customer",
            "metadata": {"refund": "1"},
        }
    )
    assert (part.status, part.amount, part.reason, kept(psp)) == (
        "succeeded",
        500,
        "requested_by_customer",
        700,
    )
    rest = client.v1.refunds.create({"charge": charge_of(intent)})
    assert (rest.amount, kept(psp)) == (700, 0)
    charge = client.v1.charges.retrieve(charge_of(intent))
    assert (charge.refunded, charge.amount_refunded) == (True, 1200)
    assert amounts(client, charge.balance_transaction, part.balance_transaction) == [1200, -500]
    client.v1.refunds.create({"payment_intent": paid(client).id})
    listed = client.v1.refunds.list({"payment_intent": intent.id})
    assert [one.id for one in listed] == [rest.id, part.id]
    assert client.v1.refunds.retrieve(part.id).metadata is not None
    psp.deliver_webhooks()
    refunds = [kind for kind in shop.types if "refund" in kind]
    assert refunds == ["charge.refunded", "refund.created"] * 3


def test_no_more_is_refunded_than_was_taken(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    intent = paid(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 201})
    assert refused(error)[0] == "refund_too_large"
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 200})
    for more in ({"amount": 1}, {}):
        params: Any = {"payment_intent": intent.id, **more}
        with pytest.raises(stripe.InvalidRequestError) as error:
            client.v1.refunds.create(params)
        assert refused(error)[0] == "charge_already_refunded"
    assert kept(psp) == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "parameter_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
        ({"charge": "ch_none"}, "resource_missing"),
        ({"payment_intent": "unpaid"}, "payment_intent_unexpected_state"),
        ({"charge": "failed"}, "charge_not_refundable"),
    ],
)
def test_what_was_not_taken_is_not_refunded(
    client: stripe.StripeClient, params: dict[str, str], code: str
) -> None:
    unpaid = client.v1.payment_intents.create({"amount": 1200, "currency": "chf"})
    if "unpaid" in params.values():
        params = {"payment_intent": unpaid.id}
    if "failed" in params.values():
        with pytest.raises(stripe.CardError):
            paid(client, "pm_card_visa_chargeDeclined")
        params = {"charge": client.v1.charges.list().data[0].id}
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.refunds.create(params)  # type: ignore[arg-type]
    assert refused(error)[0] == code


def test_a_refund_may_take_its_time(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    refund = client.v1.refunds.create({"payment_intent": paid(client, "pm_card_pendingRefund").id})
    assert (refund.status, refund.pending_reason, kept(psp)) == ("pending", "processing", 1200)
    psp.advance(60)
    found = client.v1.refunds.retrieve(refund.id)
    assert (found.status, found.pending_reason, kept(psp)) == ("succeeded", None, 0)
    psp.deliver_webhooks()
    assert shop.types[-3:] == ["refund.created", "charge.refunded", "refund.updated"]


def test_a_refund_that_had_succeeded_may_fail(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    refund = client.v1.refunds.create({"payment_intent": paid(client, "pm_card_refundFail").id})
    assert (refund.status, kept(psp)) == ("succeeded", 0)
    psp.advance(60)
    found = client.v1.refunds.retrieve(refund.id)
    assert (found.status, found.failure_reason, kept(psp)) == ("failed", "declined", 1200)
    assert amounts(client, found.failure_balance_transaction) == [1200]
    psp.deliver_webhooks()
    assert shop.types[-2:] == ["refund.updated", "refund.failed"]
    assert psp.bank.return_refund("re_none", "declined") is None


def test_a_refund_may_fail_at_once(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    psp.plan.add("failed")
    refund = client.v1.refunds.create({"payment_intent": paid(client).id})
    assert (refund.status, refund.failure_reason, kept(psp)) == ("failed", "account_closed", 1200)
    psp.deliver_webhooks()
    assert shop.types[-2:] == ["refund.created", "refund.failed"]


def test_twint_is_refunded_to_twint(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "chf",
            "confirm": True,
            "payment_method_data": {"type": "twint"},
            "return_url": "http://127.0.0.1:9/",
        }
    )
    psp.decide(step_of(intent), "approve")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.destination_details is not None
    assert refund.destination_details.type == "twint"
    charge = charge_of(client.v1.payment_intents.retrieve(intent.id))
    with pytest.raises(RefusedError):
        psp.bank.open_dispute(charge, reason="general")


def test_twint_can_be_disputed_in_part(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "chf",
            "confirm": True,
            "payment_method_data": {"type": "twint"},
            "return_url": "http://127.0.0.1:9/",
        }
    )
    psp.decide(step_of(intent), "approve")
    charge = charge_of(client.v1.payment_intents.retrieve(intent.id))
    with pytest.raises(RefusedError):
        psp.bank.open_dispute(charge, 1201, reason="general")
    dispute = psp.bank.open_dispute(charge, 200, reason="general")
    found = psp.stripe.disputes.find(dispute.id)
    assert (found["payment_method_details"], kept(psp)) == (None, 1000)


@pytest.mark.parametrize("wins", [True, False])
def test_a_dispute_takes_the_money_and_may_bring_it_back(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop, wins: bool
) -> None:
    intent = paid(client, "pm_card_createDispute")
    [dispute] = client.v1.disputes.list({"payment_intent": intent.id}).data
    assert (dispute.status, dispute.reason, kept(psp)) == ("needs_response", "fraudulent", 0)
    assert not dispute.is_charge_refundable
    assert dispute.evidence_details.due_by is not None
    assert amounts(client, dispute.balance_transactions[0].id) == [-1200]
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused(error)[0] == "charge_disputed"
    text = "winning_evidence" if wins else "losing_evidence"
    found = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert (found.status, kept(psp)) == ("won" if wins else "lost", 1200 if wins else 0)
    assert found.evidence_details.due_by is None
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.disputes.close(dispute.id)
    assert refused(error)[0] == "dispute_already_closed"
    assert client.v1.charges.retrieve(charge_of(intent)).disputed
    psp.deliver_webhooks()
    assert [kind for kind in shop.types if "dispute" in kind] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        *(["charge.dispute.funds_reinstated"] if wins else []),
    ]


def test_a_lost_dispute_may_be_won_late(client: stripe.StripeClient, psp: SandboxPSP) -> None:
    paid(client, "pm_card_createDisputeProductNotReceived")
    [dispute] = client.v1.disputes.list().data
    draft = client.v1.disputes.update(dispute.id, {"submit": False})
    assert draft.status == "needs_response"
    assert client.v1.disputes.update(dispute.id).status == "under_review"
    assert client.v1.disputes.close(dispute.id).status == "lost"
    psp.bank.win_dispute(dispute.id)
    assert (client.v1.disputes.retrieve(dispute.id).status, kept(psp)) == ("won", 1200)
    with pytest.raises(RefusedError):
        psp.bank.lose_dispute(dispute.id)


def test_an_inquiry_takes_nothing_unless_it_becomes_a_dispute(
    client: stripe.StripeClient, psp: SandboxPSP, shop: Shop
) -> None:
    paid(client, "pm_card_createDisputeInquiry")
    intent = paid(client)
    psp.bank.open_dispute(charge_of(intent), 500, reason="general", inquiry=True)
    second, first = client.v1.disputes.list().data
    assert (first.status, first.is_charge_refundable, kept(psp)) == (
        "warning_needs_response",
        True,
        2400,
    )
    psp.bank.lose_dispute(first.id)
    psp.bank.escalate_dispute(second.id)
    assert client.v1.disputes.retrieve(first.id).status == "warning_closed"
    assert client.v1.disputes.retrieve(second.id).status == "needs_response"
    assert kept(psp) == 1900
    psp.deliver_webhooks()
    assert shop.types[-3:] == [
        "charge.dispute.closed",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]


def test_an_early_warning(client: stripe.StripeClient, psp: SandboxPSP, shop: Shop) -> None:
    intent = paid(client, "pm_card_createIssuerFraudRecord")
    [warning] = client.v1.radar.early_fraud_warnings.list({"charge": charge_of(intent)}).data
    found = client.v1.radar.early_fraud_warnings.retrieve(warning.id)
    assert (found.actionable, found.payment_intent) == (True, intent.id)
    psp.deliver_webhooks()
    assert shop.types[-1] == "radar.early_fraud_warning.created"


def test_charges_are_listed(client: stripe.StripeClient, psp: SandboxPSP, customer: str) -> None:
    mine = client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "chf",
            "customer": customer,
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    )
    paid(client, "pm_card_authenticationRequired")
    paid(client)
    assert len(client.v1.charges.list()) == 2
    [charge] = client.v1.charges.list({"customer": customer}).data
    assert charge.id == mine.latest_charge


@pytest.mark.parametrize(
    "path",
    [
        "/v1/charges/ch_none",
        "/v1/refunds/re_none",
        "/v1/disputes/du_none",
        "/v1/events/evt_none",
        "/v1/balance_transactions/txn_none",
        "/v1/mandates/mandate_none",
        "/v1/radar/early_fraud_warnings/issfr_none",
    ],
)
def test_what_does_not_exist_is_missing(client: stripe.StripeClient, path: str) -> None:
    paid(client, "pm_card_createDispute")
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.raw_request("get", path)
    assert refused(error)[0] == "resource_missing"


def test_what_the_sandbox_charged_is_none_of_stripes(
    client: stripe.StripeClient, psp: SandboxPSP
) -> None:
    order = Order(
        amount=100, currency="CHF", reference="r", method="card", return_url="http://127.0.0.1/"
    )
    charge = psp.bank.charge(order, AS_USUAL)
    refund = psp.bank.refund(RefundOrder(charge=charge.id, amount=10, reference="b"), AS_USUAL)
    dispute = psp.bank.open_dispute(charge.id, reason="general")
    for path in (
        f"/v1/charges/{charge.id}",
        f"/v1/refunds/{refund.id}",
        f"/v1/disputes/{dispute.id}",
    ):
        with pytest.raises(stripe.InvalidRequestError):
            client.raw_request("get", path)
    assert client.v1.refunds.list().data == []
    assert client.v1.disputes.list().data == []
    assert client.v1.charges.list().data == []
