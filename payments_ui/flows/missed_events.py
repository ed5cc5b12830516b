"""What a PSP has reported and no webhook brought: a gap in its deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice

from django.core.cache import cache
from django.db.models import Max, Min
from django.utils import timezone

from payments_ui.core.db.fields import fitting
from payments_ui.core.models import Attempt, Event
from payments_ui.moochers.base import Moocher, Notice

#: At least so long between two lists of a PSP's events.
AT_MOST_EVERY = dt.timedelta(hours=1)
#: Looked through again, since a PSP brings webhooks in any order and some of them late.
OVERLAP = dt.timedelta(days=1)
#: PSPs list nothing that is older.
LOOK_BACK = dt.timedelta(days=30)
_PAGE = 100
_ID_LENGTH = Event._meta.get_field("event_id").max_length or 0


def is_due(moocher: Moocher, *, everything: bool) -> bool:
    """Whether it is time to have the PSP list its events; with ``everything`` it always is."""
    return moocher.has_events and (everything or cache.get(_key(moocher)) is None)


def have_been_found(moocher: Moocher) -> None:
    """Note that the events until now are handled; a failed run looks again at once."""
    cache.set(_key(moocher), True, AT_MOST_EVERY.total_seconds())


def missed(moocher: Moocher) -> Iterator[Notice]:
    """What the PSP has reported since the newest stored event, and is not stored.

    Asks the PSP page by page, outside of transactions. Raises what the moocher raises where its
    PSP does not answer.
    """
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    stored = Event.objects.filter(**ours)
    # Nothing is about us that is older than our first attempt.
    begun = Attempt.objects.filter(**ours).aggregate(at=Min("started_at"))["at"]
    if begun is None:
        return
    newest = stored.filter(amount=None).aggregate(at=Max("received_at"))["at"]
    since = max((newest or begun) - OVERLAP, begun, timezone.now() - LOOK_BACK)
    reported = iter(moocher.events(since))
    while page := list(islice(reported, _PAGE)):
        ids = [fitting(notice.event_id, _ID_LENGTH) for notice in page]
        known = set(stored.filter(event_id__in=ids).values_list("event_id", flat=True))
        yield from (notice for notice, name in zip(page, ids, strict=True) if name not in known)


def _key(moocher: Moocher) -> str:
    return f"payments_ui:events:{moocher.identifier}:{moocher.account}"
