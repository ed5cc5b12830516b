"""Writing a batch the way a site would have made it: drafts, items, seal, attempt, charge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext as _

from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

from . import lineitems
from .deciding import Plans, pages
from .lineitems import Here, Owned
from .move import ACTOR, ITEMS, REASON, Move
from .plan import Fate, Plan

Verb = JournalEntry.Verb
# Whose money a clerk books by hand, by django-mooch's own name for it.
_BY_HAND = frozenset({"banktransfer"})


def payments(move: Move, plans: Plans) -> None:
    """Write these payments with everything that belongs to them, in the caller's transaction."""
    copied = [plan for plan in plans.values() if plan.is_copied]
    _insert(Payment, (_draft(plan) for plan in copied), move)
    written = {pk: plan for pk, plan in plans.items() if plan.is_written}
    for page, here in pages(move, written):
        fresh = (owned for owned in page if here.lacks(owned))
        _insert(LineItem, (_stored(written, owned, here) for owned in fresh), move)
    _insert(LineItem, (_added(plan) for plan in copied if plan.needs_item), move)
    _seal(copied, move)
    _insert(JournalEntry, (_created(plan) for plan in copied), move)
    charged = [plan for plan in copied if plan.fate is Fate.CHARGED]
    attempts = _insert(Attempt, (_attempt(plan) for plan in charged), move)
    _charge(charged, move)
    _insert(JournalEntry, map(_charged, charged, attempts), move)


def unbound(move: Move, page: Iterable[Owned], here: Here) -> None:
    """Write these line items, in the caller's transaction."""
    _insert(LineItem, (lineitems.stored(o, here, move.currency, None) for o in page), move)


def _insert(model: type[Any], rows: Iterable[Any], move: Move) -> list[Any]:
    # Not by the managers: these are there for sites, which may not write what is sealed.
    return models.QuerySet(model, using=move.target).bulk_create(rows, batch_size=ITEMS)


def _draft(plan: Plan) -> Payment:
    source = plan.source
    return Payment(
        id=source.pk,
        user_id=plan.user_id,
        created_at=source.created_at,
        amount=plan.amount,
        currency=plan.move.currency,
        payment_service_provider=source.payment_service_provider,
        email=plan.email,
        transaction=plan.transaction,
    )


def _stored(plans: Plans, owned: Owned, here: Here) -> LineItem:
    plan = plans[owned.item.payment]
    payment = plan.source.pk if plan.is_copied else None
    return lineitems.stored(owned, here, plan.move.currency, payment)


def _added(plan: Plan) -> LineItem:
    return LineItem(
        user_id=plan.user_id,
        payment_id=plan.source.pk,
        created_at=plan.source.created_at,
        title=_("Difference found when moving in"),
        amount=plan.difference,
        currency=plan.move.currency,
        key=lineitems.key_of(plan.source.pk),
    )


def _seal(copied: Sequence[Plan], move: Move) -> None:
    _rows(copied, move).update(sealed_at=F("created_at"))


def _charge(charged: Sequence[Plan], move: Move) -> None:
    # As a statement for all of them: each at the moment that its attempt tells.
    settled = Attempt.objects.filter(settled_payment=OuterRef("pk"))
    _rows(charged, move).update(charged_at=Subquery(settled.values("announced_at")))


def _rows(plans: Sequence[Plan], move: Move) -> models.QuerySet[Payment]:
    rows: models.QuerySet[Payment] = models.QuerySet(Payment, using=move.target)
    return rows.filter(pk__in=[plan.source.pk for plan in plans])


def _created(plan: Plan) -> JournalEntry:
    total = plan.total + plan.difference
    return _entry(Verb.PAYMENT_CREATED, plan, items=plan.items + plan.needs_item, total=total)


def _attempt(plan: Plan) -> Attempt:
    source = plan.source
    moocher = plan.record.moocher
    at: dict[str, Any] = dict.fromkeys(_MOMENTS, source.charged_at)
    return Attempt(
        payment_id=source.pk,
        moocher=moocher,
        amount=plan.amount,
        currency=plan.move.currency,
        state=Attempt.State.SETTLED,
        # The same in every run, as another guard against copying a charge twice.
        idempotency_key=f"user_payments:{source.pk.hex}",
        psp_reference=plan.reference,
        manual=moocher in _BY_HAND,
        live=plan.record.is_live,
        received_amount=plan.amount,
        received_currency=plan.move.currency,
        **at,
    )


# Announced, too: whoever is told of charges was told of this one years ago.
_MOMENTS = ("started_at", "updated_at", "ended_at", "announced_at")


def _charged(plan: Plan, attempt: Attempt) -> JournalEntry:
    return _entry(Verb.PAYMENT_CHARGED, plan, attempt_id=attempt.pk, total=attempt.amount)


def _entry(verb: Verb, plan: Plan, **facts: Any) -> JournalEntry:
    return JournalEntry(
        verb=verb,
        user_id=plan.user_id,
        payment_id=plan.source.pk,
        currency=plan.move.currency,
        actor=ACTOR,
        reason=REASON,
        **facts,
    )
