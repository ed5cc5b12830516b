"""From pending charges to a pending payment. No money moves here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from django.db import transaction
from django.db.models import Q

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, LineItem, Payment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def begin(
    user: AbstractBaseUser,
    *,
    currency: str | None = None,
    lineitems: Iterable[LineItem] | None = None,
    by: str = "",
) -> Payment | None:
    """The user's pending payment, resumed or new. Charges nothing.

    ``by`` is who acts, for the journal: the user, unless somebody else pays for them.

    A second click, tab or device resumes the payment of the first; a payment with an open
    attempt is resumed only where there is nothing else to pay. ``lineitems`` makes a payment
    of these items. A payment of zero is settled at once, without a PSP. ``None`` where
    there is nothing to pay.
    """
    chosen = None if lineitems is None else list(lineitems)
    pending = Payment.objects.pending().filter(user=user.pk)
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


@retrying
def _renew(payment: Payment, by: str) -> Payment | None:
    wanted = LineItem.objects.filter(
        Q(payment=payment) | Q(payment__isnull=True, created_at__gt=payment.created_at),
        user=payment.user_id,
        currency=payment.currency,
    )
    with transaction.atomic():
        lineitems = list(wanted.only("pk").order_by())
        payment.cancel_pending(by=by, reason="new charges added")
        renewed = Payment.objects.create_pending(
            user=payment.user, lineitems=lineitems, currency=payment.currency, by=by
        )
        if renewed is None:
            transaction.set_rollback(True)
    return renewed
