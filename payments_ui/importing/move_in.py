"""Copy what django-user-payments has stored into the books, in batches."""

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

from . import customers, ids, lineitems, source, write
from .decide import decide
from .job import ACTOR, ITEMS, PAYMENTS, REASON, Job
from .lineitems import Owned
from .psp_answer import shared_answers
from .report import Kind, Report, Section
from .source import SourceError, SourceItem, SourcePayment


def move_in(
    *,
    currency: str,
    using: str | None = None,
    commit: bool = False,
    examples: int | None = 5,
    stripe_account: str = "",
) -> Report:
    """Copy what the books do not have yet; without ``commit`` only say what would happen.

    ``currency`` is that of all amounts in the old tables; ``using`` the alias of the database
    they are in, by default that of the books; ``stripe_account`` is the ``account`` of the site's
    moocher for Stripe, for the customers of ``stripe_customers``. Payments keep their id, and line
    items theirs unless it is taken. What was copied before stays as it is, so repeating it is
    safe, also after an interruption. Writes in batches, each in a transaction of its own; memory
    does not grow with the number of rows unless ``examples`` is ``None``, which keeps all ids.

    Raises ``SourceError`` and ``InvalidCurrencyError`` before anything is written. Must
    run outside of a transaction.
    """
    if not money.is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not a currency the kit can charge in")
    target = router.db_for_write(LineItem)
    using = using or target
    source.require(using, currency)
    deleted = JournalEntry.objects.using(target).filter(verb=JournalEntry.Verb.LINEITEM_DELETED)
    job = Job(
        source=using,
        target=target,
        currency=currency,
        commit=commit,
        examples=examples,
        stripe_account=stripe_account,
        shared_answers=shared_answers(using),
        deleted=frozenset(
            filter(None, deleted.order_by().values_list("lineitem_id", flat=True)),
        ),
    )
    if commit:
        ids.reserve(using, target)
    report = job.report()
    report.left_out = list(source.left_out(using))
    for part in _parts(job):
        report.merge(part)
        failpoints.hit(Point.IMPORT_BETWEEN_BATCHES)
    if commit and any(report.count(kind) for kind in Kind if kind.section is Section.COPIED):
        journal.write(
            JournalEntry.Verb.PAYMENTS_IMPORTED,
            actor=ACTOR,
            reason=REASON,
            detail={kind.name.lower(): tally.count for kind, tally in report.tallies.items()},
        )
    return report


def _parts(job: Job) -> Iterator[Report]:
    payments: models.QuerySet[SourcePayment] = models.QuerySet(SourcePayment, using=job.source)
    for batch in batches(payments, "id", size=PAYMENTS):
        yield _payments(job, batch)
    items: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using=job.source)
    for page in batches(items.filter(payment__isnull=True), "id", size=ITEMS):
        yield _unbound(job, page)
    has_payment = Exists(payments.filter(pk=OuterRef("payment")))
    for page in batches(items.filter(~has_payment, payment__isnull=False), "id", size=ITEMS):
        report = job.report()
        for item in page:
            report.add(Kind.ORPHAN, item.pk, item.amount)
        yield report
    yield from customers.parts(job)


@retrying
@second_look
def _payments(job: Job, batch: Sequence[SourcePayment]) -> Report:
    report = job.report()
    with transaction.atomic(using=job.target):
        plans, pages = decide(job, batch, report)
        if job.commit:
            write.payments(job, plans, pages)
    return report


@retrying
@second_look
def _unbound(job: Job, batch: Sequence[SourceItem]) -> Report:
    report = job.report()
    page = [Owned(item, lineitems.user_key(item.user)) for item in batch]
    with transaction.atomic(using=job.target):
        users = lineitems.existing_users(batch, job.target)
        existing = lineitems.existing(page, job)
        fresh = []
        for owned in page:
            item = owned.item
            if not existing.lacks(owned):
                lineitems.count_existing(owned, existing, report)
            elif owned.user_id not in users:
                report.add(Kind.NO_USERS_ITEM, item.pk, item.amount)
            else:
                report.add(Kind.UNBOUND, item.pk, item.amount)
                lineitems.count_corrections(owned, existing, report)
                fresh.append(owned)
        if job.commit:
            write.unbound(job, fresh, existing)
    return report


__all__ = ["Kind", "Report", "SourceError", "move_in"]
