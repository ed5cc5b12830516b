"""Giving money back at the PSP that took it: asked outside of transactions, written down."""

from __future__ import annotations

from functools import partial

from payments_ui.core.attempts.outcomes import Outcome, Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Refund
from payments_ui.core.refunds import requesting
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers

from . import psp_call


def can_send(attempt: Attempt) -> bool:
    """Whether the PSP with this attempt's money can be asked to give it back."""
    return bool(attempt.psp_reference) and _moocher_of(attempt) is not None


def send(refund: Refund) -> Refund:
    """Ask the PSP for a committed refund; return the refund as it is stored then.

    Whatever goes wrong is *unknown*, and asked about later. Sending it twice gives the
    money back once, by its idempotency key.
    """
    moocher = _moocher_of(refund.attempt)
    if moocher is None:
        return refund
    outcome = psp_call.outcome_of(lambda: moocher.refund(refund), f"Refund {refund.pk}")
    failpoints.hit(Point.REFUND_AFTER_PSP)
    return _write_down(refund, outcome)


def ask(refund: Refund) -> tuple[Refund, bool]:
    """Ask the PSP what became of a refund; return it as it is stored then.

    For some time "never heard of it" is not believed: the request may still arrive. One
    that a person sends, or whose moocher is not listed any more, is left as it is. Also
    returns whether there was an answer, or nobody to ask.
    """
    moocher = None if refund.manual else _moocher_of(refund.attempt)
    if moocher is None:
        return refund, True
    outcome = psp_call.outcome_of(lambda: moocher.ask_refund(refund), f"Refund {refund.pk}")
    if psp_call.is_too_early(outcome, refund.requested_at):
        return refund, True
    return _write_down(refund, outcome), not isinstance(outcome, Unknown)


def _moocher_of(attempt: Attempt) -> Moocher | None:
    moocher = moochers().get(attempt.moocher)
    if moocher is None or not moocher.can_refund:
        return None
    # The money is in this account and no other.
    return moocher if moocher.serves(attempt.account, live=attempt.live) else None


def _write_down(refund: Refund, outcome: Outcome) -> Refund:
    return psp_call.stored(partial(requesting.record, refund), outcome, f"Refund {refund.pk}")
