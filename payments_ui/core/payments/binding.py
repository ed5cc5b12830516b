"""Binding line items to a new payment: write first, then read what was written."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, router, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.fields import is_plain
from payments_ui.core.db.isolation import require_served_level
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.exceptions import (
    InvalidAmountError,
    InvalidCurrencyError,
    MixedCurrenciesError,
    PaymentStateError,
)

from . import binding_sql

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from payments_ui.core.lineitems.model import LineItem

    from .model import Payment

#: What a caller of ``create_pending`` may set.
FIELDS = frozenset({"id", "created_at", "email", "payment_service_provider", "transaction"})
# Of a list of line items, so that no database's limit of parameters is reached.
_CHUNK = 10_000


class _NothingToPay(Exception):
    pass


@retrying
def create_pending(
    payments: models.Manager[Payment],
    *,
    user: AbstractBaseUser,
    lineitems: Iterable[LineItem] | None = None,
    currency: str | None = None,
    by: str = journal.SYSTEM,
    **fields: Any,
) -> Payment | None:
    """Bind the user's unbound line items to a new pending payment and seal its amount.

    The amount is the exact sum of what was bound at that moment, rounded once to the
    currency's minor unit (half to even). ``lineitems`` restricts it to these items,
    ``currency`` to items of this currency; ``fields`` (``email``, ``id``,
    ``created_at``, ``transaction``, ``payment_service_provider``) become fields of the
    payment. Amounts are in units of the currency.

    Returns ``None``, with nothing bound, where the user has no such line items, where
    they add up to a credit, or to something that rounds to nothing. A sum of exactly
    zero makes a payment of zero. Safe under concurrency: an item is never in two
    payments. At most six queries, whatever the number of items.

    Raises ``MixedCurrenciesError`` where the items have several currencies and ``currency``
    is not given.
    """
    if unknown := sorted(set(fields) - FIELDS):
        raise TypeError(
            f"create_pending() got unexpected fields: {', '.join(unknown)}. It sums the amount "
            "itself; a payment is charged afterwards, by a moocher, a processor or book_by_hand()"
        )
    if currency is not None and not money.is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not a currency the kit can charge in")
    keys = None if lineitems is None else [item.pk for item in lineitems]
    draft: dict[str, Any] = {"id": uuid.uuid4(), **fields}
    draft["email"] = draft.get("email") or getattr(user, user.get_email_field_name(), "") or ""
    if len(draft["email"]) > 254 or not is_plain(draft["email"]):
        raise PaymentStateError("An e-mail address has at most 254 characters and no NUL")
    if "transaction" in draft:
        draft["transaction"] = text(draft["transaction"])
    draft |= {"user": user, "amount": Decimal(0), "currency": currency or ""}
    payment = payments.model(**draft)
    using = router.db_for_write(payments.model, instance=user)
    require_served_level(using)
    try:
        # The draft never leaves this transaction. Row locks make concurrent callers wait and
        # then bind the rest; an item that is recorded meanwhile is simply not bound.
        with transaction.atomic(using=using):
            if not _bind(payment, currency, keys, using):
                raise _NothingToPay
            failpoints.hit(Point.CREATE_AFTER_BIND)
            payment.sealed_at = timezone.now()
            _seal(payment, binding_sql.journal_bound(payment, by, using), using)
            failpoints.hit(Point.CREATE_BEFORE_COMMIT)
    except _NothingToPay:
        return None
    return payment


create_pending.alters_data = True  # type: ignore[attr-defined]


def _bind(payment: Payment, currency: str | None, keys: list[Any] | None, using: str) -> int:
    """Store the draft, and bind what is unbound then; return how many line items that were."""
    if keys is None:
        return binding_sql.insert_and_bind(payment, currency, using)
    binding_sql.insert(payment, using)
    failpoints.hit(Point.CREATE_BEFORE_BIND)
    items: Any = payment.user.user_lineitems
    unbound = items.using(using).unbound().order_by()
    if currency:
        unbound = unbound.filter(currency=currency)
    return sum(
        models.QuerySet.update(unbound.filter(pk__in=keys[at : at + _CHUNK]), payment=payment)
        for at in range(0, len(keys), _CHUNK)
    )


def _seal(payment: Payment, bound: binding_sql.Bound, using: str) -> None:
    if not bound.currency:
        raise MixedCurrenciesError("The line items have several currencies: name one")
    amount = money.round_amount(bound.total, bound.currency)
    if bound.total < 0 or (bound.total and not amount):
        raise _NothingToPay
    if amount >= binding_sql.LIMIT:
        raise InvalidAmountError(f"A payment of {amount} is more than the books can hold")
    payment.amount, payment.currency = amount, bound.currency
    if not bound.is_sealed:  # pragma: no branch - PostgreSQL has sealed most by then
        binding_sql.seal(payment, using)
