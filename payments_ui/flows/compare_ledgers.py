"""Comparing the ledgers of PSPs with our books, line by line, in both directions.

The first pass reads the PSP's ledger, in whatever order its lines come, and looks up our
attempts of each page; the second looks for attempts that we booked and the PSP did not list.
Which attempts were listed is kept in a temporary file: memory is bounded for any ledger.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from payments_ui.core.audit import Finding, Rule, psp
from payments_ui.core.audit.finding import plain
from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, Dispute, Event, Refund
from payments_ui.exceptions import MoocherError
from payments_ui.moochers import registry
from payments_ui.moochers.base import LedgerLine, LedgerStatus, Moocher

_PAGE = 500


class _Refunded(NamedTuple):
    """What our books say was given back: for sure, and at most, since refunds may be open."""

    surely: Decimal = Decimal(0)
    at_most: Decimal = Decimal(0)


def compare(identifier: str, using: str) -> Iterator[Finding]:
    """Every difference between the ledger of this moocher's PSP and our books; "all" for each.

    Run ``reconcile_payments`` before: money that a PSP took a second ago, and has not reported
    yet, is a difference. Asks the PSP, and must run outside of any transaction. Raises
    ``MoocherError`` where no such moocher has a ledger, and whatever the moocher raises when
    its PSP does not answer.
    """
    with_ledger = {name: each for name, each in registry.moochers().items() if each.has_ledger}
    chosen = [each for name, each in with_ledger.items() if identifier in ("all", name)]
    if not chosen:
        # Also for "all": that nothing was compared must not read as "no differences".
        names = ", ".join(with_ledger) or "none"
        raise MoocherError(f"{identifier!r} is no moocher with a ledger (with a ledger: {names})")
    for moocher in chosen:
        yield from _compare(moocher, using)


def _compare(moocher: Moocher, using: str) -> Iterator[Finding]:
    # Attempts that are booked from now on may be missing in what the PSP lists.
    began = timezone.now()
    lines = iter(moocher.ledger())
    with closing(_Listed()) as listed:
        while page := list(islice(lines, _PAGE)):
            yield from _compare_page(moocher, page, listed, using)
        booked = Attempt.objects.using(using).filter(
            moocher=moocher.identifier,
            account=moocher.account,
            live=moocher.live,
            manual=False,
            # Money that arrived on another account, as a mismatch, is not in this ledger.
            state__in=(Attempt.State.SETTLED, Attempt.State.SURPLUS),
            ended_at__lt=began,
        )
        # Surplus that was never asked for has no line of its own.
        asked = booked.exclude(amount=0, psp_reference=None)
        for batch in batches(asked, "id"):
            missing = (attempt for attempt in batch if attempt.pk not in listed)
            yield from (_differ(psp.TAKEN, attempt, "not listed") for attempt in missing)


def _compare_page(
    moocher: Moocher, page: Sequence[LedgerLine], listed: _Listed, using: str
) -> Iterator[Finding]:
    known = _Known(moocher, page, using)
    for line in page:
        attempt = known.attempt(line)
        if attempt is not None:
            is_first = line.status != LedgerStatus.TAKEN or listed.add(attempt.pk)
            yield from _differences(line, attempt, known.refunded[attempt.pk], is_first=is_first)
            ours = known.disputed[attempt.pk]
            if line.disputed is not None and line.disputed != ours:
                sums = f"disputed={plain(ours)} {_text(line)} disputed={plain(line.disputed)}"
                yield _differ(psp.DISPUTED, attempt, sums)
        elif line.status == LedgerStatus.TAKEN and line.psp_reference not in known.unmatched:
            yield Finding(psp.BOOKED.name, "charge", line.psp_reference, _text(line))


class _Known:
    """Our attempts of a page, in at most four queries."""

    def __init__(self, moocher: Moocher, page: Sequence[LedgerLine], using: str) -> None:
        keys = [line.reference for line in page if line.reference]
        references = [line.psp_reference for line in page]
        mine = {"moocher": moocher.identifier, "account": moocher.account}
        by_reference = Q(psp_reference__in=references, **mine)
        attempts = Attempt.objects.using(using).order_by()
        found = list(attempts.filter(Q(idempotency_key__in=keys) | by_reference))
        self._by_key = {attempt.idempotency_key: attempt for attempt in found}
        self._by_reference = {attempt.psp_reference: attempt for attempt in found}
        self.refunded = _refunded([attempt for attempt in found if attempt.refunded_amount], using)
        self.disputed: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for dispute in Dispute.objects.using(using).filter(attempt__in=found).order_by():
            self.disputed[dispute.attempt_id] += dispute.taken
        #: References of money that is kept as unmatched, or that a person has reviewed.
        self.unmatched = self._unmatched(references, mine, using)

    def attempt(self, line: LedgerLine) -> Attempt | None:
        """Our attempt that this line is about.

        By the PSP's reference first: a second charge for an attempt has the same key.
        """
        return self._by_reference.get(line.psp_reference) or self._by_key.get(line.reference)

    def _unmatched(self, references: list[str], mine: dict[str, str], using: str) -> frozenset[str]:
        unknown = [name for name in references if name not in self._by_reference]
        # A webhook books no money, unless a person has reviewed it.
        booked = Q(amount__isnull=False) | Q(suspense_items__closed_at__isnull=False)
        kept = Event.objects.using(using).filter(booked, state=Event.State.UNMATCHED)
        events = kept.filter(psp_reference__in=unknown, **mine)
        return frozenset(events.order_by().values_list("psp_reference", flat=True))


def _refunded(attempts: Sequence[Attempt], using: str) -> defaultdict[UUID, _Refunded]:
    # Money that a person sends back goes past the PSP.
    refunds = Refund.objects.using(using).filter(attempt__in=attempts, manual=False).reserving()
    refunded: defaultdict[UUID, _Refunded] = defaultdict(_Refunded)
    for refund in refunds.order_by():
        surely, at_most = refunded[refund.attempt_id]
        sure = Decimal(0) if refund.is_open else refund.amount
        refunded[refund.attempt_id] = _Refunded(surely + sure, at_most + refund.amount)
    return refunded


def _differences(
    line: LedgerLine, attempt: Attempt, refunded: _Refunded, *, is_first: bool
) -> Iterator[Finding]:
    is_taken, is_booked = line.status == LedgerStatus.TAKEN, attempt.state in Attempt.ARRIVED
    if not is_first:
        yield _differ(psp.ONCE, attempt, _text(line))
    if is_taken != is_booked:
        yield _differ(psp.BOOKED if is_taken else psp.TAKEN, attempt, _text(line))
    elif is_taken and (line.amount, line.currency) != (attempt.received, attempt.received_currency):
        yield _differ(psp.AMOUNT, attempt, _text(line))
    if not refunded.surely <= line.refunded <= refunded.at_most:
        ours = f"refunded={plain(refunded.surely)}..{plain(refunded.at_most)}"
        yield _differ(psp.REFUNDED, attempt, f"{ours} {_text(line)}")


def _differ(rule: Rule, attempt: Attempt, line: str) -> Finding:
    ours = f"state={attempt.state} received={plain(attempt.received)} {attempt.received_currency}"
    return Finding(rule.name, "attempt", str(attempt.pk), f"{ours.strip()} PSP: {line}")


def _text(line: LedgerLine) -> str:
    return (
        f"{line.psp_reference} {line.status} amount={plain(line.amount)} "
        f"refunded={plain(line.refunded)} currency={line.currency}"
    )


class _Listed:
    """Primary keys of attempts whose money the PSP listed, in a temporary file."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("")
        self._file.execute("CREATE TABLE listed (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, pk: UUID) -> bool:
        """Add a key; whether it is new."""
        sql = "INSERT OR IGNORE INTO listed VALUES (?)"
        return self._file.execute(sql, [pk.hex]).rowcount == 1

    def __contains__(self, pk: UUID) -> bool:
        sql = "SELECT 1 FROM listed WHERE id = ?"
        return self._file.execute(sql, [pk.hex]).fetchone() is not None

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
