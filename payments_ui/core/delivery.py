"""``post_charge`` and ``refund_succeeded``: once per charge and refund, after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone
from mooch.signals import post_charge

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point

from . import psp_port, signals
from .models import Attempt, Payment, Refund

if TYPE_CHECKING:
    from django.http import HttpRequest


def after_commit(attempt: Attempt, request: HttpRequest | None) -> None:
    """Send ``post_charge`` for this settled attempt as soon as the charge is committed."""
    transaction.on_commit(lambda: send(attempt, request), robust=True)


def send(attempt: Attempt, request: HttpRequest | None) -> None:
    """Send ``post_charge`` for a settled attempt now; receivers that raise are logged."""
    payment = Payment.all_objects.get(pk=attempt.payment_id)
    sender = psp_port.psps().signal_sender(attempt.moocher)
    about = f"payment {payment.pk}"
    signals.tell(post_charge, "post_charge", about, sender=sender, payment=payment, request=request)
    _remember(attempt)


def send_refund(refund: Refund) -> None:
    """Send ``refund_succeeded`` now; receivers that raise are logged."""
    stored = Refund.objects.select_related("payment__user", "attempt").get(pk=refund.pk)
    signals.tell(signals.refund_succeeded, "refund_succeeded", stored, sender=Refund, refund=stored)
    _remember(refund)


def _remember(row: Attempt | Refund) -> None:
    failpoints.hit(Point.ANNOUNCE_AFTER_RECEIVER)
    # After sending: a process killed in between sends again rather than never.
    rows: models.QuerySet[Any] = models.QuerySet(type(row)).filter(pk=row.pk)
    rows.update(announced_at=timezone.now())
