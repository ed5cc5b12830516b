"""What Stripe answers, as plain dicts, for tests of what is made of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

ATTEMPT = UUID("11111111-2222-4333-8444-555555555555")
PAYMENT, CHARGE, METHOD, CUSTOMER = "pi_1234", "ch_1234", "pm_1234", "cus_1234"
SESSION, SETUP, REFUND, DISPUTE, EVENT = (
    "cs_test_1234",
    "seti_1234",
    "re_1234",
    "dp_1234",
    "evt_1234",
)


def card(**changes: Any) -> dict[str, Any]:
    """A payment method of a customer."""
    return {
        "id": METHOD,
        "object": "payment_method",
        "livemode": False,
        "customer": CUSTOMER,
        "type": "card",
        "card": {
            "brand": "visa",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2034,
            "country": "CH",
            "fingerprint": "Xt5EWLLDS7FJjR1c",
        },
        **changes,
    }


def charge(**changes: Any) -> dict[str, Any]:
    """The charge of an intent."""
    return {
        "id": CHARGE,
        "object": "charge",
        "status": "succeeded",
        "amount_refunded": 0,
        "outcome": {"risk_level": "normal", "network_status": "approved_by_network"},
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": "visa",
                "last4": "4242",
                "mandate": None,
                "three_d_secure": {"result": "authenticated"},
            },
        },
        **changes,
    }


def intent(attempt: UUID = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """A PaymentIntent that succeeded."""
    return {
        "id": PAYMENT,
        "object": "payment_intent",
        "livemode": False,
        "status": "succeeded",
        "amount": 1200,
        "amount_received": 1200,
        "currency": "chf",
        "customer": None,
        "latest_charge": charge(),
        "last_payment_error": None,
        "next_action": None,
        "cancellation_reason": None,
        "payment_method": card(customer=None),
        "metadata": {"attempt": str(attempt), "key": "k", "moocher": "stripe"},
        **changes,
    }


def session(attempt: UUID = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """A session of Stripe's page that waits for the customer."""
    return {
        "id": SESSION,
        "object": "checkout.session",
        "livemode": False,
        "mode": "payment",
        "status": "open",
        "url": f"https://checkout.stripe.com/c/pay/{SESSION}#fid",
        "payment_intent": None,
        "setup_intent": None,
        "metadata": {"attempt": str(attempt)},
        **changes,
    }


def refund(ours: UUID | None = None, **changes: Any) -> dict[str, Any]:
    """A refund that succeeded."""
    return {
        "id": REFUND,
        "object": "refund",
        "status": "succeeded",
        "amount": 500,
        "currency": "chf",
        "payment_intent": PAYMENT,
        "failure_balance_transaction": None,
        "failure_reason": None,
        "pending_reason": None,
        "reason": None,
        "metadata": {"refund": str(ours)} if ours else {},
        **changes,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    """A dispute with evidence due, whose money has been taken."""
    return {
        "id": DISPUTE,
        "object": "dispute",
        "livemode": False,
        "status": "needs_response",
        "reason": "fraudulent",
        "amount": 1200,
        "currency": "chf",
        "created": 1_790_000_000,
        "charge": CHARGE,
        "payment_intent": PAYMENT,
        "is_charge_refundable": False,
        "evidence_details": {"due_by": 1_790_600_000},
        "balance_transactions": [{"amount": -1200, "fee": 1500, "currency": "chf"}],
        **changes,
    }


def event(subject: Any, **changes: Any) -> dict[str, Any]:
    """An event in snapshot form."""
    return {
        "id": EVENT,
        "object": "event",
        "livemode": False,
        "type": "payment_intent.succeeded",
        "api_version": "2025-09-30.clover",
        "data": {"object": subject},
        **changes,
    }
