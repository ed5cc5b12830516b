"""Deleting what nights leave behind, once it is not read any more; the books stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.db.keyset import batches
from payments_ui.core.mails.states import MailState
from payments_ui.core.models import Mail, Run, RunBatch, RunClaim

from .command_result import CommandResult

#: After so long whoever was sending a mail has ended without saying what became of it.
SENDING = dt.timedelta(hours=1)
# So many rows are deleted with one statement, so that others do not wait for its locks.
_AT_A_TIME = 1000


@dataclass
class PruneResult(CommandResult):
    """How many rows were deleted, or would be; and of how many mails it is not known."""

    runs: int = 0
    batches: int = 0
    claims: int = 0
    mails: int = 0
    unknown_mails: int = 0


def prune(*, dry_run: bool = False) -> PruneResult:
    """Delete runs that have ended, their batches and claims, and mails, after ``KEEP_DAYS``.

    The journal says for good what was charged, declined and mailed. Mails that a process began to
    send and never ended become *unknown*, so that a clerk finds them. Several may run at once.
    """
    result, now = PruneResult(), clock.now()
    until = now - dt.timedelta(days=settings.KEEP_DAYS)
    ended = Run.objects.filter(state=Run.State.DONE, ended_at__lt=until).order_by()
    # What names others goes first.
    rows: dict[str, QuerySet[Any]] = {
        "claims": RunClaim.objects.filter(run__in=ended.values("pk")),
        "batches": RunBatch.objects.filter(run__in=ended.values("pk")),
        "runs": ended,
    }
    for name, found in rows.items():
        with result.count_errors(name):
            setattr(result, name, found.count() if dry_run else _delete(found))
    with result.count_errors("mails"):
        for keys in _old_mails(until):
            result.mails += len(keys)
            if not dry_run:
                QuerySet(Mail).filter(pk__in=keys).delete()
    # None was sent: by the index that holds those alone.
    claimed = Mail.objects.filter(sent_at=None, state=MailState.CLAIMED)
    for mail in claimed.filter(claimed_at__lt=now - SENDING):
        result.unknown_mails += 1
        if not dry_run:
            with result.count_errors(mail):
                mail.record(MailState.UNKNOWN, "Whoever was sending it ended without a word")
    return result


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:_AT_A_TIME]):
        deleted += QuerySet(rows.model).filter(pk__in=keys).delete()[0]
    return deleted


def _old_mails(until: dt.datetime) -> Iterator[list[int]]:
    """The keys of mails before that, by pages: from the oldest to the first page that has none."""
    rows = Mail.objects.values_list("pk", "claimed_at", named=True)
    for page in batches(rows, "pk"):
        old = [row.pk for row in page if row.claimed_at < until]
        if not old:
            return
        yield old
