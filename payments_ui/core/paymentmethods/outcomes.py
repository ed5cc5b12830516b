"""What becomes of saving a payment method."""

from __future__ import annotations

from dataclasses import dataclass

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    Declined,
    Pending,
    Unknown,
)

from .instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The PSP keeps the payment method; ``psp_reference`` names the set-up, not the method."""

    instrument: Instrument
    psp_reference: str | None = None


SetupOutcome = Saved | Declined | ActionRequired | Pending | Cancelled | Unknown
