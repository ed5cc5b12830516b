"""Settling what is open by asking the PSPs, on a schedule, with any number of workers at once.

The worker that writes ``asked_at`` first asks; no other worker does in the same turn. Signals and
mails that a process could not send before it died are sent here, too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, Refund, SuspenseItem

from . import psp_call, redeliver, runs, schedule
from .reconcilable import ATTEMPTS, REFUNDS, Reconcilable, Row

_COUNTED_AS: Mapping[str, str] = {
    Attempt.State.SETTLED: "settled",
    Attempt.State.FAILED: "failed",
    Attempt.State.CANCELLED: "failed",
    Attempt.State.SURPLUS: "unexpected",
    Attempt.State.MISMATCH: "unexpected",
    Refund.State.SUCCEEDED: "refunded",
}


@dataclass
class ReconcileResult(runs.RunResult):
    """What a run did, or with ``dry_run`` would do.

    ``asked`` is less than ``due`` where another worker asked, or a PSP does not answer;
    ``unexpected`` are attempts with surplus or mismatch.
    """

    due: int = 0
    asked: int = 0
    settled: int = 0
    refunded: int = 0
    failed: int = 0
    unexpected: int = 0
    still_open: int = 0
    signals_sent: int = 0
    events_matched: int = 0
    overdue: int = 0
    admins_notified: int = 0
    #: How many of which moocher no PSP can be asked about, and why.
    skipped: dict[str, int] = field(default_factory=dict)

    def count(self, state: str) -> None:
        """Count an attempt or a refund that was asked about, by its state now."""
        self.asked += 1
        name = _COUNTED_AS.get(state, "still_open")
        setattr(self, name, getattr(self, name) + 1)

    def skip(self, name: str) -> None:
        """Count an attempt or a refund about which no PSP can be asked."""
        self.skipped[name] = self.skipped.get(name, 0) + 1


def reconcile(
    *, moocher: str | None = None, everything: bool = False, dry_run: bool = False
) -> ReconcileResult:
    """Ask the PSPs about open attempts and refunds that are due, and write down the answers.

    Also sends ``post_charge`` and ``refund_succeeded`` where a process died before it could,
    looks again at events whose attempt was not known yet, opens a suspense item where the
    schedule has ended, and mails the admins about items of which no mail was sent. An error
    never stops the rest.

    ``moocher`` restricts it to one, by identifier; ``everything`` asks about all that is
    older than a minute, whatever the schedule says; ``dry_run`` counts and changes nothing.
    Must run outside of transactions: raises ``TransactionOpenError``.
    """
    psp_call.forbid_transaction()
    run = _Run(moocher, everything=everything, dry_run=dry_run)
    for kind in (ATTEMPTS, REFUNDS):
        run.ask_all(kind)
    run.result.events_matched = run.each(redeliver.too_early(moocher), redeliver.match)
    for unsent in (
        redeliver.unsent_charges(moocher),
        redeliver.unsent_refunds(moocher),
        redeliver.unsent_ends(moocher),
    ):
        run.result.signals_sent += run.each(unsent, redeliver.send_again)
    with run.result.count_errors("The mail to the admins"):
        run.result.admins_notified = 0 if dry_run else SuspenseItem.objects.notify_missed()
    return run.result


class _Run:
    def __init__(self, moocher: str | None, *, everything: bool, dry_run: bool) -> None:
        self.result = ReconcileResult()
        self._filter = {} if moocher is None else {"at_moocher": moocher}
        self._everything = everything
        self._dry_run = dry_run
        self._now = timezone.now()

    def each(self, rows: models.QuerySet[Any], do: Callable[[Any], bool]) -> int:
        """Do it with each row, and count where it was done."""
        done = 0
        for row in (row for found in batches(rows, "pk") for row in found):
            with self.result.count_errors(row):
                done += self._dry_run or do(row)
        return done

    def ask_all(self, kind: Reconcilable) -> None:
        """Ask about all of a kind that are due, in batches."""
        for rows in batches(kind.rows().filter(**self._filter), "pk"):
            due = [(row, turn) for row in rows if (turn := self._turn(kind, row))]
            self.result.due += len(due)
            if not self._dry_run:
                items = kind.load(row.pk for row, _turn in due)
                for row, turn in due:
                    with self.result.count_errors(items[row.pk]):
                        if self.result.is_answering(row.at_moocher) and kind.claim(row.pk, turn):
                            state, answered = kind.ask(items[row.pk])
                            self.result.note(row.at_moocher, answered=answered)
                            self.result.count(state)
            self._open_overdue(kind, [row.pk for row in rows if self._is_overdue(kind, row)])

    def _turn(self, kind: Reconcilable, row: Row) -> dt.datetime | None:
        """The turn in which it is to be asked about now, if it is."""
        if reason := kind.skip_reason(row):
            self.result.skip(f"{row.at_moocher} ({reason})")
            return None
        turn = schedule.turn(row.begun, self._now)
        if turn and self._everything:
            return self._now
        return turn if schedule.is_due(row.asked_at, turn) else None

    def _is_overdue(self, kind: Reconcilable, row: Row) -> bool:
        # A customer who has not come back is no missing answer; `expire` gives that up.
        if row.manual or row.state == Attempt.State.REQUIRES_ACTION:
            return False
        if kind.skip_reason(row):
            return bool(row.begun + schedule.LAST <= self._now)
        return schedule.is_over(row.begun, row.asked_at)

    def _open_overdue(self, kind: Reconcilable, pks: list[UUID]) -> None:
        for pk in kind.without_overdue_item(pks) if pks else ():
            self.result.overdue += 1
            if not self._dry_run:
                with self.result.count_errors(f"Opening a suspense item for {kind.name} {pk}"):
                    about = {f"{kind.name}_id": pk}
                    SuspenseItem.objects.open_item(SuspenseItem.Kind.OVERDUE, **about)
