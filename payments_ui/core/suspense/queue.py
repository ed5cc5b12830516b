"""The queue of money to look at: items are opened here, told of once, and ended.

What a person decides about them is in ``payments_ui.core.suspense.resolution``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, JournalEntry, Refund, SuspenseItem

from . import alerts
from .states import SuspenseKind as Kind
from .states import SuspenseState as State

#: So long the process that opened an item has to tell of it before anybody else does.
_ITS_OWN_TO_TELL = dt.timedelta(minutes=1)


def open_item(kind: Kind, **facts: Any) -> SuspenseItem:
    """Write down that a person has to look; the admins are told once, after the commit.

    ``facts`` name what it is about (``attempt``, ``event`` or ``refund``) and what arrived
    (``amount`` in units of ``currency``). The same again returns the first one.
    """
    arrived: dict[str, Any] = {n: facts.pop(n) for n in ("amount", "currency") if n in facts}
    item, is_new = SuspenseItem.objects.get_or_create(kind=kind, **facts, defaults=arrived)
    if is_new:
        transaction.on_commit(lambda: tell(item.pk), robust=True)
    return item


def tell(pk: int) -> bool:
    """Mail the admins about an open item unless somebody did; whether this call did.

    A mail that cannot be sent leaves it untold, for ``tell_untold``.
    """
    now = timezone.now()
    rows: models.QuerySet[SuspenseItem] = models.QuerySet(SuspenseItem).filter(pk=pk)
    if not rows.filter(state=State.OPEN, told_at=None).update(told_at=now):
        return False
    item = SuspenseItem.objects.select_related("attempt", "event", "refund").get(pk=pk)
    if alerts.tell_admins(f"Money to look at: {item.get_kind_display()}", about(item)):
        return True
    rows.filter(told_at=now).update(told_at=None)
    return False


def tell_untold() -> int:
    """Tell the admins of every open item that nobody was told of; how many that were."""
    untold = SuspenseItem.objects.open().filter(told_at=None)
    waiting = untold.filter(opened_at__lt=timezone.now() - _ITS_OWN_TO_TELL)
    return sum(tell(item.pk) for rows in batches(waiting, "pk") for item in rows)


def about(item: SuspenseItem) -> str:
    """One sentence for the people who run the site: what arrived, and for what."""
    if item.refund is not None:
        refund = item.refund
        return f"Refund {refund.reference} of payment {refund.payment_id} has no answer."
    if item.event is not None:
        what = item.arrived or "Something"
        return f"{what}, reference {item.event.psp_reference!r}: nobody knows it."
    assert item.attempt is not None  # noqa: S101 - each item is about one of the three
    attempt = item.attempt
    whose = f"Attempt {attempt.reference} of payment {attempt.payment_id} by {attempt.moocher}"
    if item.kind == Kind.OVERDUE:
        return f"{whose} has no answer."
    asked = money.format_amount(attempt.amount, attempt.currency)
    return f"{whose}: {item.arrived} arrived, {asked} was asked for."


def answered(by: str, **facts: Any) -> None:
    """The outcome of this ``attempt`` or ``refund`` is known: nobody has to look any more."""
    overdue = Q(kind=Kind.OVERDUE, **facts)
    end(overdue, State.CLOSED, by=by, reason="the outcome is known")


def returned(refund: Refund, by: str) -> None:
    """This refund gave back money that had been set aside."""
    set_aside = Q(attempt=refund.attempt_id) & ~Q(kind=Kind.OVERDUE)
    end(set_aside, State.RETURNED, by=by, reason=refund.reason, refund=refund)


def is_used(attempt: Attempt) -> bool:
    """Whether the money that was set aside with this attempt has charged a payment since."""
    return attempt.suspense_items.filter(state=State.MATCHED).exists()


def end(which: Q, state: State, *, by: str, reason: str, **fields: Any) -> int:
    """End open items, in the caller's transaction; compare-and-set, so how many they were."""
    values = {"state": state, "closed_at": timezone.now(), "closed_by": by, "reason": reason}
    found = SuspenseItem.objects.open().filter(which).values_list("pk", flat=True)
    ended = [pk for pk in list(found) if _end(pk, values | fields)]
    related = ("payment", "attempt__payment", "refund__payment")
    for item in SuspenseItem.objects.select_related(*related).filter(pk__in=ended):
        _journal(item)
    return len(ended)


def _end(pk: int, values: dict[str, Any]) -> int:
    rows: models.QuerySet[SuspenseItem] = models.QuerySet(SuspenseItem).filter(pk=pk)
    return rows.filter(state=State.OPEN).update(**values)


def _journal(item: SuspenseItem) -> None:
    told: dict[str, Any] = {"actor": item.closed_by, "reason": item.reason}
    told |= {"total": item.amount, "currency": item.currency}
    told["detail"] = {"item": item.pk, "kind": item.kind, "to": item.state}
    payment = item.payment
    if payment is None and item.refund is not None:
        payment = item.refund.payment
    if payment is None and item.attempt is not None:
        payment = item.attempt.payment
    if payment is not None:
        told |= {"user_id": payment.user_id, "payment_id": payment.pk}
    journal.write(JournalEntry.Verb.SUSPENSE_CLOSED, attempt_id=item.attempt_id, **told)
