"""Line items that the database copies: the same as if they were read and written one by one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.models import F

from payments_ui.core.models import LineItem
from payments_ui.importing import copying
from payments_ui.importing.job import Job
from payments_ui.importing.lineitems import Owned
from payments_ui.importing.source import SourceError, SourceItem
from tests.conftest import UserFactory
from tests.importing.ancestor import Ancestor
from tests.importing.conftest import Import

pytestmark = pytest.mark.django_db
ODD = dt.datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=dt.timezone(dt.timedelta(hours=-5)))


def _old_books(ancestor: Ancestor, user: User, other: User) -> None:
    ancestor.charged(user, "6.60", "5.50", "1.10")
    ancestor.pending(user, "2", "2")
    ancestor.pending(other, "-1", "-1")
    ancestor.item(user, "0.01", 'Zoë "🎉" \\ %s', created_at=ODD)
    ancestor.item(user, "-99999999.99", "t" * 200)
    ancestor.item(user, "1", " Not trimmed ")
    ancestor.item(other, "1", "")


def _stored() -> list[dict[str, Any]]:
    return list(LineItem.objects.order_by("pk").values())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others are read row by row")
def test_what_is_copied_is_what_would_be_written(
    ancestor: Ancestor, make_user: UserFactory, move_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    _old_books(ancestor, make_user(), make_user())
    copied: list[int] = []
    copy = copying.copy

    def counting(job: Job, page: Any, **options: Any) -> None:
        copied.append(len(page))
        copy(job, page, **options)

    monkeypatch.setattr(copying, "copy", counting)
    with transaction.atomic():
        move_in("--commit", currency="CHF")
        by_database = _stored()
        transaction.set_rollback(True)
    assert sum(copied) == 6
    monkeypatch.setattr(copying, "can_copy", lambda job: False)
    move_in("--commit", currency="CHF")
    assert len(by_database) == 8
    assert _stored() == by_database


def test_another_database_is_read_row_by_row() -> None:
    assert not copying.can_copy(_job(source="old"))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others are read row by row")
@pytest.mark.parametrize("change", ["amount", "title", "created_at", "user", "payment", "id"])
def test_what_is_no_longer_as_it_was_read_is_not_copied(
    ancestor: Ancestor, user: User, make_user: UserFactory, change: str
) -> None:
    pk, kept = ancestor.item(user, "5").pk, ancestor.item(user, "4")
    items: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using="default")
    seen = [Owned(item, user.pk) for item in items.order_by("pk")]
    changes: dict[str, dict[str, Any]] = {
        # As many as before, of the same sum.
        "amount": {"amount": F("amount") - 1},
        "title": {"title": "Other"},
        "created_at": {"created_at": ODD},
        "user": {"user_id": make_user().pk},
        "payment": {"payment_id": ancestor.pending(user, "5").pk},
    }
    if change == "id":
        ancestor.items.filter(pk=pk).delete()
    else:
        ancestor.items.filter(pk=pk).update(**changes[change])
    if change == "amount":
        ancestor.items.filter(pk=kept.pk).update(amount=F("amount") + 1)
    with pytest.raises(SourceError, match="changed"), transaction.atomic():
        copying.copy(_job(), seen, bound=False)
    assert not LineItem.objects.exists()


def _job(source: str = "default") -> Job:
    return Job(
        source=source,
        target="default",
        currency="CHF",
        commit=True,
        examples=5,
        shared_answers=frozenset(),
        stripe_account="",
        deleted=frozenset(),
    )
