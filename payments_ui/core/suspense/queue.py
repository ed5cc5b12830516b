"""The queue of what a person has to review: items are opened, notified of once, and ended here.

What a person decides about them is in ``payments_ui.core.suspense.resolution``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from payments_ui.core import journal, notify
from payments_ui.core.db.append_only import EvidenceQuerySet
from payments_ui.core.db.keyset import batches
from payments_ui.core.db.unguarded import unguarded

from .states import SuspenseKind, SuspenseState

if TYPE_CHECKING:
    from .model import SuspenseItem

#: How long the process that opened an item has to notify the admins before another one does.
_OWN_NOTIFICATION = dt.timedelta(minutes=1)


class SuspenseQuerySet(EvidenceQuerySet["SuspenseItem"]):
    """Suspense items by what became of them; they are not changed in bulk."""

    def open(self) -> SuspenseQuerySet:
        """Items that wait for a person."""
        return self.filter(state=SuspenseState.OPEN)

    def open_item(self, kind: SuspenseKind, **facts: Any) -> SuspenseItem:
        """Queue what a person has to review; the admins are notified once, after the commit.

        ``facts`` name what it is about (``attempt``, ``event`` or ``refund``) and what arrived
        (``amount`` in units of ``currency``, ``live`` unless in a test mode). Queueing it again
        returns the existing item.
        """
        arrived: dict[str, Any] = {
            name: facts.pop(name) for name in ("amount", "currency", "live") if name in facts
        }
        item, is_new = self.get_or_create(kind=kind, **facts, defaults=arrived)
        if is_new:
            transaction.on_commit(lambda: notify_admins(item), robust=True)
        return item

    open_item.alters_data = True  # type: ignore[attr-defined]

    def notify_missed(self) -> int:
        """Notify the admins of open items whose own process did not; return how many."""
        missed = self.open().filter(
            notified_at=None, opened_at__lt=timezone.now() - _OWN_NOTIFICATION
        )
        return sum(notify_admins(item) for items in batches(missed, "pk") for item in items)

    notify_missed.alters_data = True  # type: ignore[attr-defined]

    def close_overdue(self, *, by: str) -> None:
        """The outcome is known by now: close what waited for an answer."""
        overdue = self.filter(kind=SuspenseKind.OVERDUE)
        overdue.end(SuspenseState.CLOSED, by=by, reason="the outcome is known")

    close_overdue.alters_data = True  # type: ignore[attr-defined]

    def end(self, state: SuspenseState, *, by: str, reason: str, **fields: Any) -> int:
        """End the open ones of these items, in the caller's transaction, and journal it.

        Each by compare-and-set; returns how many it ended.
        """
        values = {"state": state, "closed_at": timezone.now(), "closed_by": by, "reason": reason}
        ended = [
            item.pk
            for item in self.open()
            if unguarded(item).filter(state=SuspenseState.OPEN).update(**values, **fields)
        ]
        related = ("payment", "attempt__payment", "refund__payment")
        for item in self.model.objects.filter(pk__in=ended).select_related(*related):
            sources = (item.refund, item.attempt)
            origin = next((source.payment for source in sources if source is not None), None)
            payment = item.payment or origin
            detail = {"item": item.pk, "kind": item.kind, "to": item.state}
            if payment != origin and item.attempt_id is not None:
                detail["attempt"] = str(item.attempt_id)
            journal.write(
                journal.Verb.SUSPENSE_CLOSED,
                user_id=payment and payment.user_id,
                payment_id=payment and payment.pk,
                # An entry names an attempt together with its own payment only.
                attempt_id=item.attempt_id if payment == origin else None,
                actor=item.closed_by,
                reason=item.reason,
                total=item.amount,
                currency=item.currency,
                detail=detail,
            )
        return len(ended)

    end.alters_data = True  # type: ignore[attr-defined]


def notify_admins(item: SuspenseItem) -> bool:
    """Mail the admins about an open item once; return whether this call did.

    A mail that cannot be sent leaves the item for ``notify_missed``.
    """
    now = timezone.now()
    unnoticed = unguarded(item).filter(state=SuspenseState.OPEN, notified_at=None)
    if not unnoticed.update(notified_at=now):
        return False
    stored = unguarded(item).select_related("attempt", "event", "refund").get()
    # In the site's own language, whichever the request speaks.
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Needs review: %(kind)s") % {"kind": stored.get_kind_display()}
        text = stored.describe()
    if notify.admins(subject, text):
        return True
    unguarded(item).filter(notified_at=now).update(notified_at=None)
    return False
