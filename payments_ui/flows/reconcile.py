"""Settling what is open by asking the PSPs, on a schedule, with any number of workers at once.

Whoever writes ``asked_at`` first asks; nobody else does in the same turn. What a process that
died left unsaid is said here, too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils import timezone

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, Refund, SuspenseItem
from payments_ui.core.suspense import queue

from . import psp_call, redeliver, runs, schedule
from .reconcilable import ATTEMPTS, REFUNDS, Kind

_COUNTED_AS: Mapping[str, str] = {
    Attempt.State.SETTLED: "settled",
    Attempt.State.FAILED: "failed",
    Attempt.State.CANCELLED: "failed",
    Attempt.State.SURPLUS: "set_aside",
    Attempt.State.MISMATCH: "set_aside",
    Refund.State.SUCCEEDED: "refunded",
}


@dataclass
class Report(runs.Report):
    """What a run did, or with ``dry_run`` would do.

    ``asked`` is less than ``due`` where another worker asked, or a PSP does not answer.
    """

    due: int = 0
    asked: int = 0
    settled: int = 0
    refunded: int = 0
    failed: int = 0
    set_aside: int = 0
    still_open: int = 0
    announced: int = 0
    matched: int = 0
    overdue: int = 0
    told: int = 0
    #: How many of which moocher nobody can be asked about, and why.
    left_alone: dict[str, int] = field(default_factory=dict)

    def count(self, state: str) -> None:
        """Something was asked about, and is in this state now."""
        self.asked += 1
        name = _COUNTED_AS.get(state, "still_open")
        setattr(self, name, getattr(self, name) + 1)

    def leave_alone(self, name: str) -> None:
        """Nobody can be asked about something."""
        self.left_alone[name] = self.left_alone.get(name, 0) + 1


def reconcile(
    *, moocher: str | None = None, everything: bool = False, dry_run: bool = False
) -> Report:
    """Ask the PSPs about open attempts and refunds that are due, and write down the answers.

    Also sends ``post_charge`` and ``refund_succeeded`` where a process died before it could,
    looks again at events whose attempt was not known yet, opens a suspense item where the
    schedule has ended, and tells the admins what nobody told them. One failure never stops
    the rest.

    ``moocher`` restricts it to one, by identifier; ``everything`` asks about all that is
    older than a minute, whatever the schedule says; ``dry_run`` counts and changes nothing.
    Must run outside of transactions: raises ``TransactionOpenError``.
    """
    psp_call.forbid_transaction()
    run = _Run(moocher, everything=everything, dry_run=dry_run)
    for kind in (ATTEMPTS, REFUNDS):
        run.ask_all(kind)
    run.report.matched = run.each(redeliver.too_early(moocher), redeliver.match)
    for unheard in (redeliver.unheard(moocher), redeliver.unheard_refunds(moocher)):
        run.report.announced += run.each(unheard, redeliver.announce_again)
    with run.report.going_on("the admins' mail"):
        run.report.told = 0 if dry_run else queue.tell_untold()
    return run.report


class _Run:
    def __init__(self, moocher: str | None, *, everything: bool, dry_run: bool) -> None:
        self.report = Report()
        self._filter = {} if moocher is None else {"at_moocher": moocher}
        self._everything = everything
        self._dry_run = dry_run
        self._now = timezone.now()

    def each(self, rows: models.QuerySet[Any], do: Callable[[Any], bool]) -> int:
        """Do it with each row, and count where it was done."""
        done = 0
        for row in (row for found in batches(rows, "pk") for row in found):
            with self.report.going_on(row):
                done += self._dry_run or do(row)
        return done

    def ask_all(self, kind: Kind) -> None:
        """Ask about all of a kind that are due, in batches."""
        for rows in batches(kind.rows().filter(**self._filter), "pk"):
            due = [(row, turn) for row in rows if (turn := self._turn(kind, row))]
            self.report.due += len(due)
            if not self._dry_run:
                items = kind.load(row.pk for row, _turn in due)
                for row, turn in due:
                    with self.report.going_on(items[row.pk]):
                        self._ask(kind, turn, row.at_moocher, items[row.pk])
            self._open_overdue(kind, [row.pk for row in rows if self._is_overdue(kind, row)])

    def _turn(self, kind: Kind, row: Any) -> dt.datetime | None:
        """The turn in which it is to be asked about now, if it is."""
        if reason := kind.why_not(row):
            self.report.leave_alone(f"{row.at_moocher} ({reason})")
            return None
        turn = schedule.turn(row.begun, self._now)
        if turn and self._everything:
            return self._now
        return turn if schedule.is_due(row.asked_at, turn) else None

    def _ask(self, kind: Kind, turn: dt.datetime, moocher: str, item: Any) -> None:
        if self.report.answers(moocher) and kind.claim(item.pk, turn):
            answer = kind.ask(item)
            self.report.note(moocher, answered=answer.is_one)
            self.report.count(answer.state)

    def _is_overdue(self, kind: Kind, row: Any) -> bool:
        # A customer who has not come back is no missing answer; `expire` gives that up.
        if row.manual or row.state == Attempt.State.REQUIRES_ACTION:
            return False
        if kind.why_not(row):
            return bool(row.begun + schedule.LAST <= self._now)
        return schedule.is_over(row.begun, row.asked_at)

    def _open_overdue(self, kind: Kind, pks: list[Any]) -> None:
        for pk in kind.untold(pks) if pks else ():
            self.report.overdue += 1
            if not self._dry_run:
                with self.report.going_on(f"overdue {kind.name} {pk}"):
                    queue.open_item(SuspenseItem.Kind.OVERDUE, **{f"{kind.name}_id": pk})
