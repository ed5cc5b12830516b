"""Moving in: what django-user-payments has stored becomes line items and payments of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import models, router, transaction
from django.db.models import Exists, OuterRef

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.keyset import batches
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.models import JournalEntry, LineItem
from payments_ui.exceptions import InvalidCurrencyError

from . import ids, lineitems, source, writing
from .deciding import decide
from .lineitems import Here, Owned
from .move import ACTOR, ITEMS, PAYMENTS, REASON, Move, prepare
from .report import Kind, Report, Section
from .source import SourceError, SourceItem, SourcePayment


def move_in(
    *, currency: str, using: str | None = None, commit: bool = False, examples: int | None = 5
) -> Report:
    """Copy what is not here yet, or with ``commit=False`` only say what would happen.

    ``currency`` is that of all amounts there; ``using`` the alias of the database they are
    in, by default that of the books. Payments keep their id, and line items theirs unless
    it is taken. What is here already is left as it is, so it can be run again, also after
    it was interrupted. Writes in batches, each in a transaction of its own; memory does not
    grow with the number of rows unless ``examples`` is ``None``, which keeps all ids.

    Raises ``SourceError`` and ``InvalidCurrencyError`` before anything is written. Must
    run outside of a transaction.
    """
    if not money.is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not a currency the kit can charge in")
    target = router.db_for_write(LineItem)
    source.require(using or target, currency)
    move = prepare(
        source=using or target,
        target=target,
        currency=currency,
        commit=commit,
        examples=examples,
    )
    return _run(move)


def _run(move: Move) -> Report:
    if move.commit:
        ids.reserve(move.source, move.target)
    report = move.report()
    report.left_out = list(source.left_out(move.source))
    for part in _parts(move):
        report.merge(part)
        failpoints.hit(Point.IMPORT_BETWEEN_BATCHES)
    if move.commit:
        _journal(report)
    return report


def _parts(move: Move) -> Iterator[Report]:
    payments: models.QuerySet[SourcePayment] = models.QuerySet(SourcePayment, using=move.source)
    for batch in batches(payments, "id", size=PAYMENTS):
        yield _payments(move, batch)
    items: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using=move.source)
    for page in batches(items.filter(payment__isnull=True), "id", size=ITEMS):
        yield _unbound(move, page)
    there = Exists(payments.filter(pk=OuterRef("payment")))
    for page in batches(items.filter(~there, payment__isnull=False), "id", size=ITEMS):
        yield _orphans(move, page)


@retrying
@second_look
def _payments(move: Move, batch: Sequence[SourcePayment]) -> Report:
    report = move.report()
    with transaction.atomic(using=move.target):
        plans = decide(move, batch, report)
        if move.commit:
            writing.payments(move, plans)
    return report


@retrying
@second_look
def _unbound(move: Move, batch: Sequence[SourceItem]) -> Report:
    report = move.report()
    page = [Owned(item, lineitems.user_key(item.user)) for item in batch]
    with transaction.atomic(using=move.target):
        users = lineitems.existing_users(batch, move.target)
        here = lineitems.here(page, move)
        for owned in page:
            _tell(owned, here, report, is_somebodys=owned.user_id in users)
        if move.commit:
            fresh = (owned for owned in page if here.lacks(owned) and owned.user_id in users)
            writing.unbound(move, fresh, here)
    return report


def _tell(owned: Owned, here: Here, report: Report, *, is_somebodys: bool) -> None:
    item = owned.item
    if not here.lacks(owned):
        lineitems.tell_known(owned, here, report)
    elif is_somebodys:
        report.add(Kind.UNBOUND, item.pk, item.amount)
        lineitems.tell(owned, here, report)
    else:
        report.add(Kind.NOBODYS, item.pk, item.amount)


def _orphans(move: Move, page: Sequence[SourceItem]) -> Report:
    report = move.report()
    for item in page:
        report.add(Kind.ORPHAN, item.pk, item.amount)
    return report


def _journal(report: Report) -> None:
    detail = {kind.name.lower(): tally.count for kind, tally in report.tallies.items()}
    if any(report.count(kind) for kind in Kind if kind.section is Section.COPIED):
        verb = JournalEntry.Verb.PAYMENTS_IMPORTED
        journal.write(verb, actor=ACTOR, reason=REASON, detail=detail)


__all__ = ["Kind", "Report", "SourceError", "move_in"]
