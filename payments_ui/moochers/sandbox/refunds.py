"""What the sandbox says of a refund, read strictly, as an outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Pending
from payments_ui.exceptions import MoocherError

from . import reading

REFUND_ID = re.compile(r"re_[0-9a-f]{32}", re.ASCII)
#: Answers that say for good that a refund is not possible as it was asked for.
REFUSALS = frozenset({"refund_too_large", "charge_not_taken"})
_TYPES = {
    **reading.TYPES,
    "charge": str,
    "failure_code": str,
}
_EVIDENCE = ("id", "charge", "status", "amount", "currency", "failure_code")


def outcome(refund: object, *, reference: str, charge: str) -> Outcome:
    """Return what a refund of the sandbox means for ours with this reference, of this charge.

    Raises ``MoocherError`` if it is about another one, or says anything that is not in the
    sandbox's vocabulary.
    """
    found = _checked(refund, reference, charge)
    evidence = {name: found[name] for name in _EVIDENCE}
    match found["status"]:
        case "succeeded":
            return reading.succeeded(found, evidence)
        case "pending":
            return Pending(psp_reference=found["id"])
        case "failed":
            code = DeclineCode.GENERIC
            return Declined(code=code, psp_reference=found["id"], evidence=evidence)
        case _:
            raise MoocherError("The sandbox answered with an unknown status")


def _checked(refund: object, reference: str, charge: str) -> Mapping[str, Any]:
    found = reading.check("refund", refund, _TYPES, REFUND_ID)
    if (found["reference"], found["charge"]) != (reference, charge):
        raise MoocherError("The sandbox answered about another refund")
    return found
