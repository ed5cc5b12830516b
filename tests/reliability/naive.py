"""The order of steps that suggests itself and goes wrong: the canary of the races."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction

from payments_ui.core.models import LineItem, Payment


def create(user: User) -> Payment | None:
    """Sum what is unbound, insert, bind what is unbound by then."""
    with transaction.atomic():
        amounts = list(_unbound(user).values_list("amount", flat=True))
        if not amounts:
            return None
        payment = Payment(id=uuid.uuid4(), user=user, amount=sum(amounts), currency="CHF")
        payment.save_base(force_insert=True)
        _unbound(user).update(payment=payment)
        return payment


def reprice(user: User, price: str) -> int:
    """Change the prices of what is unbound, without a look at who bills it."""
    return _unbound(user).update(amount=Decimal(price))


def _unbound(user: User) -> models.QuerySet[Any]:
    return models.QuerySet(LineItem).filter(user=user, payment__isnull=True)
