"""Saved payment methods, as customers read them, and which moocher of the site charges them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from payments_ui.core.models import Payment, PaymentMethod
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import keeper_of, moochers

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: So many saved payment methods are offered in a payment; the list of them has pages.
MOST_OFFERED = 5


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A saved payment method that a payment offers, and the listed moocher that charges it."""

    method: PaymentMethod
    moocher: Moocher

    @property
    def option(self) -> str:
        """How the payment options name it: the moocher's identifier, a colon, its id."""
        return f"{self.moocher.identifier}:{self.method.pk}"

    def refuse(self, payment: Payment) -> str:
        """Why it cannot take this payment; empty if it can."""
        return expiry(self.method) if self.method.is_expired else self.moocher.refuse(payment) or ""


def offered(user: AbstractBaseUser, *, of_payment: Payment | None = None) -> list[SavedMethod]:
    """What a payment of this user offers, the default first. One query.

    ``of_payment`` restricts it to what was tried for this payment: for whom a link let in.

    No query where no moocher of the site saves any.
    """
    if not savers():
        return []
    active = PaymentMethod.objects.active().filter(user=user.pk)
    if of_payment is not None:
        active = active.tried_for(of_payment)
    return [
        SavedMethod(method, moocher)
        for method in active[:MOST_OFFERED]
        if (moocher := keeper_of(method)) is not None and moocher.can_save
    ]


def savers() -> list[Moocher]:
    """The listed moochers whose PSPs keep payment methods."""
    return [moocher for moocher in moochers().values() if moocher.can_save]


def expiry(method: PaymentMethod) -> str:
    """Until when it can be used; empty where it has no end."""
    if not method.expires_year or not method.expires_month:
        return ""
    month = {"month": f"{method.expires_month:02}/{method.expires_year}"}
    if method.is_expired:
        return _("Expired %(month)s") % month
    return _("Expires %(month)s") % month
