"""What a PSP says of a dispute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .states import DisputeState


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """A dispute as the PSP has it now, whole: the latest report says everything.

    It is about the attempt that has ``charge_reference``. Amounts are in units of ``currency``:
    ``withdrawn`` is what the PSP has taken from the account because of it, ``reinstated`` what it
    has put back since. ``reason`` is the PSP's word.
    """

    psp_reference: str
    charge_reference: str
    state: DisputeState
    amount: Decimal
    currency: str
    reason: str = ""
    opened_at: dt.datetime
    evidence_due_by: dt.datetime | None = None
    withdrawn: Decimal = Decimal(0)
    reinstated: Decimal = Decimal(0)
    evidence: Mapping[str, object] = field(default_factory=dict)
