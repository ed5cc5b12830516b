"""One charge to a user: unbound, bound to a payment, or paid."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core import journal, rules
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.db.fields import ExactDecimalField, IdentifierField
from payments_ui.core.db.indexes import IndexWhereOnPostgreSQL
from payments_ui.core.payments.model import Payment
from payments_ui.exceptions import LineItemBoundError, LineItemError

from .checking import CHECKS, checked
from .queryset import LineItemManager, LineItemQuerySet


class LineItem(models.Model):
    """A use that costs something. Sites record it by ``LineItem.objects.record``."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="user_lineitems",
        verbose_name=_("user"),
        db_index=False,
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    used_at = models.DateTimeField(
        _("used at"), default=timezone.now, help_text=_("When the customer used the service.")
    )
    title = models.CharField(_("title"), max_length=200)
    amount = ExactDecimalField(_("amount"), max_digits=18, decimal_places=money.DECIMAL_PLACES)
    currency = IdentifierField(_("currency"), max_length=3)
    quantity = ExactDecimalField(
        _("quantity"),
        max_digits=18,
        decimal_places=money.DECIMAL_PLACES,
        null=True,
        blank=True,
        help_text=_("With a unit price: the amount is the product of the two."),
    )
    unit = models.CharField(
        _("unit"), max_length=40, blank=True, help_text=_("What the quantity counts.")
    )
    unit_price = ExactDecimalField(
        _("unit price"),
        max_digits=18,
        decimal_places=money.DECIMAL_PLACES,
        null=True,
        blank=True,
    )
    # NULL, since an empty text would collide with others.
    key = IdentifierField(
        _("key"),
        max_length=200,
        null=True,
        blank=True,
        help_text=_("Identifies the use, so that it is charged once."),
    )
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        blank=True,
        null=True,
        related_name="lineitems",
        verbose_name=_("payment"),
        db_index=False,
    )

    objects = LineItemManager()

    class Meta:
        ordering = ("-created_at",)
        # Related managers write through it: they may neither bind nor free items.
        base_manager_name = "objects"
        verbose_name = _("line item")
        verbose_name_plural = _("line items")
        indexes = (
            # They serve the foreign keys, too; on PostgreSQL users are found by the unique one of
            # user and key, which holds all rows there.
            IndexWhereOnPostgreSQL(
                fields=("payment",),
                name="payments_item_payment",
                where=models.Q(payment__isnull=False),
                elsewhere=("payment", "user", "currency"),
            ),
            IndexWhereOnPostgreSQL(
                fields=("user", "id", "currency"),
                name="payments_item_user",
                where=models.Q(payment__isnull=True),
                elsewhere=("user", "id"),
            ),
        )
        constraints = rules.constraints(rules.LINEITEMS)

    def __str__(self) -> str:
        return self.title

    @typed_refusals()
    def save(self, **kwargs: Any) -> None:
        """As Django's, journalled; raises ``LineItemBoundError`` where the item is bound."""
        self.clean_money()
        if self._state.adding:
            # Not "update or insert", which Django tries where a primary key is given.
            super().save(**{**kwargs, "force_insert": True})
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            before = self._lock_unbound(using)
            super().save(**kwargs)
            if kwargs.get("update_fields"):
                LineItemQuerySet(type(self), using=using).filter(pk=self.pk).check_products()
            old = {"amount": str(before.amount), "currency": before.currency}
            if before.quantity is not None:
                old |= {"quantity": str(before.quantity), "unit_price": str(before.unit_price)}
            journal.lineitem(journal.Verb.LINEITEM_CHANGED, self, detail={"before": old})

    save.alters_data = True  # type: ignore[attr-defined]

    @typed_refusals()
    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """As Django's, and journalled; raises ``LineItemBoundError`` if the item is bound."""
        using = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            journal.lineitem(journal.Verb.LINEITEM_DELETED, self._lock_unbound(using))
            return super().delete(using=using, keep_parents=keep_parents)

    delete.alters_data = True  # type: ignore[attr-defined]

    @property
    def calculation(self) -> str:
        """How the amount comes about, for people; empty for an amount alone."""
        return money.format_product(self.quantity, self.unit, self.unit_price, self.currency)

    def clean(self) -> None:
        """For forms: what ``save()`` would raise, as errors of the fields."""
        try:
            self.clean_money()
        except LineItemError as error:
            raise ValidationError(error.message) from error

    def clean_money(self) -> None:
        """Make title, amount, quantity, currency and key what the books hold.

        Raises the typed error of the first field that is not valid, and ``QuantityError``
        where the amount is not the product of quantity and unit price.
        """
        for name in CHECKS:
            setattr(self, name, checked(name, getattr(self, name)))
        money.check_product(self.amount, self.quantity, self.unit_price, self.unit)
        if self.payment_id is not None:
            raise LineItemBoundError("Line items are bound by Payment.objects.create_pending()")

    def _lock_unbound(self, using: str) -> LineItem:
        """Return the item as it is stored, locked until the transaction ends."""
        rows = LineItemQuerySet(type(self), using=using).filter(pk=self.pk)
        if not rows.lock_each():
            raise LineItemBoundError(f"Line item {self.pk} belongs to a payment, or is gone")
        stored: LineItem = rows.get()
        return stored
