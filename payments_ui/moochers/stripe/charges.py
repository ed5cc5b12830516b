"""PaymentIntents of Stripe, read strictly: what each means for the attempt that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers

from . import amounts, declines, methods, objects

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt

#: What is fetched along with an intent.
EXPAND = ["latest_charge", "payment_method"]
#: Nothing was charged, and only a request of ours can charge it.
UNCONFIRMED = frozenset({"requires_payment_method", "requires_confirmation"})


def check(intent: object, attempt: Attempt) -> Mapping[str, Any]:
    """The intent; raises ``MoocherError`` unless it is a whole one that this attempt asked for."""
    found = objects.checked("payment_intent", intent, live=attempt.live)
    objects.require_ours(found, objects.ATTEMPT, attempt.pk)
    if attempt.psp_reference and attempt.psp_reference.startswith("pi_"):
        objects.require_same(found["id"], attempt.psp_reference)
    return found


def failure(intent: Mapping[str, Any]) -> dict[str, str]:
    """What Stripe said of the last try, where that was declined; empty where none was."""
    charge = answers.part(intent, "latest_charge")
    said = declines.facts(intent.get("last_payment_error"))
    if charge.get("status") != "failed":
        return said
    result = answers.part(charge, "outcome")
    of_charge = {
        "code": charge.get("failure_code"),
        "decline_code": result.get("reason"),
        "advice_code": result.get("advice_code"),
        "network_decline_code": result.get("network_decline_code"),
        "network_advice_code": result.get("network_advice_code"),
    }
    return {**declines.facts(of_charge), **said} or {"code": "card_declined"}


def outcome(intent: Mapping[str, Any], *, account: str) -> Outcome:
    """What a checked intent means.

    Raises ``MoocherError`` for a status that Stripe has added since, and for one of
    ``UNCONFIRMED``: of those the moocher makes sure first that nothing can charge them later.
    """
    reference = intent["id"]
    match intent.get("status"):
        case "succeeded":
            return _succeeded(intent, account)
        case "processing":
            return Pending(psp_reference=reference)
        case "requires_action":
            return ActionRequired(url=methods.bank_url(intent), psp_reference=reference)
        case "canceled":
            said = failure(intent)
            if said:
                return declines.declined(said, reference, _evidence(intent))
            if intent.get("cancellation_reason") == "abandoned":
                return Declined(code=DeclineCode.ABANDONED, psp_reference=reference)
            return Cancelled(psp_reference=reference)
        case status:
            raise MoocherError(f"Stripe's payment has a status that says nothing: {status!r:.60}")


def _succeeded(intent: Mapping[str, Any], account: str) -> Succeeded:
    currency = objects.currency(intent)
    return Succeeded(
        psp_reference=intent["id"],
        amount=amounts.from_stripe(objects.integer(intent, "amount_received"), currency),
        currency=currency,
        account=account,
        live=bool(intent["livemode"]),
        evidence=_evidence(intent),
        instrument=methods.instrument_of_payment(intent),
    )


def _evidence(intent: Mapping[str, Any]) -> dict[str, object]:
    """Facts for disputes and for people: no card data, no names."""
    charge = answers.part(intent, "latest_charge")
    details = answers.part(charge, "payment_method_details")
    kind = objects.text(details, "type")
    card = answers.part(details, "card")
    facts = {
        "id": intent["id"],
        "status": intent.get("status"),
        "amount": intent.get("amount_received"),
        "currency": intent.get("currency"),
        "charge": charge.get("id"),
        "type": kind,
        "brand": card.get("brand"),
        "last4": card.get("last4"),
        "three_d_secure": answers.part(card, "three_d_secure").get("result"),
        "risk_level": answers.part(charge, "outcome").get("risk_level"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}
