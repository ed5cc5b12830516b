"""What a PSP's books say of a charge, as a moocher lists it for the audit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class LedgerStatus(StrEnum):
    """What the PSP's books say of one charge."""

    #: It took the money, also where some or all of it was given back since.
    TAKEN = "taken"
    #: It does not know yet.
    OPEN = "open"
    #: It took nothing, and will not.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One charge in the PSP's books.

    ``reference`` is our attempt's idempotency key, empty where the PSP does not know it;
    ``refunded`` is what the PSP has given back of ``amount``, both in units of ``currency``.
    """

    psp_reference: str
    reference: str
    amount: Decimal
    refunded: Decimal
    currency: str
    status: LedgerStatus
