"""Learning what became of an attempt: webhook, browser return, and looking again."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core.models import Attempt, Event, Payment
from payments_ui.core.outcomes import Unknown
from payments_ui.moochers.base import Moocher, Notice
from payments_ui.moochers.registry import moochers

from . import asking

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
    if attempt is not None and _may_ask(attempt) and _claim_turn(attempt):
        _look(attempt, request)
        payment.refresh_from_db()
    return payment


def come_back(attempt: Attempt, request: HttpRequest) -> Attempt:
    """The customer returns from the PSP: ask what became of the attempt, at once."""
    if attempt.state in Attempt.ARRIVED or not _may_ask(attempt):
        return attempt
    _claim_turn(attempt)
    return _look(attempt, request)


def _may_ask(attempt: Attempt) -> bool:
    moocher = moochers().get(attempt.moocher)
    return moocher is not None and moocher.can_ask


def _claim_turn(attempt: Attempt) -> bool:
    # Compare-and-set, so that of ten open tabs one asks.
    now = timezone.now()
    if attempt.state == Attempt.State.STARTED and now - attempt.started_at < STILL_ASKING:
        return False
    due = models.Q(asked_at=None) | models.Q(asked_at__lt=now - AT_MOST_EVERY)
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(due, pk=attempt.pk)
    return bool(rows.update(asked_at=now))


def _look(attempt: Attempt, request: HttpRequest | None) -> Attempt:
    moocher = moochers()[attempt.moocher]
    return asking.ask(attempt, lambda: moocher.ask(attempt), request)


def report(request: HttpRequest, moocher: Moocher) -> None:
    """A PSP's webhook: verify it, ask the PSP what is true, settle.

    The content of a webhook is a hint only. One about no attempt of ours is kept as
    *unmatched*. Repeating it changes nothing. Raises ``WebhookSignatureError`` before
    anything is stored, and ``PSPUnavailableError`` where the PSP should send it again.
    """
    notice = moocher.webhook(request)
    attempt = _attempt_of(notice, moocher)
    if attempt is not None and attempt.state not in Attempt.ARRIVED:
        # An attempt that failed or was called off is asked about, too: money may be late.
        outcome = asking.answer_later(attempt, lambda: moocher.ask(attempt))
        asking.write_down(attempt, outcome, request)
        if isinstance(outcome, Unknown):
            raise PSPUnavailableError(f"{attempt}: {outcome.reason}")
    _keep(notice, moocher, attempt)


def _keep(notice: Notice, moocher: Moocher, attempt: Attempt | None) -> None:
    state = Event.State.UNMATCHED if attempt is None else Event.State.PROCESSED
    Event.objects.get_or_create(
        moocher=moocher.identifier,
        account=moocher.account,
        event_id=notice.event_id,
        defaults={
            "state": state,
            "attempt": attempt,
            "psp_reference": notice.psp_reference or "",
        },
    )


def _attempt_of(notice: Notice, moocher: Moocher) -> Attempt | None:
    ours = Attempt.objects.filter(moocher=moocher.identifier, account=moocher.account)
    if notice.attempt_id is not None:
        return ours.filter(pk=notice.attempt_id).first()
    if notice.psp_reference:
        return ours.filter(psp_reference=notice.psp_reference).first()
    return None
