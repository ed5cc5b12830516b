"""Line items: which of them are here, what is wrong with them, and how they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.translation import gettext as _

from payments_ui.core.models import LineItem

from .move import Move
from .report import Kind, Report
from .source import SourceItem, SourcePayment

_LONGEST_TITLE = 200


class Owned(NamedTuple):
    """A line item, and the key of the user it is going to have here."""

    item: SourceItem
    user_id: Any


@dataclass(frozen=True)
class Here:
    """What there is of some line items in our books."""

    #: Their amounts, by the id they have there.
    copied: dict[int, Decimal]
    #: Ids that other line items have here.
    taken: set[int]
    #: Ids of those that were here and are deleted: they are not to come back.
    deleted: frozenset[int]

    def lacks(self, owned: Owned) -> bool:
        """Whether it is not here, and never was."""
        return owned.item.pk not in self.copied and owned.item.pk not in self.deleted


def key_of(identifier: int | UUID) -> str:
    """The key that an imported line item has, for ever."""
    return f"user_payments:{identifier}"


def user_key(value: object) -> Any:
    """A user's key as the site's user model has it."""
    return get_user_model()._meta.pk.to_python(value)


def existing_users(rows: Iterable[SourcePayment | SourceItem], using: str) -> set[Any]:
    """Keys of those users of these rows who exist."""
    users = get_user_model()._base_manager.using(using)
    keys = {user_key(row.user) for row in rows}
    return set(users.filter(pk__in=keys).values_list("pk", flat=True))


def here(page: Sequence[Owned], move: Move) -> Here:
    """Look them up, by id and by key."""
    stored: models.QuerySet[LineItem] = models.QuerySet(LineItem, using=move.target)
    rows = stored.filter(pk__in=[owned.item.pk for owned in page]).order_by()
    copied: dict[int, Decimal] = {}
    taken: set[int] = set()
    for pk, key, amount in rows.values_list("pk", "key", "amount"):
        if key == key_of(pk):
            copied[pk] = amount
        else:
            taken.add(pk)
    return Here(copied | _renumbered(page, taken, stored), taken, move.deleted)


def _renumbered(
    page: Sequence[Owned], taken: set[int], stored: models.QuerySet[LineItem]
) -> dict[int, Decimal]:
    moved = {key_of(o.item.pk): o for o in page if o.item.pk in taken}
    if not moved:
        return {}
    users = {owned.user_id for owned in moved.values()}
    rows = stored.filter(user__in=users, key__in=moved.keys())
    return {moved[str(key)].item.pk: amount for key, amount in rows.values_list("key", "amount")}


def tell(owned: Owned, here: Here, report: Report) -> None:
    """Count what is put right when this line item is copied."""
    item, title = owned.item, _title(owned.item)
    if item.pk in here.taken:
        report.add(Kind.RENUMBERED, item.pk)
    if not item.title.strip():
        report.add(Kind.UNTITLED, item.pk)
    elif title != _clean(item):
        report.add(Kind.TITLE_CUT, item.pk)
    if user_key(item.user) != owned.user_id:
        report.add(Kind.STRANGER, item.pk)


def tell_known(owned: Owned, here: Here, report: Report) -> None:
    """Count a line item that is not copied, because it is here or was."""
    pk = owned.item.pk
    if pk not in here.copied:
        report.add(Kind.DELETED, pk)
        return
    report.add(Kind.ITEM, pk)
    if here.copied[pk] != owned.item.amount:
        report.add(Kind.REPRICED_ITEM, pk)


def stored(owned: Owned, here: Here, currency: str, payment: UUID | None) -> LineItem:
    """The line item as it is written here."""
    item = owned.item
    return LineItem(
        id=None if item.pk in here.taken else item.pk,
        user_id=owned.user_id,
        payment_id=payment,
        created_at=item.created_at,
        title=_title(item),
        amount=item.amount,
        currency=currency,
        key=key_of(item.pk),
    )


def _clean(item: SourceItem) -> str:
    return item.title.replace("\x00", "").strip()


def _title(item: SourceItem) -> str:
    title = _clean(item) or _("Without a title")
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
