"""Taking payment methods out of use: gone for their user at once, then at the PSP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from payments_ui.core import delivery, journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.psp_port import psps

from .customer import Customer
from .states import PaymentMethodState as State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from .model import PaymentMethod, PaymentMethodManager

#: States in which the PSP may keep something.
KEPT = (State.PENDING, State.ACTIVE)


def remove(method: PaymentMethod, *, by: str = journal.SYSTEM, reason: str = "") -> PaymentMethod:
    """Take it out of use, and have the PSP give it up; return it as it is stored then.

    No attempt starts with it from now on. Where the PSP does not answer it stays ``removing``,
    and ``reconcile_payments`` asks again until it is ``removed``. Repeating it changes nothing.
    Outside of transactions.
    """
    _remove(method, by, reason)
    return psps().forget_payment_method(method.as_stored())


remove.alters_data = True  # type: ignore[attr-defined]


@retrying
def _remove(method: PaymentMethod, by: str, reason: str) -> None:
    with transaction.atomic():
        locked = method.lock()
        if locked.state in KEPT:
            locked.take_out_of_use(by=by, reason=reason)


def take_out_of_use(
    method: PaymentMethod, *, by: str, reason: str, successor: PaymentMethod | None = None
) -> None:
    """For verbs, of a locked payment method: gone for its user, the PSP not asked yet.

    Where it was the default, ``successor`` is from now on, or else the one that was saved last.
    """
    is_default = method.is_default
    method.write(
        {"state": State.REMOVING, "is_default": False}
        | {"action_url": "", "removed_at": timezone.now(), "asked_at": None}
    )
    journal.payment_method(journal.Verb.METHOD_REMOVED, method, actor=by, reason=reason)
    delivery.payment_method_after_commit(method)
    if is_default and (heir := successor or method.siblings().order_by("-created_at").first()):
        heir.set_default(by=by)


take_out_of_use.alters_data = True  # type: ignore[attr-defined]


@retrying
def remove_all(
    methods: PaymentMethodManager,
    user: AbstractBaseUser,
    *,
    by: str = journal.SYSTEM,
    reason: str = "",
) -> int:
    """Take all of a user's payment methods out of use, and their customers at PSPs with them.

    For people who leave, and before two users become one. ``reconcile_payments`` has the PSPs
    give them up. May be called within a transaction. Returns how many were in use.
    """
    with transaction.atomic():
        Customer.objects.lock_all(user)
        in_use = methods.filter(user=user.pk, state__in=KEPT).select_related("psp_customer")
        rows = list(in_use.order_by("is_default"))
        for method in rows:
            method.take_out_of_use(by=by, reason=reason)
        now = timezone.now()
        BooksQuerySet(Customer).filter(user=user.pk, removed_at=None).update(
            removed_at=now, asked_at=None
        )
    return len(rows)


remove_all.alters_data = True  # type: ignore[attr-defined]


@retrying
def mark_forgotten(method: PaymentMethod, *, by: str = "") -> PaymentMethod:
    """Record that the PSP has it no more, or never had; return it as it is stored then.

    What was in use is gone for its user, too.
    """
    by = by or journal.by_moocher(method.moocher)
    with transaction.atomic():
        locked = method.lock()
        if locked.state in KEPT:
            locked.take_out_of_use(by=by, reason="the payment service has it no more")
            locked = locked.as_stored()
        if locked.state == State.REMOVING:
            locked.write({"state": State.REMOVED, "forgotten_at": timezone.now()})
            journal.payment_method(journal.Verb.METHOD_FORGOTTEN, locked, actor=by)
    return method.as_stored()


mark_forgotten.alters_data = True  # type: ignore[attr-defined]
