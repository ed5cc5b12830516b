"""Asking a PSP: outside of any transaction, and whatever goes wrong is *unknown*."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core import notify
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Unknown,
)
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, PaymentMethod, Refund
from payments_ui.exceptions import MoocherError, RequestRefusedError
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers

logger = logging.getLogger("payments_ui")

T = TypeVar("T")
Answer = TypeVar("Answer")
Row = TypeVar("Row", Attempt, Refund)

#: For so long a request can arrive at a PSP that answered that it does not know it.
GRACE = dt.timedelta(seconds=60)
#: After so long another may have asked the PSP already, and given up what it knows nothing of.
_IN_TIME = GRACE / 2
#: The answer within ``GRACE`` that the PSP knows nothing. It is not recorded.
NOT_YET = Unknown(reason="the PSP does not know it yet")
#: A host without a user's name before it, and nothing that a browser reads as it likes.
_WEB_PAGE = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?#][!-\[\]-~]*)?", re.ASCII)


class TransactionOpenError(RuntimeError):
    """A PSP was about to be asked inside a database transaction."""


class PSPUnavailableError(Exception):
    """The PSP could not be asked just now about what it reported, and should report it again."""


def charge(
    attempt: Attempt,
    question: Callable[[], Outcome],
    request: HttpRequest | None = None,
    *,
    prepare: Callable[[], str | Declined | None] = lambda: None,
) -> Attempt:
    """Have the PSP asked for the money; return the attempt as it is stored then.

    The reference that ``prepare`` returns is committed before ``question`` is asked, which it is
    not after a decline. Nor is it by a process that fell asleep after it had written the attempt
    down, where the attempt has ended meanwhile, since the PSP knew nothing of it.
    """
    failpoints.hit(Point.CHARGE_BEFORE_CALL)

    def prepared() -> Outcome:
        reference = prepare()
        if isinstance(reference, Declined):
            return reference
        if reference is not None:
            failpoints.hit(Point.PREPARE_AFTER_PSP)
            if not attempt.name_reference(reference):
                raise MoocherError(f"{attempt} has ended, or is {attempt.psp_reference}")
            failpoints.hit(Point.PREPARE_AFTER_COMMIT)
        elif timezone.now() - attempt.started_at > _IN_TIME and not attempt.as_stored().is_open:
            raise MoocherError(f"{attempt} has ended while this process was held up")
        return question()

    outcome = ask_psp(attempt, prepared, is_first=True)
    failpoints.hit(Point.CHARGE_AFTER_PSP)
    return save_outcome(attempt, outcome, request=request)


def moocher_for(attempt: Attempt) -> Moocher | None:
    """The moocher whose PSP can be asked about an attempt; ``None`` where no PSP can."""
    moocher = moochers().get(attempt.moocher)
    return moocher if moocher is not None and moocher.can_ask else None


def ask(
    attempt: Attempt, moocher: Moocher, request: HttpRequest | None = None
) -> tuple[Attempt, Outcome]:
    """Ask the PSP about an attempt; return it as it is stored then, and the answer."""
    outcome = ask_psp(attempt, lambda: moocher.ask(attempt), sent_at=attempt.started_at)
    return save_outcome(attempt, outcome, request=request), outcome


def ask_psp(
    row: Attempt | Refund | PaymentMethod,
    question: Callable[[], Answer],
    *,
    kinds: Any = Outcome,
    is_first: bool = False,
    sent_at: dt.datetime | None = None,
) -> Answer | Declined | Unknown:
    """The PSP's answer to a question about ``row``: any exception is *unknown*.

    So are an answer that is none of these ``kinds``, and a step that leads the customer to no web
    page. The first request about ``row`` that is refused declines it, and the admins are notified.
    With ``sent_at``, "never happened" is ``NOT_YET`` while the request may still arrive. Raises
    ``TransactionOpenError``.
    """
    forbid_transaction()
    try:
        outcome = question()
    except RequestRefusedError as error:
        if not is_first:
            logger.exception("%s: the PSP refused to be asked about it", row)
            return Unknown(reason="the PSP refused to be asked")
        notify.admins("A payment service refused our request", f"{row}: {error}")
        return Declined(code=DeclineCode.REQUEST_REFUSED, evidence={"refusal": str(error)})
    except Exception as error:
        logger.exception("%s: the PSP was asked, and the outcome is unknown", row)
        return Unknown(reason=f"{type(error).__name__} while asking the PSP")
    if not isinstance(outcome, kinds):
        return Unknown(reason=f"the moocher answered a {type(outcome).__name__}")
    if isinstance(outcome, ActionRequired) and outcome.url and not _WEB_PAGE.fullmatch(outcome.url):
        # Browsers mend what is not plain, and then lead elsewhere.
        return Unknown(reason="the PSP leads the customer to no web page")
    never_happened = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
    if never_happened and sent_at is not None and timezone.now() - sent_at < GRACE:
        return NOT_YET
    return outcome


def fetch(what: object, question: Callable[[], T | None], kind: type[T]) -> T | None:
    """What the PSP says of ``what``, which is no attempt of ours; ``None``: it knows none.

    Raises ``PSPUnavailableError`` for any exception, and for an answer of another ``kind``.
    """
    forbid_transaction()
    try:
        answer = question()
    except Exception as error:
        logger.exception("%s: the PSP was asked, and did not answer", what)
        raise PSPUnavailableError(f"{what}: {type(error).__name__}") from error
    if answer is not None and not isinstance(answer, kind):
        raise PSPUnavailableError(f"{what}: the moocher answered a {type(answer).__name__}")
    return answer


def save_outcome(row: Row, outcome: Outcome, **context: Any) -> Row:
    """Record the PSP's answer; return the attempt or refund as it is stored then.

    An answer that cannot be stored is *unknown*: the PSP keeps it, and is asked again. An
    attempt's ``context`` is the ``request``, for the receivers of ``post_charge``.
    """
    if outcome is NOT_YET:
        return row.as_stored()
    try:
        return row.record(outcome, **context)
    except Exception as error:
        logger.exception("%s: the PSP's answer could not be stored", row)
        reason = f"{type(error).__name__} while storing the answer"
        return row.record(Unknown(reason=reason), **context)


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
