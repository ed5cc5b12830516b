"""Asking a PSP: outside of any transaction, and whatever goes wrong is *unknown*."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core import attempts
from payments_ui.core.models import Attempt
from payments_ui.core.outcomes import ActionRequired, DeclineCode, Declined, Outcome, Unknown

logger = logging.getLogger("payments_ui")

Question = Callable[[], Outcome]

#: A request that was sent can still arrive for so long after the PSP said it knows nothing.
GRACE = dt.timedelta(seconds=60)
#: Says nothing new about an attempt, so nothing is written down.
NOT_YET = Unknown(reason="the PSP does not know it yet")


class TransactionOpenError(RuntimeError):
    """A PSP was about to be asked inside a database transaction."""


def charge(attempt: Attempt, question: Question, request: HttpRequest | None) -> Attempt:
    """Have the PSP asked for the money, and write down its answer."""
    return write_down(attempt, answer(attempt, question), request)


def ask(attempt: Attempt, question: Question, request: HttpRequest | None) -> Attempt:
    """Ask the PSP about an attempt that was sent, and write down its answer."""
    return write_down(attempt, answer_later(attempt, question), request)


def answer(attempt: Attempt, question: Question) -> Outcome:
    """The PSP's answer. Any exception, and any answer that is no outcome, is *unknown*."""
    forbid_transaction()
    try:
        outcome: object = question()
    except Exception as error:
        logger.exception("Moocher %s, attempt %s: outcome unknown", attempt.moocher, attempt.pk)
        return Unknown(reason=f"{type(error).__name__} while asking the PSP")
    if not isinstance(outcome, Outcome):
        return Unknown(reason=f"the moocher answered a {type(outcome).__name__}")
    if isinstance(outcome, ActionRequired) and not _is_web_page(outcome.url):
        return Unknown(reason="the PSP leads the customer to no web page")
    return outcome


def _is_web_page(url: str) -> bool:
    # Empty: the instructions lead on.
    return not url or url.startswith(("https://", "http://"))


def answer_later(attempt: Attempt, question: Question) -> Outcome:
    """As ``answer``; for some time, "never heard of it" is not believed."""
    outcome = answer(attempt, question)
    never = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
    if never and timezone.now() - attempt.started_at < GRACE:
        return NOT_YET
    return outcome


def write_down(attempt: Attempt, outcome: Outcome, request: HttpRequest | None) -> Attempt:
    """Store the answer; return the attempt as it is stored then.

    An answer that cannot be stored is *unknown*: the PSP keeps it, and is asked again.
    """
    if outcome is NOT_YET:
        return Attempt.objects.get(pk=attempt.pk)
    try:
        return attempts.record(attempt, outcome, request=request)
    except Exception as error:
        logger.exception("Attempt %s: the answer could not be stored", attempt.pk)
        lost = Unknown(reason=f"{type(error).__name__} while storing the answer")
        return attempts.record(attempt, lost, request=request)


def forbid_transaction() -> None:
    """Raise ``TransactionOpenError`` inside a transaction, as ``atomic(durable=True)`` would.

    What was written down before asking must be committed, and a lock must not last as
    long as the PSP takes.
    """
    blocks = transaction.get_connection(router.db_for_write(Attempt)).atomic_blocks
    if blocks and not blocks[-1]._from_testcase:
        raise TransactionOpenError(
            "A PSP is asked outside of transactions only: take ATOMIC_REQUESTS or atomic() away"
        )
