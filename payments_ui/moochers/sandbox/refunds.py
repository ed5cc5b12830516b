"""Refunds of the sandbox, read strictly: what each means for the refund that asked for it."""

from __future__ import annotations

import re

from payments_ui.core.attempts.outcomes import CameBack, DeclineCode, Declined, Outcome, Pending
from payments_ui.exceptions import MoocherError

from . import charges

REFUND_ID = re.compile(r"re_[0-9a-f]{32}", re.ASCII)
#: Answers that say for good that a refund is not possible as it was asked for.
REFUSALS = frozenset({"refund_too_large", "charge_not_taken"})
_TYPES = {**charges.COMMON, "charge": str, "failure_code": str}
_EVIDENCE = ("id", "charge", "status", "amount", "currency", "failure_code")


def outcome(refund: object, *, reference: str, charge: str) -> Outcome:
    """Return what a refund of the sandbox means for ours with this reference, of this charge.

    Raises ``MoocherError`` if it is about another refund, or says anything that is not in the
    sandbox's vocabulary.
    """
    found = charges.check_fields("refund", refund, _TYPES, REFUND_ID)
    if (found["reference"], found["charge"]) != (reference, charge):
        raise MoocherError("The sandbox answered about another refund")
    evidence = {name: found[name] for name in _EVIDENCE}
    match found["status"]:
        case "succeeded":
            return charges.succeeded(found, evidence)
        case "pending":
            return Pending(psp_reference=found["id"])
        case "failed":
            return Declined(code=DeclineCode.GENERIC, psp_reference=found["id"], evidence=evidence)
        case "returned":
            return CameBack(psp_reference=found["id"], evidence=evidence)
        case _:
            raise MoocherError("The sandbox answered with an unknown status")
