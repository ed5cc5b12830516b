"""Giving money back at the PSP that took it: asked outside of transactions, then recorded."""

from __future__ import annotations

from functools import partial

from payments_ui.core.attempts.outcomes import Outcome, Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import serving

from . import psp_call


def can_send(attempt: Attempt) -> bool:
    """Whether the PSP with this attempt's money can be asked to give it back."""
    return bool(attempt.psp_reference) and moocher_for(attempt) is not None


def moocher_for(attempt: Attempt) -> Moocher | None:
    """The moocher that can give this attempt's money back: the money is in its account."""
    moocher = serving(attempt)
    return moocher if moocher is not None and moocher.can_refund else None


def send(refund: Refund) -> Refund:
    """Ask the PSP for a committed refund; return the refund as it is stored then.

    Whatever goes wrong is *unknown*, and asked about later. Sending it twice gives the
    money back once, by its idempotency key.
    """
    moocher = moocher_for(refund.attempt)
    if moocher is None:
        return refund
    # Where it was sent before, a refusal now is no answer to the request then.
    is_first = refund.state == Refund.State.REQUESTED
    outcome = psp_call.ask_psp(refund, lambda: moocher.refund(refund), is_first=is_first)
    failpoints.hit(Point.REFUND_AFTER_PSP)
    return psp_call.save_outcome(refund, outcome)


def ask(refund: Refund) -> tuple[Refund, bool]:
    """Ask the PSP what became of a refund; return it as it is stored then.

    Also returns whether the PSP answered, which is true where there is no PSP to ask: a person
    sends the money, or the moocher is not listed any more. Then the refund is left as it is.
    """
    moocher = None if refund.manual else moocher_for(refund.attempt)
    if moocher is None:
        return refund, True
    question = partial(_asked_elsewhere if refund.elsewhere else _asked, moocher, refund)
    outcome = psp_call.ask_psp(refund, question, sent_at=refund.requested_at)
    is_answered = outcome is psp_call.NOT_YET or not isinstance(outcome, Unknown)
    return psp_call.save_outcome(refund, outcome), is_answered


def _asked(moocher: Moocher, refund: Refund) -> Outcome:
    return moocher.ask_refund(refund)


def _asked_elsewhere(moocher: Moocher, refund: Refund) -> Outcome:
    # The PSP knows it by its own reference only.
    report = moocher.report_refund(refund.psp_reference or "")
    return Unknown(reason="the PSP does not know it") if report is None else report.outcome
