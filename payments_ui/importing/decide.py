"""Decide what becomes of a batch of payments, before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db import models

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import JournalEntry
from payments_ui.core.verbs import JournalVerb as Verb

from . import lineitems
from .job import ITEMS, Job
from .lineitems import Existing, Owned
from .plan import Fate, Plan
from .psp_answer import taken_references
from .report import Kind, Report, Tally
from .source import SourceItem, SourcePayment

Plans = dict[UUID, Plan]
Page = tuple[list[Owned], Existing]
# Pages of line items that are kept from the decision until they are written.
_KEPT = 5


def decide(
    job: Job, batch: Sequence[SourcePayment], report: Report
) -> tuple[Plans, Iterable[Page]]:
    """What becomes of these payments and their line items; the report counts each.

    Also the pages of their line items: as they were read, or, where these are more than fit into
    memory, read once more.
    """
    # The journal, since a payment that was cancelled may be gone, and is not to come back.
    entries = JournalEntry.objects.using(job.target).filter(
        payment_id__in=[payment.pk for payment in batch],
        verb__in=(Verb.PAYMENT_CREATED, Verb.PAYMENT_CHARGED),
    )
    known: defaultdict[UUID | None, frozenset[Verb]] = defaultdict(frozenset)
    for pk, verb in entries.order_by().values_list("payment_id", "verb"):
        known[pk] |= {Verb(verb)}
    users = lineitems.existing_users(batch, job.target)
    plans: Plans = {}
    for row in batch:
        user_id = lineitems.user_key(row.user)
        plans[row.pk] = Plan(
            source=row,
            job=job,
            user_id=user_id,
            has_user=user_id in users,
            known=known[row.pk],
            corrections=job.report(),
            existing=job.report(),
            fresh=Tally(),
        )
    items = _count_items(job, plans)
    charged = [plan for plan in plans.values() if plan.fate is Fate.CHARGED]
    taken = taken_references([plan.answer for plan in charged], job.target)
    for plan in charged:
        pair = (plan.answer.moocher, plan.answer.reference)
        if pair not in taken and plan.source.transaction not in job.shared_answers:
            plan.reference = plan.answer.reference
    for plan in plans.values():
        _count(plan, report)
    return plans, items


def _count_items(job: Job, plans: Plans) -> Iterable[Page]:
    kept: list[Page] = []
    read = 0
    for page, existing in _pages(job, plans):
        for owned in page:
            plans[owned.item.payment].count(owned, existing)
        read += 1
        if read <= _KEPT:
            kept.append((page, existing))
    return kept if read <= _KEPT else _pages(job, plans)


def _pages(job: Job, plans: Plans) -> Iterator[Page]:
    """The line items of these payments, and what the books have of them, a page at a time."""
    rows: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using=job.source)
    for batch in batches(rows.filter(payment__in=list(plans)), "payment", "id", size=ITEMS):
        page = [Owned(item, plans[item.payment].user_id) for item in batch]
        yield page, lineitems.existing(page, job)


def _count(plan: Plan, report: Report) -> None:
    fate, source = plan.fate, plan.source
    report.add(fate.payment, source.pk, plan.amount if plan.is_imported else source.amount)
    report.merge(plan.existing)
    if fate.items and plan.fresh.count:
        report.add_tally(fate.items, plan.fresh)
    if plan.has_imported_items:
        report.merge(plan.corrections)
    is_charged, is_pending = fate is Fate.CHARGED, fate is Fate.PENDING
    remarks = {
        Kind.CHANGED: plan.known and source.charged_at and Verb.PAYMENT_CHARGED not in plan.known,
        Kind.REPRICED: is_pending and plan.amount != source.amount,
        Kind.ASKED: is_pending and plan.was_asked,
        Kind.DECLINED: is_charged and plan.answer.is_declined,
        Kind.SHARED: is_charged and plan.reference != plan.answer.reference,
        Kind.NO_EMAIL: plan.is_imported and not plan.email,
        Kind.SCRUBBED: plan.is_imported and plan.transaction != source.transaction,
    }
    for kind, applies in remarks.items():
        if applies:
            report.add(kind, source.pk)
    if plan.needs_item:
        kind = Kind.DIFFERENCE if plan.items else Kind.EMPTY
        kind = Kind.BELOW_ZERO if source.amount < 0 else kind
        report.add(kind, f"{source.pk} by {plan.difference}", plan.difference)
