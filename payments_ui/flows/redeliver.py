"""What a process that died has left: a signal not sent, and an event that came too early.

``notices.handle_again`` looks again at such an event.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from payments_ui.core import delivery
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    Payment,
    PaymentMethod,
    Recovery,
    Refund,
)

Row = Attempt | Refund | Dispute | Payment | PaymentMethod | Recovery

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
    """Refunds that ended, and of which the site was not told within ``TIME_TO_SEND``."""
    now = timezone.now()
    refunds = Refund.objects.filter(
        state__in=(Refund.State.SUCCEEDED, Refund.State.CAME_BACK),
        signal_sent_at=None,
        updated_at__gt=now - LOOK_BACK,
        updated_at__lt=now - TIME_TO_SEND,
    )
    return refunds if moocher is None else refunds.filter(attempt__moocher=moocher)


def unsent_disputes(moocher: str | None) -> models.QuerySet[Dispute]:
    """Disputes of whose begin or end the site was not told within ``TIME_TO_SEND``."""
    now = timezone.now()
    is_closed = ~Q(state__in=Dispute.OPEN)
    disputes = Dispute.objects.filter(
        Q(opened_signal_sent_at=None) | Q(is_closed, closed_signal_sent_at=None),
        updated_at__gt=now - LOOK_BACK,
        updated_at__lt=now - TIME_TO_SEND,
    )
    return disputes if moocher is None else disputes.filter(attempt__moocher=moocher)


def unsent_ends(moocher: str | None) -> models.QuerySet[Payment]:
    """Payments whose ``payment_cancelled`` or ``payment_undone`` was not sent in time."""
    due: models.QuerySet[Payment] = Payment.all_objects.filter(
        signal_due_at__lt=timezone.now() - TIME_TO_SEND
    )
    return due if moocher is None else due.filter(payment_service_provider=moocher)


def unsent_methods(moocher: str | None) -> models.QuerySet[PaymentMethod]:
    """Payment methods of which the site was not told in time that they are saved, or removed."""
    due: models.QuerySet[PaymentMethod] = PaymentMethod.objects.filter(
        signal_due_at__lt=timezone.now() - TIME_TO_SEND
    )
    return due if moocher is None else due.filter(moocher=moocher)


def unsent_recoveries(moocher: str | None) -> models.QuerySet[Recovery]:
    """Recoveries of which the site was not told in time that they are given up."""
    due: models.QuerySet[Recovery] = Recovery.objects.filter(
        signal_due_at__lt=timezone.now() - TIME_TO_SEND
    )
    return due if moocher is None else due.filter(payment_method__moocher=moocher)


def send_again(row: Row) -> bool:
    """Send the signal about this row, unless another worker does; whether this one did."""
    if not _claim_signal(row):
        return False
    if isinstance(row, Refund):
        delivery.send_refund(row)
    elif isinstance(row, Dispute):
        delivery.send_dispute(row)
    elif isinstance(row, Attempt):
        delivery.send_charge(row)
    elif isinstance(row, Recovery):
        delivery.send_given_up(row)
    elif isinstance(row, PaymentMethod):
        delivery.send_payment_method(row)
    elif row.undone_at:
        delivery.send_undone(row)
    else:
        delivery.send_cancelled(row)
    return True


@retrying
def _claim_signal(row: Row) -> bool:
    if isinstance(row, Payment | PaymentMethod | Recovery):
        due = unguarded(row).filter(signal_due_at=row.signal_due_at)
        return bool(due.update(signal_due_at=timezone.now()))
    # Not by ``signal_sent_at``: a worker that dies while sending has not sent, and the next does.
    rows: models.QuerySet[Any] = unguarded(row).filter(updated_at=row.updated_at)
    if not isinstance(row, Dispute):
        rows = rows.filter(signal_sent_at=None)
    return bool(rows.update(updated_at=timezone.now()))


def too_early(moocher: str | None) -> models.QuerySet[Event]:
    """Unmatched webhooks of the last day about a reference which an attempt has by now."""
    names = ("moocher", "account", "psp_reference")
    same_reference = Attempt.objects.filter(**{name: OuterRef(name) for name in names})
    events = Event.objects.filter(
        Exists(same_reference),
        state=Event.State.UNMATCHED,
        amount=None,
        received_at__gt=timezone.now() - COMMIT_RACE,
    )
    return events if moocher is None else events.filter(moocher=moocher)
