"""How long before a charge its user is told: functions that ``CHARGE_NOTICE`` may name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from payments_ui.core.models import Payment, PaymentMethod

A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeNotice:
    """A mail so long ``before`` a charge.

    Where it ``is_law``, nothing is charged before one was sent, however long that takes; otherwise
    a mail of which it is not known whether it was sent holds a charge up no longer than a sent one.
    """

    before: dt.timedelta
    is_law: bool = False


def india(payment: Payment, method: PaymentMethod) -> ChargeNotice | None:
    """A day for cards that were issued in India, as its central bank wants it; else no notice."""
    return ChargeNotice(before=A_DAY, is_law=True) if method.country == "IN" else None


def a_day(payment: Payment, method: PaymentMethod) -> ChargeNotice | None:
    """A day, for everybody."""
    return india(payment, method) or ChargeNotice(before=A_DAY)


def none(payment: Payment, method: PaymentMethod) -> ChargeNotice | None:
    """No notice."""
    return None
