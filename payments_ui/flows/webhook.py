"""A PSP reports something: verify it, find the attempt, ask the PSP what is true, settle."""

from __future__ import annotations

import copy
import logging
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Outcome, Succeeded, Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.fields import fitting
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, Event, Refund, SuspenseItem
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Moocher, Notice, webhook_body

from . import psp_call, redeliver
from . import refund as refunding

logger = logging.getLogger("payments_ui")


class PSPUnavailableError(Exception):
    """The PSP reported something and could not be asked about it just now."""


def handle(request: HttpRequest, moocher: Moocher) -> None:
    """Settle what a PSP's webhook is about.

    The content of a webhook is a hint only. A webhook about no attempt of ours is kept as
    *unmatched*, for a person to review where it names an attempt as ours. A second charge for an
    attempt is *surplus*, and *unmatched* as long as the PSP does not say what it took. Repeating
    a webhook changes nothing. Raises ``WebhookSignatureError`` before anything is stored, and
    ``PSPUnavailableError`` where the PSP should send it again.
    """
    notice = _read(request, moocher)
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    notice, event = _known_event(notice, ours)
    # A refund is asked about again, as it may arrive late.
    if event is not None and notice.refund_id is None and _has_arrived(event.attempt):
        return
    attempt = _attempt_of(notice, ours)
    if attempt is not None and not _has_arrived(attempt):
        # Also about an attempt that failed or was called off: money may be late.
        attempt, outcome = psp_call.ask(attempt, moocher, request)
        if isinstance(outcome, Unknown):
            raise PSPUnavailableError(f"{attempt}: {outcome.reason}")
    if notice.refund_id is not None:
        _ask_about_refund(notice.refund_id, ours)
    if attempt is not None and _is_second_charge(notice, attempt):
        attempt = _ask_about_second_charge(notice, attempt, moocher)
    if event is None:
        _keep(notice, attempt, ours)
    elif attempt is not None:
        redeliver.mark_processed(event, attempt)
    failpoints.hit(Point.WEBHOOK_AFTER_STORE)


def _read(request: HttpRequest, moocher: Moocher) -> Notice:
    webhook_body(request)
    try:
        return moocher.webhook(request)
    except WebhookSignatureError:
        raise
    except Exception as error:
        # Anybody may post anything: what cannot be read is refused, and is no crash.
        logger.exception("The webhook of moocher %s failed", moocher.identifier)
        raise WebhookSignatureError(f"{moocher.identifier} could not read it") from error


def _known_event(notice: Notice, ours: dict[str, str]) -> tuple[Notice, Event | None]:
    """The stored event with this id; where it is about other money, the notice gets its own id."""
    events = Event.objects.select_related("attempt").filter(**ours)
    event = events.filter(event_id=notice.event_id).first()
    if event is None:
        return notice, None
    if event.psp_reference or notice.psp_reference:
        is_same = event.psp_reference == fitting(notice.psp_reference or "", 255)
    else:
        is_same = event.attempt_id in (None, notice.attempt_id)
    if is_same:
        return notice, event
    # A PSP may use an id twice, as for all charges of a batch.
    notice = replace(
        notice, event_id=f"{notice.event_id} {notice.psp_reference or notice.attempt_id}"
    )
    return notice, events.filter(event_id=notice.event_id).first()


def _has_arrived(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.state in Attempt.ARRIVED


def _attempt_of(notice: Notice, ours: dict[str, str]) -> Attempt | None:
    attempts = Attempt.objects.select_related("payment").filter(**ours)
    if notice.attempt_id is not None:
        return attempts.filter(pk=notice.attempt_id).first()
    if notice.psp_reference:
        return attempts.filter(psp_reference=notice.psp_reference).first()
    return None


def _ask_about_refund(pk: UUID, ours: dict[str, str]) -> None:
    whose = {f"attempt__{name}": value for name, value in ours.items()}
    refund = Refund.objects.select_related("attempt").filter(**whose, pk=pk).first()
    # Also about a refund that failed or was reported before: it may be late.
    if refund is not None and refund.state != Refund.State.SUCCEEDED:
        refund, answered = refunding.ask(refund)
        if not answered:
            raise PSPUnavailableError(f"{refund}: the PSP does not answer")


def _is_second_charge(notice: Notice, attempt: Attempt) -> bool:
    reference = notice.psp_reference
    if not reference or not attempt.psp_reference or notice.refund_id is not None:
        return False
    return reference != attempt.psp_reference and not attempt.is_taken(reference)


def _ask_about_second_charge(notice: Notice, attempt: Attempt, moocher: Moocher) -> Attempt | None:
    """The attempt that has the money of a second charge, ``None`` if the PSP does not say."""
    other = copy.copy(attempt)
    other.psp_reference = notice.psp_reference
    outcome = psp_call.ask_psp(attempt, lambda: moocher.ask(other), sent_at=attempt.started_at)
    if isinstance(outcome, Unknown):
        # Kept all the same: the PSP may never send it again.
        _keep(notice, None, {"moocher": attempt.moocher, "account": attempt.account})
        raise PSPUnavailableError(f"{attempt}, {notice.psp_reference}: {outcome.reason}")
    if getattr(outcome, "psp_reference", None) not in (None, notice.psp_reference):
        return None
    return _record_second_charge(attempt, outcome)


@retrying
def _record_second_charge(attempt: Attempt, outcome: Outcome) -> Attempt:
    """Record what a second charge took; return the attempt that has its money."""
    if not isinstance(outcome, Succeeded):
        return attempt
    with transaction.atomic():
        payment = attempt.lock_payment()
        current: Attempt = payment.attempts.get(pk=attempt.pk)
        if not _has_arrived(current):
            return current.record(outcome)
        if current.is_taken(outcome.psp_reference):
            return current
        by = journal.by_moocher(attempt.moocher)
        reason = f"the PSP charged attempt {attempt.reference} a second time"
        return payment.record_surplus(attempt.moocher, outcome, by=by, reason=reason)


@retrying
def _keep(notice: Notice, attempt: Attempt | None, ours: dict[str, str]) -> None:
    # Where the same message comes twice at once, the second finds it kept.
    # Written first: SQLite refuses to write after reading while another connection writes.
    with suppress(IntegrityError), transaction.atomic():
        event = Event.objects.create(
            **ours,
            event_id=notice.event_id,
            state=Event.State.UNMATCHED if attempt is None else Event.State.PROCESSED,
            attempt=attempt,
            psp_reference=notice.psp_reference or "",
        )
        # Another site's charge at the same PSP is no business of ours.
        if attempt is None and notice.attempt_id is not None:
            SuspenseItem.objects.open_item(SuspenseItem.Kind.UNMATCHED, event=event)
