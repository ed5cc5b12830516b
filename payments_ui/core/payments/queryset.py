"""Payments in number: created, locked, found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models

from payments_ui.core.db.locks import lock_row
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.exceptions import PaymentStateError

from . import binding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from .model import Payment

# What only the verbs write.
_GUARDED = frozenset(
    {"id", "pk", "user", "user_id", "amount", "currency", "created_at"}
    | {"sealed_at", "charged_at", "cancelled_at", "undone_at", "signal_due_at"}
)


class PaymentQuerySet(BooksQuerySet["Payment"]):
    """Payments; in bulk only their e-mail, PSP and transaction can be written."""

    def pending(self) -> PaymentQuerySet:
        """Payments that are not charged, and not undone or cancelled either."""
        return self.filter(
            charged_at__isnull=True, cancelled_at__isnull=True, undone_at__isnull=True
        )

    def charged(self) -> PaymentQuerySet:
        """Payments whose money was taken."""
        return self.filter(charged_at__isnull=False)

    def lock(self, pk: UUID | str) -> Payment | None:
        """Lock the payment's row until the transaction ends; ``None`` if it is not among these.

        Every transition takes this lock first, then touches attempts, then line items. Raises
        ``TransactionRequiredError`` outside of a transaction, and ``IsolationLevelError``.
        """
        locked = lock_row(self.model, pk, "created_at", self.db)
        if locked is None or not self.query.where:
            return locked
        # What chose these rows may ask other tables, too: it is asked under the lock.
        return locked if self.filter(pk=pk).exists() else None

    def update(self, **kwargs: Any) -> int:
        """As Django's; refuses to write what only the verbs may change."""
        if refused := sorted(_GUARDED.intersection(kwargs)):
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

    create_pending = binding.create_pending


class PaymentManager(EveryPaymentManager):
    """The payments of the site's everyday: cancelled ones are out of sight."""

    def get_queryset(self) -> PaymentQuerySet:
        """All but cancelled payments."""
        queryset: PaymentQuerySet = super().get_queryset()
        return queryset.filter(cancelled_at__isnull=True)
