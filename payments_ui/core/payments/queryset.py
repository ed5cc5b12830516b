"""Payments in number: created, looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models

from payments_ui.core import journal
from payments_ui.exceptions import PaymentStateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AbstractBaseUser

    from payments_ui.core.lineitems.model import LineItem

    from .model import Payment

#: What only the verbs write.
GUARDED = frozenset(
    {"id", "pk", "user", "user_id", "amount", "currency", "created_at"}
    | {"sealed_at", "charged_at", "cancelled_at", "undone_at"}
)
#: What a caller of ``create_pending`` may set.
FIELDS = frozenset({"id", "created_at", "email", "payment_service_provider", "transaction"})


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments; in bulk only their e-mail, PSP and transaction can be written."""

    def pending(self) -> PaymentQuerySet:
        """Payments that are not charged, and not undone or cancelled either."""
        return self.filter(
            charged_at__isnull=True, cancelled_at__isnull=True, undone_at__isnull=True
        )

    def charged(self) -> PaymentQuerySet:
        """Payments whose money was taken."""
        return self.filter(charged_at__isnull=False)

    def update(self, **kwargs: Any) -> int:
        """As Django's; refuses to write what only the verbs may change."""
        if refused := sorted(GUARDED.intersection(kwargs)):
            raise PaymentStateError(f"update() may not write {', '.join(refused)}: use the verbs")
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> NoReturn:
        """Always refused."""
        raise PaymentStateError("Payments are not deleted in bulk: use payment.cancel_pending()")

    delete.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Payment], *args: Any, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise PaymentStateError("Payments are made by Payment.objects.create_pending()")

    bulk_create.alters_data = True  # type: ignore[attr-defined]


class EveryPaymentManager(models.Manager["Payment"].from_queryset(PaymentQuerySet)):  # type: ignore[misc]
    """Every row, cancelled ones included: for evidence, admin and late money."""

    def create_pending(
        self,
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

        Returns ``None``, with nothing bound, where there are no such line items, where
        they add up to a credit, or to something that rounds to nothing. A sum of exactly
        zero makes a payment of zero. Safe under concurrency: an item is never in two
        payments. At most six queries, whatever the number of items.

        Raises ``MixedCurrenciesError`` where the items have several currencies and none
        is named.
        """
        from payments_ui.core.payments import binding

        if unknown := sorted(set(fields) - FIELDS):
            raise TypeError(f"create_pending() got unexpected fields: {', '.join(unknown)}")
        keys = None if lineitems is None else [item.pk for item in lineitems]
        return binding.create_pending(user=user, keys=keys, currency=currency, by=by, fields=fields)

    create_pending.alters_data = True  # type: ignore[attr-defined]


class PaymentManager(EveryPaymentManager):
    """The payments of the site's everyday: cancelled ones are out of sight."""

    def get_queryset(self) -> PaymentQuerySet:
        """All but cancelled payments."""
        queryset: PaymentQuerySet = super().get_queryset()
        return queryset.filter(cancelled_at__isnull=True)
