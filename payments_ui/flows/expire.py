"""Giving up payments that customers have abandoned: their charges return to their list."""

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
from payments_ui.core.models import Attempt, JournalEntry, Payment
from payments_ui.exceptions import AlreadyChargedError, PaymentStateError

from . import cancel, command_result, psp_call

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

    from payments_ui.core.payments.queryset import PaymentQuerySet

BY = "command:expire_payments"
State = Attempt.State


@dataclass
class ExpireResult(command_result.CommandResult):
    """What a run did, or with ``dry_run`` would do.

    ``charged``: asked to call the attempt off, the PSP answered that it had taken the money.
    ``kept``: the PSP did not confirm, the customer or another worker was faster, or a part of a
    transfer has arrived, which now waits for a person.
    """

    due: int = 0
    expired: int = 0
    charged: int = 0
    kept: int = 0


def expire(
    *, days: int | None = None, user: AbstractBaseUser | None = None, dry_run: bool = False
) -> ExpireResult:
    """Give up pending payments without an attempt for ``days`` (default: ``PENDING_DAYS``).

    An attempt that waits for the customer is called off at its PSP first; only where the
    PSP confirms are the line items let go. Left alone are payments whose outcome is unknown
    or under way at a PSP, those with money that a person has to look at, and bank transfers
    announced within ``TRANSFER_DAYS``: also without an attempt, where a payment was imported or a
    moocher of django-mooch wrote into it. An error never stops the rest, and any number of
    workers may run. ``user`` restricts it to one user.

    Must run outside of transactions: raises ``TransactionOpenError``.
    """
    psp_call.forbid_transaction()
    days = settings.PENDING_DAYS if days is None else days
    abandoned = _abandoned(days)
    if user is not None:
        abandoned = abandoned.filter(user=user.pk)
    result = ExpireResult()
    opened = Attempt.objects.open().filter(payment=OuterRef("pk"))
    with_open: QuerySet[Any] = abandoned.annotate(is_open=Exists(opened))
    for rows in batches(with_open.values_list("pk", "is_open", named=True), "pk"):
        result.due += len(rows)
        for row in () if dry_run else rows:
            with result.count_errors(f"Payment {row.pk}"):
                if row.is_open:
                    _call_off(row.pk, abandoned, days, result)
                else:
                    _give_up(Payment(pk=row.pk), abandoned, days, result)
            failpoints.hit(Point.EXPIRE_BETWEEN_PAYMENTS)
    return result


def _abandoned(days: int) -> PaymentQuerySet:
    now = timezone.now()
    limit = now - dt.timedelta(days=days)
    transfer_limit = now - dt.timedelta(days=max(days, settings.TRANSFER_DAYS))
    attempts = Attempt.objects.filter(payment=OuterRef("pk"))
    busy = attempts.filter(
        Q(started_at__gte=limit)
        | Q(state=State.UNKNOWN)
        | Q(state=State.PROCESSING, manual=False)
        # Since it was announced, or its last part arrived.
        | Q(state__in=Attempt.OPEN, manual=True, updated_at__gte=transfer_limit)
    )
    # Imported, or saved by a moocher that knows no attempts: when the transfer was announced is
    # not known, but not later than this.
    lately = Q(created_at__gte=transfer_limit) | Exists(
        JournalEntry.objects.filter(payment_id=OuterRef("pk"), at__gte=transfer_limit)
    )
    announced = ~Q(payment_service_provider="") | ~Q(transaction="")
    pending: PaymentQuerySet = Payment.objects.pending().filter(
        ~Exists(busy),
        ~Exists(attempts.undecided()),
        ~(announced & ~Exists(attempts) & lately),
        created_at__lt=limit,
    )
    return pending


def _call_off(pk: UUID, abandoned: PaymentQuerySet, days: int, result: ExpireResult) -> None:
    """Have the open attempt called off at its PSP, and give the payment up if that is confirmed."""
    payment = Payment.all_objects.select_related("user").filter(pk=pk).first()
    opened = payment.open_attempt if payment is not None else None
    # In this order: an attempt that the customer starts from here on is not called off.
    if payment is None or not abandoned.filter(pk=pk).exists():
        return
    if opened is not None and not result.is_answering(opened.moocher):
        return
    try:
        cancel.cancel_attempt(payment)
    except AlreadyChargedError:
        result.charged += 1
    except PaymentStateError:
        result.kept += 1
    else:
        _give_up(payment, _without_money(), days, result)
    if opened is not None:
        unknown = Attempt.objects.filter(pk=opened.pk, state=State.UNKNOWN)
        result.note(opened.moocher, answered=not unknown.exists())


def _give_up(payment: Payment, among: PaymentQuerySet, days: int, result: ExpireResult) -> None:
    """Give it up where it is still one of these: asked in the last moment, with its row locked."""
    try:
        payment.cancel_pending(by=BY, reason=f"abandoned for {days} days", among=among)
        result.expired += 1
    except PaymentStateError:
        result.kept += 1


def _without_money() -> PaymentQuerySet:
    """Payments but those which a person needs, to decide about what has arrived."""
    undecided = Attempt.objects.undecided().filter(payment=OuterRef("pk"))
    return Payment.objects.pending().filter(~Exists(undecided))  # type: ignore[no-any-return]
