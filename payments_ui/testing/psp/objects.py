"""Charges and refunds as merchants see them: in answers and in events."""

from __future__ import annotations

from .ledger.charges import Charge, Status
from .ledger.refunds import Refund

JsonObject = dict[str, object]

_CHARGE_FIELDS = (
    *("id", "account", "live", "reference", "amount", "currency", "method", "card"),
    *("status", "decline_code", "description", "metadata", "refunded"),
)
_REFUND_FIELDS = (
    *("id", "account", "live", "charge", "reference", "amount", "currency", "status"),
    *("failure_code", "metadata"),
)


def charge_object(charge: Charge, psp_url: str) -> JsonObject:
    """Return a charge; `action_url` is set only while it waits for the customer."""
    waits = charge.status == Status.REQUIRES_ACTION
    return {
        "object": "charge",
        **{name: getattr(charge, name) for name in _CHARGE_FIELDS},
        "action_url": f"{psp_url}/pay/{charge.page_token}" if waits else None,
        "expires_at": int(charge.due_at) if waits and charge.due_at else None,
        "created_at": int(charge.created_at),
    }


def refund_object(refund: Refund) -> JsonObject:
    """Return a refund."""
    return {
        "object": "refund",
        **{name: getattr(refund, name) for name in _REFUND_FIELDS},
        "created_at": int(refund.created_at),
    }
