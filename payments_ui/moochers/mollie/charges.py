"""Payments of Mollie, read strictly: what each means for the attempt that asked for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from payments_ui import money
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
from payments_ui.moochers.answers import Object, matching, part, text

from .client import PAYMENT_ID

#: Reasons a customer may know. All others, such as suspected fraud, are the bank's to tell.
#: https://docs.mollie.com/reference/get-payment, details.failureReason
DECLINE_CODES = {
    "authentication_abandoned": DeclineCode.ABANDONED,
    "authentication_failed": DeclineCode.AUTHENTICATION_FAILED,
    "authentication_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "authentication_unavailable_acs": DeclineCode.TRY_LATER,
    "card_declined": DeclineCode.CARD_DECLINED,
    "card_expired": DeclineCode.EXPIRED_CARD,
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "invalid_cvv": DeclineCode.INCORRECT_DETAILS,
    "invalid_card_holder_name": DeclineCode.INCORRECT_DETAILS,
    "invalid_card_number": DeclineCode.INCORRECT_DETAILS,
    "invalid_card_type": DeclineCode.NOT_SUPPORTED,
    "refused_by_issuer": DeclineCode.CARD_DECLINED,
}
_EVIDENCE = ("id", "mode", "status", "method", "sequenceType", "profileId", "mandateId", "amount")
_DETAILS = ("cardLabel", "cardSecurity", "cardCountryCode", "failureReason", "bankReasonCode")


def outcome(payment: Object, *, account: str, origin: str) -> Outcome:
    """Return what a payment means for its attempt.

    ``account`` is the profile that is asked for, if any; ``origin`` is what the address of its
    page begins with. Raises ``MoocherError`` for what is not
    in Mollie's vocabulary.
    """
    if payment.get("status") != "paid":
        return unpaid(payment, origin=origin)
    amount, currency = amount_of(payment)
    return Succeeded(
        psp_reference=matching(PAYMENT_ID, payment.get("id")),
        amount=amount,
        currency=currency,
        # An API key is of one profile, and sees no other's payments.
        account=account and text(payment, "profileId"),
        live=is_live(payment),
        evidence=evidence(payment),
    )


def unpaid(payment: Object, *, origin: str) -> ActionRequired | Pending | Declined | Cancelled:
    """Return what a payment means that took no money, or whose first step took none."""
    payment_id = matching(PAYMENT_ID, payment.get("id"))
    match payment.get("status"):
        case "open" if url := text(part(part(payment, "_links"), "checkout"), "href"):
            if not url.startswith(origin):
                raise MoocherError("Mollie asks for a step and leads to no safe page")
            return ActionRequired(url=url, psp_reference=payment_id)
        case "open" | "pending" | "authorized":
            return Pending(psp_reference=payment_id)
        case "canceled":
            return Cancelled(psp_reference=payment_id)
        case "expired":
            code = DeclineCode.ABANDONED
        case "failed":
            reason = text(part(payment, "details"), "failureReason")
            code = DECLINE_CODES.get(reason, DeclineCode.GENERIC)
        case _:
            raise MoocherError("Mollie answered with an unknown status")
    return Declined(code=code, psp_reference=payment_id, evidence=evidence(payment))


def require_ours(found: Object, **owner: str) -> None:
    """Raise ``MoocherError`` unless our metadata of a payment or refund name this owner."""
    if not belongs_to(found, **owner):
        raise MoocherError("Mollie answered about another payment or refund")


def belongs_to(payment: Object, **owner: str) -> bool:
    """Tell whether our metadata of a payment or refund name this attempt, set-up or refund."""
    metadata = payment.get("metadata")
    return isinstance(metadata, dict) and owner.items() <= metadata.items()


def amount_of(found: Object, name: str = "amount") -> tuple[Decimal, str]:
    """Return an amount and its currency; raises ``MoocherError``."""
    return answers.amount(part(found, name).get("value"), part(found, name).get("currency"))


def value_of(amount: Decimal, currency: str) -> dict[str, str]:
    """Return an amount as Mollie wants it: a text with the currency's decimals."""
    return {"currency": currency, "value": f"{money.padded(amount, currency):f}"}


def is_live(found: Object) -> bool:
    """Tell whether real money moves; raises ``MoocherError`` where Mollie does not say."""
    mode = found.get("mode")
    if mode not in ("live", "test"):
        raise MoocherError("Mollie does not say whether this is a test")
    return bool(mode == "live")


def evidence(payment: Object) -> dict[str, object]:
    """Return what is kept of a payment: no name, account or number."""
    found: dict[str, Any] = {name: payment[name] for name in _EVIDENCE if payment.get(name)}
    card = part(payment, "details")
    return found | {name: card[name] for name in _DETAILS if card.get(name)}
