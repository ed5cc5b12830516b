"""Write a batch as a site would have made it: drafts, line items, seal, attempt, charge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext as _

from payments_ui.core.models import Arrival, Attempt, JournalEntry, LineItem, Payment
from payments_ui.core.verbs import JournalVerb as Verb

from . import copying, lineitems
from .decide import Page, Plans
from .job import ACTOR, ITEMS, REASON, Job
from .lineitems import Existing, Owned
from .plan import Fate, Plan

M = TypeVar("M", bound=models.Model)
# Moochers whose money a clerk books by hand, by django-mooch's own name.
_BY_HAND = frozenset({"banktransfer"})


def payments(job: Job, plans: Plans, pages: Iterable[Page]) -> None:
    """Write these payments with all that belongs to them, in the caller's transaction.

    ``pages`` are all their line items, of which those are written whose payments' fate says so.
    """
    imported = [plan for plan in plans.values() if plan.is_imported]
    bound_to = {plan.source.pk for plan in imported}
    charged = [plan for plan in imported if plan.fate is Fate.CHARGED]
    with_items = {pk for pk, plan in plans.items() if plan.has_imported_items}
    stored: models.QuerySet[Payment] = models.QuerySet(Payment, using=job.target)
    _insert(Payment, map(_draft, imported), job)
    for page, existing in pages:
        bound: list[Owned] = []
        released: list[Owned] = []
        for owned in filter(existing.lacks, page):
            if owned.item.payment in with_items:
                (bound if owned.item.payment in bound_to else released).append(owned)
        _insert_items(job, bound, existing, bound=True)
        _insert_items(job, released, existing, bound=False)
    _insert(LineItem, (_difference(plan) for plan in imported if plan.needs_item), job)
    stored.filter(pk__in=[plan.source.pk for plan in imported]).update(sealed_at=F("created_at"))
    entries = [
        _entry(
            Verb.PAYMENT_CREATED,
            plan,
            items=plan.items + plan.needs_item,
            total=plan.total + plan.difference,
        )
        for plan in imported
    ]
    _insert(JournalEntry, entries, job)
    attempts = _insert(Attempt, map(_attempt, charged), job)
    _insert(Arrival, (_arrival(made) for made in attempts if made.manual and made.amount), job)
    # One statement for all of them: each at the moment that its attempt tells.
    settled = Attempt.objects.filter(settled_payment=OuterRef("pk")).values("signal_sent_at")
    stored.filter(pk__in=[plan.source.pk for plan in charged]).update(charged_at=Subquery(settled))
    entries = [
        _entry(Verb.PAYMENT_CHARGED, plan, attempt_id=attempt.pk, total=attempt.amount)
        for plan, attempt in zip(charged, attempts, strict=True)
    ]
    _insert(JournalEntry, entries, job)


def unbound(job: Job, page: Iterable[Owned], existing: Existing) -> None:
    """Write these line items, in the caller's transaction."""
    _insert_items(job, page, existing, bound=False)


def _insert_items(job: Job, page: Iterable[Owned], existing: Existing, *, bound: bool) -> None:
    copied: list[Owned] = []
    corrected: list[Owned] = []
    can_copy = copying.can_copy(job)
    for owned in page:
        is_copy = can_copy and lineitems.is_stored_as_it_is(owned, existing)
        (copied if is_copy else corrected).append(owned)
    if copied:  # runs on PostgreSQL only
        copying.copy(job, copied, bound=bound)
    items = (
        lineitems.new_lineitem(owned, existing, job.currency, owned.item.payment if bound else None)
        for owned in corrected
    )
    _insert(LineItem, items, job)


def _insert(model: type[M], rows: Iterable[M], job: Job) -> list[M]:
    # Not by the models' managers, which refuse to write what is sealed.
    stored: models.QuerySet[M] = models.QuerySet(model, using=job.target)
    return stored.bulk_create(rows, batch_size=ITEMS)


def _draft(plan: Plan) -> Payment:
    source = plan.source
    return Payment(
        id=source.pk,
        user_id=plan.user_id,
        created_at=source.created_at,
        amount=plan.amount,
        currency=plan.job.currency,
        payment_service_provider=source.payment_service_provider,
        email=plan.email,
        transaction=plan.transaction,
    )


def _difference(plan: Plan) -> LineItem:
    return LineItem(
        user_id=plan.user_id,
        payment_id=plan.source.pk,
        created_at=plan.source.created_at,
        title=_("Difference found when moving in"),
        amount=plan.difference,
        currency=plan.job.currency,
        key=lineitems.key_of(plan.source.pk),
    )


def _attempt(plan: Plan) -> Attempt:
    source, moocher = plan.source, plan.answer.moocher
    # Its signal counts as sent: the site learned of this charge when it happened.
    times: dict[str, Any] = dict.fromkeys(
        ("started_at", "updated_at", "ended_at", "signal_sent_at"), source.charged_at
    )
    return Attempt(
        payment_id=source.pk,
        moocher=moocher,
        amount=plan.amount,
        currency=plan.job.currency,
        state=Attempt.State.SETTLED,
        # The same in every run: a second guard against importing a charge twice.
        idempotency_key=f"user_payments:{source.pk.hex}",
        psp_reference=plan.reference,
        manual=moocher in _BY_HAND,
        live=plan.answer.is_live,
        received_amount=plan.amount,
        received_currency=plan.job.currency,
        **times,
    )


def _arrival(attempt: Attempt) -> Arrival:
    return Arrival(
        attempt=attempt,
        amount=attempt.amount,
        currency=attempt.currency,
        booked_at=attempt.started_at,
        booked_by=ACTOR,
        reason=REASON,
    )


def _entry(verb: Verb, plan: Plan, **facts: Any) -> JournalEntry:
    return JournalEntry(
        verb=verb,
        user_id=plan.user_id,
        payment_id=plan.source.pk,
        currency=plan.job.currency,
        actor=ACTOR,
        reason=REASON,
        **facts,
    )
