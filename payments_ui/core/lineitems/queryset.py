"""Line items in number: recorded, looked for, and written in bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connections, models, router, transaction
from django.db.models import F, Q

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.exceptions import LineItemBoundError

from . import recording
from .checking import PRODUCT, amount_of, checked
from .recording_many import Recorded, Recorder

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from .model import LineItem

# Of a list of line items, so that no database's limit of parameters is reached.
_CHUNK = 10_000
# Not what a filter joins.
_SELF = ("self",)
_BINDING = frozenset({"payment", "payment_id"})


class LineItemQuerySet(BooksQuerySet["LineItem"]):
    """Line items; whatever writes them in bulk is checked, journalled and spares bound ones."""

    def unbound(self) -> LineItemQuerySet:
        """Line items that belong to no payment."""
        return self.filter(payment__isnull=True)

    def unpaid(self) -> LineItemQuerySet:
        """Line items that belong to no payment, or to one that is not charged."""
        return self.filter(Q(payment__isnull=True) | Q(payment__charged_at__isnull=True))

    @retrying
    @typed_refusals()
    def update(self, **kwargs: Any) -> int:
        """As Django's, checked and journalled.

        Raises ``LineItemBoundError``, with nothing changed, where an item is bound, and
        ``QuantityError`` where an amount would not be its quantity times its unit price.
        """
        if _BINDING.intersection(kwargs):
            raise LineItemBoundError("Line items are bound by Payment.objects.create_pending()")
        values = {name: checked(name, value) for name, value in kwargs.items()}
        changed = 0
        with transaction.atomic(using=self.db):
            for rows in self._lock_unbound():
                changed += models.QuerySet.update(rows, **values)
                if not PRODUCT.isdisjoint(values):
                    rows.check_products()
                journal.lineitems(journal.Verb.LINEITEM_CHANGED, rows)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]

    @retrying
    @typed_refusals()
    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, and journalled; raises ``LineItemBoundError`` where an item is bound."""
        deleted = 0
        with transaction.atomic(using=self.db):
            for rows in self._lock_unbound():
                journal.lineitems(journal.Verb.LINEITEM_DELETED, rows)
                deleted += models.QuerySet.delete(rows)[0]
        return deleted, {self.model._meta.label: deleted}

    delete.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[LineItem], *args: Any, **kwargs: Any) -> list[LineItem]:
        """As Django's, checked as by ``record``; raises ``LineItemBoundError`` for bound items."""
        if kwargs.get("update_conflicts"):
            raise LineItemBoundError("Stored line items are not overwritten")
        items = list(objs)
        for item in items:
            item.clean_money()
        return super().bulk_create(items, *args, **kwargs)

    def bulk_update(self, objs: Iterable[LineItem], *args: Any, **kwargs: Any) -> int:
        """As Django's, checked and journalled; raises ``LineItemBoundError``."""
        items = list(objs)
        for item in items:
            item.clean_money()
        return super().bulk_update(items, *args, **kwargs)

    def check_products(self) -> None:
        """Raise ``QuantityError`` unless each amount is its quantity times its unit price."""
        measured = self.exclude(quantity=None, unit_price=None, unit="").order_by()
        rows = measured.values_list("amount", "quantity", "unit_price", "unit")
        for row in rows.iterator():
            money.check_product(*row)

    def lock_each(self) -> int:
        """Lock the unbound ones of these rows by a write that changes nothing; return how many."""
        return models.QuerySet.update(self.unbound(), created_at=F("created_at"))

    def _lock_unbound(self) -> list[LineItemQuerySet]:
        """Return these rows in chunks, locked: they stay unbound until the transaction ends."""
        if self._can_select_for_update():  # runs on PostgreSQL only
            # In the order in which create_pending finds them: in another they would deadlock.
            found = list(
                self.select_related(None)
                .only("payment")
                .order_by()
                .select_for_update(no_key=True, of=_SELF)
            )
            pinned = self._pinned([item.pk for item in found])
            are_free = all(item.payment_id is None for item in found)
        else:
            # Write first: SQLite knows no SELECT FOR UPDATE. Then pin down which rows these were,
            # since rows that come meanwhile match the filter, too, and are not locked.
            models.QuerySet.update(self.order_by(), created_at=F("created_at"))
            keys = list(self.order_by().values_list("pk", flat=True))
            pinned = self._pinned(keys)
            are_free = sum(rows.lock_each() for rows in pinned) == len(keys)
        if not are_free:
            raise LineItemBoundError("A line item that belongs to a payment cannot be changed")
        return pinned

    def _can_select_for_update(self) -> bool:
        plain = not (self.query.distinct or self.query.combinator or self.query.group_by)
        return plain and connections[self.db].features.has_select_for_no_key_update

    def _pinned(self, keys: list[int]) -> list[LineItemQuerySet]:
        chunks = (keys[at : at + _CHUNK] for at in range(0, len(keys), _CHUNK))
        return [LineItemQuerySet(self.model, using=self.db).filter(pk__in=pks) for pks in chunks]


class LineItemManager(models.Manager["LineItem"].from_queryset(LineItemQuerySet)):  # type: ignore[misc]
    """How a site charges for a use: ``record``."""

    def record(
        self,
        *,
        user: AbstractBaseUser,
        title: str,
        amount: Decimal | int | str | None = None,
        currency: str | None = None,
        key: str | None = None,
        quantity: Decimal | int | str | None = None,
        unit: str = "",
        unit_price: Decimal | int | str | None = None,
        used_at: dt.datetime | None = None,
    ) -> LineItem:
        """Charge ``user`` for a use: store one unbound line item, or nothing at all.

        ``amount`` is exact, in units of ``currency`` (``PAYMENTS_UI["CURRENCY"]`` if
        omitted), with up to eight decimals; a payment rounds once. ``key`` names the use:
        recording the same user and key again returns the first item, also when two
        processes do it at once.

        ``quantity``, ``unit`` and ``unit_price`` let the customer check the amount: 3264,
        ``"tiles"`` and ``Decimal("0.0004")``. The amount is their product, rounded to eight
        decimals (half to even), and may be left out. ``used_at`` is now if omitted.

        Raises ``InvalidAmountError``, ``InvalidCurrencyError``, ``InvalidTitleError``,
        ``QuantityError`` where the amount is another one than the product or one of the two
        is missing, and ``KeyConflictError`` where the key was recorded with another amount
        or currency.
        """
        item: LineItem = self.model(
            user=user,
            title=title,
            amount=amount_of(amount, quantity, unit_price),
            currency=currency or "",
            key=key,
            quantity=quantity,
            unit=unit,
            unit_price=unit_price,
            **({"used_at": used_at} if used_at else {}),
        )
        item.clean_money()
        if item.user_id is None:
            raise ValueError("The user is not stored yet")
        using = self._db or router.db_for_write(self.model, instance=item)
        with typed_refusals():
            is_new = recording.insert_once(item, using)
        return item if is_new else recording.first_recorded(item, using)

    record.alters_data = True  # type: ignore[attr-defined]

    def record_many(self, rows: Iterable[Mapping[str, Any]]) -> Recorded:
        """Charge for many uses: as ``record`` for each row, some ten times as fast.

        A row holds the arguments of ``record``, with ``user_id`` instead of ``user`` where
        that is at hand, and always a ``key``: whatever ends a run, the same rows can be
        recorded again. Rows are taken as they come, and stored in batches of 10,000 (MariaDB:
        1,000), each in a transaction of its own unless the caller has one.

        Returns how many uses are new and how many were known. What ``record`` would refuse, and
        a user who does not exist, holds no other up: the other rows are stored, and
        ``UsesRefusedError`` at the end tells which were not, by the numbers of their rows.
        Inside ``transaction.atomic()`` that error leaves nothing: all are recorded, or none.
        Sends no signals, as ``bulk_create`` does not.
        """
        return Recorder(self.model, self._db or router.db_for_write(self.model)).run(rows)

    record_many.alters_data = True  # type: ignore[attr-defined]
