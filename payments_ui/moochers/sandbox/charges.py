"""What the sandbox says of a charge, read strictly, as an outcome."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
)
from payments_ui.exceptions import MoocherError

from . import reading

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
_TYPES = {
    **reading.TYPES,
    "card": str,
    "decline_code": str,
}
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
            return reading.succeeded(charge, evidence)
        case "declined":
            code = DECLINE_CODES.get(charge["decline_code"], DeclineCode.GENERIC)
            return Declined(code=code, psp_reference=charge_id, evidence=evidence)
        case "requires_action":
            return _action(charge, origin)
        case "processing":
            return Pending(psp_reference=charge_id)
        case "cancelled":
            return Cancelled(psp_reference=charge_id)
        case _:
            raise MoocherError("The sandbox answered with an unknown status")


def check(charge: object) -> Mapping[str, Any]:
    """Return the charge; raise ``MoocherError`` for what is none of the sandbox's."""
    return reading.check("charge", charge, _TYPES, CHARGE_ID)


def _action(charge: Mapping[str, Any], origin: str) -> ActionRequired:
    url, expires = charge.get("action_url"), charge.get("expires_at")
    if not isinstance(url, str) or not url.startswith(f"{origin}/pay/") or type(expires) is not int:
        raise MoocherError("The sandbox asks for a step but does not say where")
    until = dt.datetime.fromtimestamp(expires, dt.UTC)
    return ActionRequired(url=url, psp_reference=charge["id"], expires_at=until)
