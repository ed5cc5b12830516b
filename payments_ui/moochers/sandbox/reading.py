"""Reading what the sandbox says strictly: charges and refunds have most of it in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from payments_ui import money
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.exceptions import MoocherError

#: What both have, and of which type.
TYPES: Mapping[str, type] = {
    "id": str,
    "account": str,
    "live": bool,
    "reference": str,
    "amount": int,
    "currency": str,
    "status": str,
}


def check(
    thing: str, said: object, types: Mapping[str, type], valid_id: re.Pattern[str]
) -> Mapping[str, Any]:
    """Return what was said; raise ``MoocherError`` for what is no such thing of the sandbox."""
    if not isinstance(said, dict):
        raise MoocherError(f"The sandbox's {thing} is none")
    for name, kind in types.items():
        # Not isinstance: True is no amount.
        if type(said.get(name)) is not kind:
            raise MoocherError(f"The sandbox's {thing} has no valid {name}")
    if not valid_id.fullmatch(said["id"]):
        raise MoocherError(f"The sandbox's {thing} has no valid id")
    return said


def succeeded(found: Mapping[str, Any], evidence: Mapping[str, object]) -> Succeeded:
    """The money moved, as much and where the sandbox says."""
    return Succeeded(
        psp_reference=found["id"],
        amount=money.from_minor_units(found["amount"], found["currency"]),
        currency=found["currency"],
        account=found["account"],
        live=found["live"],
        evidence=evidence,
    )
