"""Asking a PSP: outside of any transaction, and whatever goes wrong is *unknown*."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core import attempts
from payments_ui.core.models import Attempt
from payments_ui.core.outcomes import DeclineCode, Declined, Outcome, Unknown

logger = logging.getLogger("payments_ui")

#: A request that was sent can still arrive for so long after the PSP said it knows nothing.
GRACE = dt.timedelta(seconds=60)


class TransactionOpenError(RuntimeError):
    """A PSP was about to be asked inside a database transaction."""


def ask(attempt: Attempt, question: Callable[[], Outcome], request: HttpRequest | None) -> Attempt:
    """Run one question to the PSP and write down the answer.

    Any exception, and any answer that is no outcome, is written down as *unknown*.
    """
    forbid_transaction()
    try:
        outcome = question()
    except Exception as error:
        logger.exception("Moocher %s, attempt %s: outcome unknown", attempt.moocher, attempt.pk)
        outcome = Unknown(reason=f"{type(error).__name__} while asking the PSP")
    return attempts.record(attempt, _trusted(attempt, outcome), request=request)


def _trusted(attempt: Attempt, outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Outcome):
        return Unknown(reason=f"the moocher answered a {type(outcome).__name__}")
    never = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
    if never and timezone.now() - attempt.started_at < GRACE:
        return Unknown(reason="the PSP does not know it yet")
    return outcome


def forbid_transaction() -> None:
    """Raise ``TransactionOpenError`` inside a transaction, as ``atomic(durable=True)`` would.

    What was written down before asking must be committed, and a lock must not last as
    long as the PSP takes.
    """
    blocks = transaction.get_connection().atomic_blocks
    if blocks and not blocks[-1]._from_testcase:
        raise TransactionOpenError(
            "A PSP is asked outside of transactions only: take ATOMIC_REQUESTS or atomic() away"
        )
