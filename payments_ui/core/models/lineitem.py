"""One charge to a user: unbound, bound to a payment, or paid."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, models, router, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.conf import settings as pui
from payments_ui.core import journal
from payments_ui.exceptions import (
    InvalidCurrencyError,
    InvalidTitleError,
    KeyConflictError,
    LineItemBoundError,
    LineItemError,
)

from .fields import ExactDecimalField
from .payment import Payment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: What must stay as it is once a line item belongs to a payment: all that a receipt shows.
FROZEN = frozenset({"user", "user_id", "title", "amount", "currency", "payment", "payment_id"})


class LineItemQuerySet(models.QuerySet["LineItem"]):
    def unbound(self) -> LineItemQuerySet:
        """Line items that belong to no payment."""
        return self.filter(payment__isnull=True)

    def unpaid(self) -> LineItemQuerySet:
        """Line items that belong to no payment, or to one that is not charged."""
        return self.filter(Q(payment__isnull=True) | Q(payment__charged_at__isnull=True))

    def update(self, **kwargs: Any) -> int:
        """As Django's; raises ``LineItemBoundError`` where it would change bound items."""
        if not FROZEN.intersection(kwargs):
            return super().update(**kwargs)
        if kwargs.get("payment") or kwargs.get("payment_id"):
            raise LineItemBoundError("Line items are bound by Payment.objects.create_pending()")
        with transaction.atomic(using=self.db):
            self._lock_unbound()
            return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, and journalled; raises ``LineItemBoundError`` where an item is bound."""
        with transaction.atomic(using=self.db):
            self._lock_unbound()
            for item in self.all().iterator():
                journal.lineitem_deleted(item)
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[LineItem], *args: Any, **kwargs: Any) -> list[LineItem]:
        """As Django's; every item is checked as by ``record``."""
        items = list(objs)
        for item in items:
            item.clean_money()
        return super().bulk_create(items, *args, **kwargs)

    def _lock_unbound(self) -> None:
        # A write, not SELECT FOR UPDATE: it locks on SQLite, too.
        models.QuerySet.update(self.order_by(), created_at=F("created_at"))
        if self.filter(payment__isnull=False).exists():
            raise LineItemBoundError("A line item that belongs to a payment cannot be changed")


class LineItemManager(models.Manager["LineItem"].from_queryset(LineItemQuerySet)):  # type: ignore[misc]
    def record(
        self,
        *,
        user: AbstractBaseUser,
        title: str,
        amount: Decimal | int | str,
        currency: str | None = None,
        key: str | None = None,
    ) -> LineItem:
        """Charge ``user`` for a use: store one unbound line item, or nothing at all.

        ``amount`` is exact, in units of ``currency`` (``PAYMENTS_UI["CURRENCY"]`` if
        omitted), with up to eight decimals; a payment rounds once. ``key`` names the use:
        recording the same user and key again returns the first item, also when two
        processes do it at once.

        Raises ``InvalidAmountError``, ``InvalidCurrencyError``, ``InvalidTitleError``, and
        ``KeyConflictError`` where the key was recorded with another amount or currency.
        """
        item = self.model(user=user, title=title, amount=amount, currency=currency or "", key=key)
        item.clean_money()
        try:
            # A savepoint, so that a repeated key does not end the caller's transaction.
            with transaction.atomic(using=self.db, savepoint=key is not None):
                item.save(force_insert=True, using=self.db)
        except IntegrityError as error:
            return self._recorded(item, error)
        return item

    record.alters_data = True  # type: ignore[attr-defined]

    def _recorded(self, item: LineItem, error: IntegrityError) -> LineItem:
        same = self.filter(user_id=item.user_id, key=item.key, key__isnull=False)
        first: LineItem | None = same.first()
        if first is None:
            raise error
        if (first.key, first.amount, first.currency) != (item.key, item.amount, item.currency):
            raise KeyConflictError(
                f"Key {item.key!r} was recorded as {first.amount} {first.currency}, "
                f"now it is {item.amount} {item.currency}"
            )
        return first


class LineItem(models.Model):
    """A use that costs something. Sites add them by ``LineItem.objects.record``."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="user_lineitems",
        verbose_name=_("user"),
        db_index=False,
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    title = models.CharField(_("title"), max_length=200)
    amount = ExactDecimalField(_("amount"), max_digits=18, decimal_places=money.DECIMAL_PLACES)
    currency = models.CharField(_("currency"), max_length=3)
    key = models.CharField(
        _("key"),
        max_length=200,
        null=True,
        blank=True,
        help_text=_("Names the use, so that it is charged once."),
    )
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        blank=True,
        null=True,
        related_name="lineitems",
        verbose_name=_("payment"),
    )

    objects = LineItemManager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("line item")
        verbose_name_plural = _("line items")
        indexes = (
            models.Index(fields=("user", "payment", "currency"), name="payments_item_unbound"),
            models.Index(fields=("user", "id"), name="payments_item_newest"),
        )
        constraints = (
            models.UniqueConstraint(fields=("user", "key"), name="payments_item_once"),
        )

    def __str__(self) -> str:
        return self.title

    def clean_money(self) -> None:
        """Make title, amount, currency and key what the books hold, or raise the typed error."""
        self.title = str(self.title).strip()
        if not self.title or len(self.title) > 200:
            raise InvalidTitleError(f"A title of {len(self.title)} characters")
        self.amount = money.exact_amount(self.amount)
        self.currency = self.currency or pui.CURRENCY
        if not money.is_currency(self.currency):
            raise InvalidCurrencyError(f"{self.currency!r} is not a currency the kit can charge in")
        if self.key is not None:
            self.key = str(self.key).strip()
            if not self.key or len(self.key) > 200:
                raise LineItemError("A key has 1 to 200 characters")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As Django's; raises ``LineItemBoundError`` if it would change a bound item."""
        self.clean_money()
        if self.payment_id is not None:
            raise LineItemBoundError("Line items are bound by Payment.objects.create_pending()")
        if self._state.adding:
            super().save(*args, **kwargs)
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            self._lock_unbound(using)
            super().save(*args, **kwargs)
            journal.lineitem_changed(self)

    save.alters_data = True  # type: ignore[attr-defined]

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's, and journalled; raises ``LineItemBoundError`` if the item is bound."""
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            self._lock_unbound(using)
            journal.lineitem_deleted(self)
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    def _lock_unbound(self, using: str) -> None:
        rows = LineItemQuerySet(type(self), using=using).filter(pk=self.pk)
        if not models.QuerySet.update(rows.unbound(), created_at=F("created_at")):
            raise LineItemBoundError(f"Line item {self.pk} belongs to a payment, or is gone")


