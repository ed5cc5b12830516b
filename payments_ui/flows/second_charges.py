"""A PSP charges an attempt a second time: the money is kept, and the admins are told."""

from __future__ import annotations

import copy

from django.db import transaction

from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Outcome, Succeeded, Unknown
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher

from . import psp_call


class UnknownChargeError(psp_call.PSPUnavailableError):
    """The PSP does not say what it took a second time."""


def is_second(reference: str, attempt: Attempt) -> bool:
    """Whether the PSP has charged this attempt by another reference before."""
    if not reference or not attempt.psp_reference:
        return False
    return reference != attempt.psp_reference and not attempt.is_taken(reference)


def ask(reference: str, attempt: Attempt, moocher: Moocher) -> Attempt | None:
    """The attempt that has the money of a second charge; ``None`` if the PSP does not say.

    Raises ``UnknownChargeError`` where it does not answer.
    """
    other = copy.copy(attempt)
    other.psp_reference = reference
    outcome = psp_call.ask_psp(attempt, lambda: moocher.ask(other), sent_at=attempt.started_at)
    if isinstance(outcome, Unknown):
        raise UnknownChargeError(f"{attempt}, {reference}: {outcome.reason}")
    if getattr(outcome, "psp_reference", None) not in (None, reference):
        return None
    return _record(attempt, outcome)


@retrying
def _record(attempt: Attempt, outcome: Outcome) -> Attempt:
    """Record what a second charge took; return the attempt that has its money."""
    if not isinstance(outcome, Succeeded):
        return attempt
    with transaction.atomic():
        payment = attempt.lock_payment()
        current: Attempt = payment.attempts.get(pk=attempt.pk)
        if current.state not in Attempt.ARRIVED:
            return current.record(outcome)
        if current.is_taken(outcome.psp_reference):
            return current
        by = journal.by_moocher(attempt.moocher)
        reason = f"the PSP charged attempt {attempt.reference} a second time"
        return payment.record_surplus(attempt.moocher, outcome, by=by, reason=reason)
