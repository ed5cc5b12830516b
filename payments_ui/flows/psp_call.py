"""Asking a PSP: outside of any transaction, and whatever goes wrong is *unknown*."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core.attempts import transitions
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Unknown,
)
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers

logger = logging.getLogger("payments_ui")

T = TypeVar("T")
Question = Callable[[], Outcome]

#: A request that was sent can still arrive for so long after the PSP said it knows nothing.
GRACE = dt.timedelta(seconds=60)
#: Says nothing new about an attempt, so nothing is written down.
NOT_YET = Unknown(reason="the PSP does not know it yet")
#: A host without a user's name before it, and nothing that a browser reads as it likes.
_WEB_PAGE = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?#][!-\[\]-~]*)?", re.ASCII)


class TransactionOpenError(RuntimeError):
    """A PSP was about to be asked inside a database transaction."""


def charge(attempt: Attempt, question: Question, request: HttpRequest | None) -> Attempt:
    """Have the PSP asked for the money, and write down its answer."""
    failpoints.hit(Point.CHARGE_BEFORE_CALL)
    outcome = answer(attempt, question)
    failpoints.hit(Point.CHARGE_AFTER_PSP)
    return write_down(attempt, outcome, request)


def who_knows(attempt: Attempt) -> Moocher | None:
    """The moocher whose PSP can be asked about an attempt; ``None`` if nobody can."""
    moocher = moochers().get(attempt.moocher)
    return moocher if moocher is not None and moocher.can_ask else None


def ask(attempt: Attempt, moocher: Moocher, request: HttpRequest | None) -> tuple[Attempt, Outcome]:
    """Ask the PSP about an attempt that was sent, write its answer down, and return both."""
    outcome = answer_later(attempt, lambda: moocher.ask(attempt))
    return write_down(attempt, outcome, request), outcome


def answer(attempt: Attempt, question: Question) -> Outcome:
    """The PSP's answer about an attempt, see ``outcome_of``."""
    outcome = outcome_of(question, f"Moocher {attempt.moocher}, attempt {attempt.pk}")
    if isinstance(outcome, ActionRequired) and not _is_web_page(outcome.url):
        return Unknown(reason="the PSP leads the customer to no web page")
    return outcome


def outcome_of(question: Question, about: str) -> Outcome:
    """The PSP's answer. Any exception, and any answer that is no outcome, is *unknown*."""
    forbid_transaction()
    try:
        outcome: object = question()
    except Exception as error:
        logger.exception("%s: outcome unknown", about)
        return Unknown(reason=f"{type(error).__name__} while asking the PSP")
    if not isinstance(outcome, Outcome):
        return Unknown(reason=f"the moocher answered a {type(outcome).__name__}")
    return outcome


def _is_web_page(url: str) -> bool:
    # Empty: the instructions lead on. A browser mends what is not plain, and then leads elsewhere.
    return not url or _WEB_PAGE.fullmatch(url) is not None


def answer_later(attempt: Attempt, question: Question) -> Outcome:
    """As ``answer``; for some time, "never heard of it" is not believed."""
    outcome = answer(attempt, question)
    return NOT_YET if is_too_early(outcome, attempt.started_at) else outcome


def is_too_early(outcome: Outcome, begun_at: dt.datetime) -> bool:
    """Whether it says "never heard of it" while the request may still arrive."""
    never = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
    return never and timezone.now() - begun_at < GRACE


def write_down(attempt: Attempt, outcome: Outcome, request: HttpRequest | None) -> Attempt:
    """Store the answer, see ``stored``; return the attempt as it is stored then."""
    if outcome is NOT_YET:
        return Attempt.objects.get(pk=attempt.pk)
    record = partial(transitions.record, attempt, request=request)
    return stored(record, outcome, f"Attempt {attempt.pk}")


def stored(record: Callable[[Outcome], T], outcome: Outcome, about: str) -> T:
    """Have the answer recorded, and return what ``record`` does.

    An answer that cannot be stored is *unknown*: the PSP keeps it, and is asked again.
    """
    try:
        return record(outcome)
    except Exception as error:
        logger.exception("%s: the answer could not be stored", about)
        return record(Unknown(reason=f"{type(error).__name__} while storing the answer"))


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
