"""Charges of the sandbox, read strictly: what each means for the attempt that asked for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

CHARGE_ID = re.compile(r"ch_[0-9a-f]{32}", re.ASCII)
#: Reasons a customer may know. All others, such as a stolen card, are the bank's to tell.
DECLINE_CODES = {
    "card_declined": DeclineCode.CARD_DECLINED,
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "expired_card": DeclineCode.EXPIRED_CARD,
    "incorrect_cvc": DeclineCode.INCORRECT_DETAILS,
    "authentication_failed": DeclineCode.AUTHENTICATION_FAILED,
    "limit_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "abandoned": DeclineCode.ABANDONED,
}
#: What charges and refunds have in common, and of which type.
COMMON: Mapping[str, type] = {
    "id": str,
    "account": str,
    "live": bool,
    "reference": str,
    "amount": int,
    "currency": str,
    "status": str,
}
_TYPES = {**COMMON, "card": str, "decline_code": str}
_EVIDENCE = ("id", "status", "amount", "currency", "card", "decline_code")


def outcome(charge: Mapping[str, Any], *, reference: str, origin: str) -> Outcome:
    """Return what a charge means for the attempt that has this reference.

    Raises ``MoocherError`` if it is about another attempt, says anything that is not in the
    sandbox's vocabulary, or leads the customer anywhere but to ``origin``.
    """
    check(charge)
    if charge["reference"] != reference:
        raise MoocherError("The sandbox answered about another charge")
    charge_id = charge["id"]
    evidence = {name: charge[name] for name in _EVIDENCE}
    match charge["status"]:
        case "succeeded":
            return succeeded(charge, evidence)
        case "declined":
            code = DECLINE_CODES.get(charge["decline_code"], DeclineCode.GENERIC)
            return Declined(code=code, psp_reference=charge_id, evidence=evidence)
        case "requires_action":
            url = charge.get("action_url")
            if not isinstance(url, str) or not url.startswith(f"{origin}/pay/"):
                raise MoocherError("The sandbox asks for a step but does not say where")
            return ActionRequired(url=url, psp_reference=charge_id)
        case "processing":
            return Pending(psp_reference=charge_id)
        case "cancelled":
            return Cancelled(psp_reference=charge_id)
        case _:
            raise MoocherError("The sandbox answered with an unknown status")


def check(charge: object) -> Mapping[str, Any]:
    """Return the charge; raises ``MoocherError`` unless it is a whole charge of the sandbox."""
    return check_fields("charge", charge, _TYPES, CHARGE_ID)


def check_fields(
    kind: str, found: object, types: Mapping[str, type], valid_id: re.Pattern[str]
) -> Mapping[str, Any]:
    """Return a charge or refund; raises ``MoocherError`` for a field that is not valid."""
    if not isinstance(found, dict):
        raise MoocherError(f"The sandbox's {kind} is not an object")
    for name, type_ in types.items():
        # Not isinstance: True is no amount.
        if type(found.get(name)) is not type_:
            raise MoocherError(f"The sandbox's {kind} has no valid {name}")
    if not valid_id.fullmatch(found["id"]):
        raise MoocherError(f"The sandbox's {kind} has no valid id")
    # Any code: money in one that the kit does not know is a mismatch, and kept.
    if not re.fullmatch(r"[A-Z]{3}", found["currency"]):
        raise MoocherError(f"The sandbox's {kind} has no valid currency")
    return found


def succeeded(found: Mapping[str, Any], evidence: Mapping[str, object]) -> Succeeded:
    """Return the outcome that the money of a charge or refund moved, as the sandbox has it."""
    return Succeeded(
        psp_reference=found["id"],
        amount=money.from_minor_units(found["amount"], found["currency"]),
        currency=found["currency"],
        account=found["account"],
        live=found["live"],
        evidence=evidence,
    )
