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
from payments_ui.core.models import Attempt, Event, PaymentMethod, Refund, SuspenseItem
from payments_ui.moochers.base import Moocher, Notice
from payments_ui.moochers.registry import moochers

from . import (
    command_result,
    missed_events,
    notices,
    payment_methods,
    psp_call,
    redeliver,
    schedule,
)
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
class ReconcileResult(command_result.CommandResult):
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
    methods_saved: int = 0
    methods_removed: int = 0
    customers_removed: int = 0
    signals_sent: int = 0
    events_matched: int = 0
    events_found: int = 0
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

    Also asks about payment methods that are being saved, has the PSPs give up those that were
    removed, handles what PSPs have reported and no webhook brought, looks again at events whose
    attempt was not known yet, sends signals where a process died before it could, opens a
    suspense item where the schedule has ended, and mails the admins about items of which no
    mail was sent. An error never stops the rest.

    ``moocher`` restricts it to one, by identifier; ``everything`` asks about all that is
    older than a minute, whatever the schedule says; ``dry_run`` counts and changes nothing.
    Must run outside of transactions: raises ``TransactionOpenError``.
    """
    psp_call.forbid_transaction()
    run = _Run(moocher, everything=everything, dry_run=dry_run)
    for kind in (ATTEMPTS, REFUNDS):
        run.ask_all(kind)
    run.finish_methods(moocher)
    for each in moochers().values():
        if moocher in (None, each.identifier):
            run.find_missed_events(each)
    run.result.events_matched = run.each(redeliver.too_early(moocher), run.handle_again)
    for unsent in (
        redeliver.unsent_charges(moocher),
        redeliver.unsent_refunds(moocher),
        redeliver.unsent_disputes(moocher),
        redeliver.unsent_ends(moocher),
        redeliver.unsent_methods(moocher),
        redeliver.unsent_recoveries(moocher),
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

    def finish_methods(self, moocher: str | None) -> None:
        """Ask about payment methods that are being saved or removed, then about customers."""
        for methods in batches(payment_methods.unfinished(moocher), "pk"):
            for method in methods:
                with self.result.count_errors(method):
                    self._finish_method(method)
        gone = payment_methods.unfinished_customers(moocher)
        self.result.customers_removed = self.each(gone, payment_methods.forget_customer)

    def _finish_method(self, method: PaymentMethod) -> None:
        every = dt.timedelta(0) if self._everything else payment_methods.AGAIN_AFTER
        if not self.result.is_answering(method.moocher):
            return
        if self._dry_run or not payment_methods.claim_turn(method, every):
            return
        now, answered = payment_methods.finish(method)
        self.result.note(method.moocher, answered=answered)
        if now.state == PaymentMethod.State.REMOVED:
            self.result.methods_removed += 1
        elif now.state != method.state:
            self.result.methods_saved += now.is_active

    def find_missed_events(self, moocher: Moocher) -> None:
        """Handle what its PSP has reported, and no webhook brought."""
        name = moocher.identifier
        if not missed_events.is_due(moocher, everything=self._everything):
            return
        with self.result.count_errors(f"Listing the events of moocher {name}"):
            for notice in missed_events.missed(moocher):
                if not self._dry_run:
                    self._handle_missed(notice, moocher)
                self.result.events_found += 1
            if not self._dry_run:
                missed_events.have_been_found(moocher)

    def _handle_missed(self, notice: Notice, moocher: Moocher) -> None:
        """Handle it, or keep it for later: by the next run it may be too old to be listed."""
        name = moocher.identifier
        is_handled = False
        with self.result.count_errors(f"Event {notice.event_id} of moocher {name}"):
            if self.result.is_answering(name):
                try:
                    notices.handle(notice, moocher)
                except psp_call.PSPUnavailableError:
                    self.result.note(name, answered=False)
                    raise
                is_handled = True
                self.result.note(name, answered=True)
        if not is_handled:
            notices.keep(notice, moocher)

    def handle_again(self, event: Event) -> bool:
        """Look again into a report that was about nothing known; whether it is by now."""
        if not self.result.is_answering(event.moocher):
            return False
        try:
            is_processed = notices.look_again(event)
        except psp_call.PSPUnavailableError:
            self.result.note(event.moocher, answered=False)
            return False
        self.result.note(event.moocher, answered=True)
        return is_processed

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
