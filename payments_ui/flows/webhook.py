"""Learning what became of an attempt: webhook, browser return, and looking again."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import suppress

from django.db import IntegrityError, models, transaction
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, Event, Payment, Refund, SuspenseItem
from payments_ui.core.suspense import queue
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Moocher, Notice

from . import psp_call
from . import refund as refunding

logger = logging.getLogger("payments_ui")

#: Between two questions about the same attempt, however many pages look at it.
AT_MOST_EVERY = dt.timedelta(seconds=3)
#: So long the request that started an attempt may be waiting for the PSP itself.
STILL_ASKING = dt.timedelta(seconds=30)


class PSPUnavailableError(Exception):
    """The PSP reported something and could not be asked about it just now."""


def refresh(payment: Payment, request: HttpRequest | None = None) -> Payment:
    """Ask the PSP about the open attempt, if there is one and nobody asked just now.

    Returns the payment as it is then.
    """
    attempt = payment.open_attempt
    moocher = None if attempt is None else psp_call.who_knows(attempt)
    if attempt is not None and moocher is not None and _claim_turn(attempt):
        psp_call.ask(attempt, moocher, request)
        payment.refresh_from_db()
    return payment


def come_back(attempt: Attempt, request: HttpRequest) -> Attempt:
    """The customer returns from the PSP: ask what became of the attempt, at once."""
    moocher = psp_call.who_knows(attempt)
    if moocher is None or attempt.state in Attempt.ARRIVED:
        return attempt
    _claim_turn(attempt)
    return psp_call.ask(attempt, moocher, request)[0]


def _claim_turn(attempt: Attempt) -> bool:
    # Compare-and-set, so that of ten open tabs one asks.
    now = timezone.now()
    if attempt.state == Attempt.State.STARTED and now - attempt.started_at < STILL_ASKING:
        return False
    due = models.Q(asked_at=None) | models.Q(asked_at__lt=now - AT_MOST_EVERY)
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(due, pk=attempt.pk)
    return bool(rows.update(asked_at=now))


def report(request: HttpRequest, moocher: Moocher) -> None:
    """A PSP's webhook: verify it, ask the PSP what is true, settle.

    The content of a webhook is a hint only. One about no attempt of ours is kept as
    *unmatched*; a person has to look where it names an attempt as ours. Repeating it
    changes nothing. Raises ``WebhookSignatureError`` before anything is stored, and
    ``PSPUnavailableError`` where the PSP should send it again.
    """
    notice = _read(request, moocher)
    key = {
        "moocher": moocher.identifier,
        "account": moocher.account,
        "event_id": notice.event_id,
    }
    known = Event.objects.select_related("attempt").filter(**key).first()
    if known is not None and _is_done(known, notice):
        return
    attempt = _attempt_of(notice, moocher)
    if attempt is not None and attempt.state not in Attempt.ARRIVED:
        # An attempt that failed or was called off is asked about, too: money may be late.
        outcome = psp_call.ask(attempt, moocher, request)[1]
        if isinstance(outcome, Unknown):
            raise PSPUnavailableError(f"{attempt}: {outcome.reason}")
    refund = _refund_of(notice, moocher)
    if refund is not None and refund.state != Refund.State.SUCCEEDED:
        # One that failed is asked about, too: it may have arrived after all.
        looked, is_answered = refunding.ask(refund)
        if not is_answered:
            raise PSPUnavailableError(f"{looked}: the PSP does not answer")
    if known is None:
        # The same message twice at once: the second one finds it kept.
        with suppress(IntegrityError):
            _keep_new(notice, attempt, key)
    failpoints.hit(Point.WEBHOOK_AFTER_STORE)


def _read(request: HttpRequest, moocher: Moocher) -> Notice:
    try:
        return moocher.webhook(request)
    except WebhookSignatureError:
        raise
    except Exception as error:
        # Anybody may post anything: what cannot be read is refused, and is no crash.
        logger.exception("The webhook of moocher %s failed", moocher.identifier)
        raise WebhookSignatureError(f"{moocher.identifier} could not read it") from error


def _is_done(known: Event, notice: Notice) -> bool:
    # Sent twice, as PSPs do; one read. A refund is asked about again: it may arrive late.
    arrived = known.attempt is not None and known.attempt.state in Attempt.ARRIVED
    return arrived and notice.refund_id is None


@retrying
def _keep_new(notice: Notice, attempt: Attempt | None, key: dict[str, str]) -> None:
    state = Event.State.UNMATCHED if attempt is None else Event.State.PROCESSED
    # Written first: SQLite refuses to write after reading while somebody else writes.
    with transaction.atomic():
        event = Event.objects.create(
            **key, state=state, attempt=attempt, psp_reference=notice.psp_reference or ""
        )
        # Somebody else's charge at the same PSP is none of our business.
        if attempt is None and notice.attempt_id is not None:
            queue.open_item(SuspenseItem.Kind.UNMATCHED, event=event)


def _refund_of(notice: Notice, moocher: Moocher) -> Refund | None:
    ours = Refund.objects.select_related("attempt").filter(
        attempt__moocher=moocher.identifier, attempt__account=moocher.account
    )
    # Without an id it is no refund of ours, and the ledgers are compared by the audit.
    return ours.filter(pk=notice.refund_id).first() if notice.refund_id else None


def _attempt_of(notice: Notice, moocher: Moocher) -> Attempt | None:
    ours = Attempt.objects.filter(moocher=moocher.identifier, account=moocher.account)
    if notice.attempt_id is not None:
        return ours.filter(pk=notice.attempt_id).first()
    if notice.psp_reference:
        return ours.filter(psp_reference=notice.psp_reference).first()
    return None
