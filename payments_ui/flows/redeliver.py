"""What a process that died has left: a signal not sent, and an event that came too early."""

from __future__ import annotations

import datetime as dt

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from payments_ui.core import delivery, journal
from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import Attempt, Event, Payment, Refund, SuspenseItem

from . import psp_call

#: The process that charged gets this long to send the signal itself.
TIME_TO_SEND = dt.timedelta(minutes=5)
#: Older charges and refunds are not looked at: an index answers a query of this size.
LOOK_BACK = dt.timedelta(days=30)
#: An event can be earlier than its attempt's reference by a moment, not by days.
COMMIT_RACE = dt.timedelta(days=1)


def unsent_charges(moocher: str | None) -> models.QuerySet[Attempt]:
    """Charges whose ``post_charge`` was not sent within ``TIME_TO_SEND``."""
    now = timezone.now()
    charges = Attempt.objects.filter(
        state=Attempt.State.SETTLED,
        signal_sent_at=None,
        updated_at__gt=now - LOOK_BACK,
        updated_at__lt=now - TIME_TO_SEND,
        payment__charged_at__isnull=False,
    )
    return charges if moocher is None else charges.filter(moocher=moocher)


def unsent_refunds(moocher: str | None) -> models.QuerySet[Refund]:
    """Refunds whose ``refund_succeeded`` was not sent within ``TIME_TO_SEND``."""
    now = timezone.now()
    refunds = Refund.objects.filter(
        state=Refund.State.SUCCEEDED,
        signal_sent_at=None,
        updated_at__gt=now - LOOK_BACK,
        updated_at__lt=now - TIME_TO_SEND,
    )
    return refunds if moocher is None else refunds.filter(attempt__moocher=moocher)


def unsent_ends(moocher: str | None) -> models.QuerySet[Payment]:
    """Payments whose ``payment_cancelled`` or ``payment_undone`` was not sent in time."""
    due: models.QuerySet[Payment] = Payment.all_objects.filter(
        signal_due_at__lt=timezone.now() - TIME_TO_SEND
    )
    return due if moocher is None else due.filter(payment_service_provider=moocher)


def send_again(row: Attempt | Refund | Payment) -> bool:
    """Send the signal about this row, unless another worker does; whether this one did."""
    if not _claim_signal(row):
        return False
    if isinstance(row, Refund):
        delivery.send_refund(row)
    elif isinstance(row, Attempt):
        delivery.send_charge(row)
    elif row.undone_at:
        delivery.send_undone(row)
    else:
        delivery.send_cancelled(row)
    return True


@retrying
def _claim_signal(row: Attempt | Refund | Payment) -> bool:
    if isinstance(row, Payment):
        due = unguarded(row).filter(signal_due_at=row.signal_due_at)
        return bool(due.update(signal_due_at=timezone.now()))
    # Not by ``signal_sent_at``: a worker that dies while sending has not sent, and the next does.
    rows = unguarded(row).filter(signal_sent_at=None, updated_at=row.updated_at)
    return bool(rows.update(updated_at=timezone.now()))


def too_early(moocher: str | None) -> models.QuerySet[Event]:
    """Unmatched webhooks of the last day about a reference which an attempt has by now."""
    events = Event.objects.filter(
        Exists(_attempts(OuterRef("moocher"), OuterRef("account"), OuterRef("psp_reference"))),
        state=Event.State.UNMATCHED,
        amount=None,
        received_at__gt=timezone.now() - COMMIT_RACE,
    )
    return events if moocher is None else events.filter(moocher=moocher)


def _attempts(moocher: object, account: object, psp_reference: object) -> models.QuerySet[Attempt]:
    same: models.QuerySet[Attempt] = Attempt.objects.filter(
        moocher=moocher, account=account, psp_reference=psp_reference
    )
    return same


def match(event: Event) -> bool:
    """Look again at a webhook that came too early; whether it is matched now."""
    attempt = _attempts(event.moocher, event.account, event.psp_reference).get()
    if attempt.state not in Attempt.ARRIVED:
        moocher = psp_call.moocher_for(attempt)
        if moocher is None or isinstance(psp_call.ask(attempt, moocher)[1], Unknown):
            return False
    return mark_processed(event, attempt)


@retrying
def mark_processed(event: Event, attempt: Attempt) -> bool:
    """Record which attempt an unmatched webhook was about; whether this call did."""
    rows = unguarded(event)
    found = {"state": Event.State.PROCESSED, "attempt": attempt}
    with transaction.atomic():
        is_ours = bool(rows.filter(state=Event.State.UNMATCHED).update(**found))
        reason = "its attempt is known by now"
        event.suspense_items.end(SuspenseItem.State.CLOSED, by=journal.SYSTEM, reason=reason)
    return is_ours
