"""From pending charges to a pending payment. No money moves here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# Why a renewed payment was cancelled, in the journal; how many such entries are looked through.
_RENEWED = "new charges added"
_MOST_RENEWALS = 100


def begin(
    user: AbstractBaseUser,
    *,
    currency: str | None = None,
    lineitems: Iterable[LineItem] | None = None,
    by: str = "",
) -> Payment | None:
    """The user's pending payment, resumed or new. Charges nothing.

    ``by`` is who acts, for the journal: the user, unless another person pays for them.

    A second click, tab or device resumes the payment of the first; a payment with an open
    attempt is resumed only where there is nothing else to pay. ``lineitems`` makes a payment
    of these items. A payment of zero is settled at once, without a PSP. ``None`` where
    there is nothing to pay.
    """
    chosen = None if lineitems is None else list(lineitems)
    pending = Payment.objects.pending().filter(user=user.pk)
    pending = pending.select_related("recovery__payment_method")
    if currency:
        pending = pending.filter(currency=currency)
    idle = pending.exclude(attempts__state__in=Attempt.OPEN)
    payment: Payment | None = idle.first() if chosen is None else None
    if payment is None:
        payment = Payment.objects.create_pending(
            user=user, currency=currency, lineitems=chosen, by=by or journal.by_user(user)
        )
    if payment is None:
        # Another click may have bound everything meanwhile.
        if chosen is None:
            payment = idle.first() or pending.first()
        else:
            payment = pending.filter(lineitems__in=[item.pk for item in chosen]).first()
    if payment is not None and not payment.amount:
        payment.settle_zero()
    return payment


def add_new_charges(payment: Payment, *, by: str = "") -> Payment:
    """Replace a pending payment, whose amount is sealed, by one with the charges since then.

    Charges that the user left out on purpose stay out. Where the new charges are a credit that
    leaves nothing to pay, the payment stays as it is and is returned. Raises
    ``PaymentStateError`` where it is not pending any more.
    """
    renewed = _renew(payment, by or journal.by_user(payment.user))
    if renewed is None:
        return cast("Payment", Payment.all_objects.get(pk=payment.pk))
    if not renewed.amount:
        renewed.settle_zero()
    return renewed


def renewal_of(user: AbstractBaseUser, pk: UUID) -> Payment | None:
    """The user's payment in which the items of a renewed one are now; ``None`` where they are free.

    Two queries, however often it was renewed.
    """
    renewed = JournalEntry.objects.filter(
        user=user.pk, verb=JournalEntry.Verb.PAYMENT_CANCELLED, reason=_RENEWED
    ).order_by("-id")
    later = dict(renewed.values_list("payment_id", "detail")[:_MOST_RENEWALS])
    last = pk
    while last in later:
        last = UUID(later[last]["renewed_as"])
    mine = Payment.objects.filter(user=user.pk).select_related("user")
    return None if last == pk else mine.filter(pk=last).first()


@retrying
def _renew(payment: Payment, by: str) -> Payment | None:
    wanted = LineItem.objects.filter(
        Q(payment=payment) | Q(payment__isnull=True, created_at__gt=payment.created_at),
        user=payment.user_id,
        currency=payment.currency,
    )
    with transaction.atomic():
        lineitems = list(wanted.only("pk").order_by())
        pk = uuid4()
        payment.cancel_pending(by=by, reason=_RENEWED, renewed_as=pk)
        renewed = Payment.objects.create_pending(
            id=pk, user=payment.user, lineitems=lineitems, currency=payment.currency, by=by
        )
        if renewed is None:
            transaction.set_rollback(True)
    return renewed
