"""Deciding about a batch of payments before anything is written, and telling of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db import models

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import JournalEntry

from . import lineitems, records
from .lineitems import Here, Owned
from .move import ITEMS, Move
from .plan import Fate, Plan
from .report import Kind, Report
from .source import SourceItem, SourcePayment

Plans = dict[UUID, Plan]
Verb = JournalEntry.Verb


def decide(move: Move, batch: Sequence[SourcePayment], report: Report) -> Plans:
    """What becomes of these payments and their line items; the report is told of each."""
    known = _known([payment.pk for payment in batch], move.target)
    users = lineitems.existing_users(batch, move.target)
    plans = {row.pk: Plan.begin(row, move, users, known[row.pk]) for row in batch}
    for page, here in pages(move, plans):
        for owned in page:
            plans[owned.item.payment].count(owned, here)
    _give_references([plan for plan in plans.values() if plan.fate is Fate.CHARGED], move)
    for plan in plans.values():
        _tell(plan, report)
    return plans


def pages(move: Move, plans: Plans) -> Iterator[tuple[list[Owned], Here]]:
    """The line items of these payments, and what there is of them here, a page at a time."""
    rows: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using=move.source)
    for batch in batches(rows.filter(payment__in=list(plans)), "payment", "id", size=ITEMS):
        page = [Owned(item, plans[item.payment].user_id) for item in batch]
        yield page, lineitems.here(page, move)


def _known(pks: Iterable[UUID], using: str) -> defaultdict[UUID | None, frozenset[Verb]]:
    # The journal, since a payment that was given up here is gone, and is not to come back.
    entries = JournalEntry.objects.using(using).filter(
        payment_id__in=list(pks), verb__in=(Verb.PAYMENT_CREATED, Verb.PAYMENT_CHARGED)
    )
    known: defaultdict[UUID | None, frozenset[Verb]] = defaultdict(frozenset)
    for pk, verb in entries.order_by().values_list("payment_id", "verb"):
        known[pk] |= {Verb(verb)}
    return known


def _give_references(charged: Sequence[Plan], move: Move) -> None:
    taken = records.taken([plan.record for plan in charged], move.target)
    for plan in charged:
        pair = (plan.record.moocher, plan.record.reference)
        if pair not in taken and plan.source.transaction not in move.repeated:
            plan.reference = plan.record.reference


def _tell(plan: Plan, report: Report) -> None:
    fate = plan.fate
    amount = plan.amount if plan.is_copied else plan.source.amount
    report.add(fate.payment, plan.source.pk, amount)
    report.merge(plan.here)
    if fate.items and plan.fresh.count:
        report.add_tally(fate.items, plan.fresh)
    if plan.is_written:
        report.merge(plan.corrections)
    for kind, holds in _remarks(plan):
        if holds:
            report.add(kind, plan.source.pk)
    if plan.needs_item:
        report.add(_correction(plan), f"{plan.source.pk} by {plan.difference}", plan.difference)


def _remarks(plan: Plan) -> Iterator[tuple[Kind, bool]]:
    source, is_charged = plan.source, plan.fate is Fate.CHARGED
    is_pending = plan.fate is Fate.PENDING
    was_charged_here = Verb.PAYMENT_CHARGED in plan.known
    is_charged_there = bool(plan.known and source.charged_at)
    yield Kind.CHANGED, is_charged_there and not was_charged_here
    yield Kind.REPRICED, is_pending and plan.amount != source.amount
    yield Kind.ASKED, is_pending and plan.was_asked
    yield Kind.DECLINED, is_charged and plan.record.is_declined
    yield Kind.SHARED, is_charged and plan.reference != plan.record.reference
    yield Kind.NO_EMAIL, plan.is_copied and not plan.email
    yield Kind.SCRUBBED, plan.is_copied and plan.transaction != source.transaction


def _correction(plan: Plan) -> Kind:
    if plan.source.amount < 0:
        return Kind.BELOW_ZERO
    return Kind.DIFFERENCE if plan.items else Kind.EMPTY
