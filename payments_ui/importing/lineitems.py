"""Line items: which of them the books have, what is put right with them, how they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _

from payments_ui.core.models import LineItem

from .job import Job
from .report import Kind, Report
from .source import SourceCustomer, SourceItem, SourcePayment

_LONGEST_TITLE = 200


class Owned(NamedTuple):
    """A line item to import, and the key of the user whom it belongs to in the books."""

    item: SourceItem
    user_id: Any


@dataclass(frozen=True)
class Existing:
    """What the books have of some line items to import."""

    #: Amounts of those that were imported, by their id in the old tables.
    imported: dict[int, Decimal]
    #: Ids that other line items have in the books.
    taken: set[int]
    #: Ids of those that were deleted from the books.
    deleted: frozenset[int]

    def lacks(self, owned: Owned) -> bool:
        """Whether the books never had it."""
        return owned.item.pk not in self.imported and owned.item.pk not in self.deleted


def key_of(identifier: int | UUID | str) -> str:
    """The key that an imported line item keeps."""
    return f"user_payments:{identifier}"


@lru_cache(maxsize=10_000)
def user_key(value: object) -> Any:
    """A user's primary key, in the type that the site's user model has."""
    user: Any = LineItem._meta.get_field("user")
    return user.target_field.to_python(value)


def existing_users(
    rows: Iterable[SourcePayment | SourceItem | SourceCustomer], using: str
) -> set[Any]:
    """Keys of those users of these rows who exist."""
    users = get_user_model()._base_manager.using(using)
    keys = {user_key(row.user) for row in rows}
    return set(users.filter(pk__in=keys).values_list("pk", flat=True))


def existing(page: Sequence[Owned], job: Job) -> Existing:
    """Look them up in the books, by id and by key."""
    stored: models.QuerySet[LineItem] = models.QuerySet(LineItem, using=job.target)
    rows = stored.filter(pk__in=[owned.item.pk for owned in page]).order_by()
    imported: dict[int, Decimal] = {}
    taken: set[int] = set()
    for pk, key, amount in rows.values_list("pk", "key", "amount"):
        if key == key_of(pk):
            imported[pk] = amount
        else:
            taken.add(pk)
    # Imported before under another id, since theirs was taken.
    renumbered = {key_of(owned.item.pk): owned for owned in page if owned.item.pk in taken}
    if renumbered:
        users = {owned.user_id for owned in renumbered.values()}
        rows = stored.filter(user__in=users, key__in=renumbered)
        for key, amount in rows.values_list("key", "amount"):
            imported[renumbered[str(key)].item.pk] = amount
    return Existing(imported, taken, job.deleted)


def count_corrections(owned: Owned, existing: Existing, report: Report) -> None:
    """Count what is put right when this line item is imported."""
    item = owned.item
    if item.pk in existing.taken:
        report.add(Kind.RENUMBERED, item.pk)
    if not _clean_title(item):
        report.add(Kind.UNTITLED, item.pk)
    elif len(_clean_title(item)) > _LONGEST_TITLE:
        report.add(Kind.TITLE_CUT, item.pk)
    if user_key(item.user) != owned.user_id:
        report.add(Kind.OTHER_USER, item.pk)


def count_existing(owned: Owned, existing: Existing, report: Report) -> None:
    """Count a line item that the books have, or had."""
    pk = owned.item.pk
    if pk not in existing.imported:
        report.add(Kind.DELETED, pk)
        return
    report.add(Kind.ITEM, pk)
    if existing.imported[pk] != owned.item.amount:
        report.add(Kind.REPRICED_ITEM, pk)


def new_lineitem(
    owned: Owned, existing: Existing, currency: str, payment: UUID | None = None
) -> LineItem:
    """The line item as the import stores it."""
    item = owned.item
    title = _clean_title(item) or _("Without a title")
    if len(title) > _LONGEST_TITLE:
        title = f"{title[: _LONGEST_TITLE - 1]}…"
    return LineItem(
        id=None if item.pk in existing.taken else item.pk,
        user_id=owned.user_id,
        payment_id=payment,
        created_at=item.created_at,
        used_at=item.created_at,
        title=title,
        amount=item.amount,
        currency=currency,
        key=key_of(item.pk),
    )


def is_stored_as_it_is(owned: Owned, existing: Existing) -> bool:  # runs on PostgreSQL only
    """Whether nothing is put right with this line item, and its moment has a time zone."""
    item = owned.item
    title = _clean_title(item)
    return (
        item.pk not in existing.taken
        and user_key(item.user) == owned.user_id
        and title == item.title
        and 0 < len(title) <= _LONGEST_TITLE
        and is_aware(item.created_at)
    )


def _clean_title(item: SourceItem) -> str:
    return item.title.replace("\x00", "").strip()
