"""Giving up what customers have abandoned, so that their charges are in their list again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from payments_ui.conf import settings
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import AlreadyChargedError, PaymentStateError

from . import cancel, psp_call, runs

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

    from payments_ui.core.payments.queryset import PaymentQuerySet

BY = "command:expire_payments"
State = Attempt.State


@dataclass
class Report(runs.Report):
    """What a run did, or with ``dry_run`` would do.

    ``charged``: the PSP said, when it was to be called off, that the money had been taken.
    ``kept``: the PSP did not confirm, or somebody else was faster.
    """

    due: int = 0
    expired: int = 0
    charged: int = 0
    kept: int = 0


def expire(
    *, days: int | None = None, user: AbstractBaseUser | None = None, dry_run: bool = False
) -> Report:
    """Give up pending payments that nobody has touched for ``days`` (``PENDING_DAYS``).

    An attempt that waits for the customer is called off at its PSP first; only where the
    PSP confirms are the line items let go. Left alone are payments whose outcome is unknown
    or under way at a PSP, those for which money arrived that a person has to look at, and
    announced bank transfers younger than ``TRANSFER_DAYS``. One failure never stops the
    rest, and any number of workers may run. ``user`` restricts it to one.

    Must run outside of transactions: raises ``TransactionOpenError``.
    """
    psp_call.forbid_transaction()
    days = settings.PENDING_DAYS if days is None else days
    abandoned = _abandoned(days)
    if user is not None:
        abandoned = abandoned.filter(user=user.pk)
    report = Report()
    keys: QuerySet[Payment, Any] = abandoned.values_list("pk", named=True)
    for rows in batches(keys, "pk"):
        report.due += len(rows)
        for row in () if dry_run else rows:
            with report.going_on(f"payment {row.pk}"):
                _look_again(row.pk, abandoned, days, report)
            failpoints.hit(Point.EXPIRE_BETWEEN_PAYMENTS)
    return report


def _abandoned(days: int) -> PaymentQuerySet:
    now = timezone.now()
    limit = now - dt.timedelta(days=days)
    transfer_limit = now - dt.timedelta(days=max(days, settings.TRANSFER_DAYS))
    attempts = Attempt.objects.filter(payment=OuterRef("pk"))
    busy = attempts.filter(
        Q(started_at__gte=limit)
        | Q(state=State.UNKNOWN)
        | Q(state=State.PROCESSING, manual=False)
        | Q(state__in=Attempt.OPEN, manual=True, started_at__gte=transfer_limit)
    )
    pending: PaymentQuerySet = Payment.objects.pending().filter(
        ~Exists(busy), ~Exists(attempts.undecided()), created_at__lt=limit
    )
    return pending


def _look_again(pk: UUID, abandoned: PaymentQuerySet, days: int, report: Report) -> None:
    payment = Payment.all_objects.select_related("user").filter(pk=pk).first()
    opened = payment.open_attempt if payment is not None else None
    # In this order: an attempt that its customer starts from here on is not the one that
    # is called off.
    if payment is None or not abandoned.filter(pk=pk).exists():
        return
    if opened is None or report.answers(opened.moocher):
        _give_up(payment, opened, days, report)


def _give_up(payment: Payment, opened: Attempt | None, days: int, report: Report) -> None:
    try:
        cancel.cancel_attempt(payment)
        payment.cancel_pending(by=BY, reason=f"abandoned for {days} days")
        report.expired += 1
    except AlreadyChargedError:
        report.charged += 1
    except PaymentStateError:
        report.kept += 1
    if opened is not None:
        unknown = Attempt.objects.filter(pk=opened.pk, state=State.UNKNOWN)
        report.note(opened.moocher, answered=not unknown.exists())
