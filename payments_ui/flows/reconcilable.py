"""What a PSP can be asked about later: attempts and refunds, seen the same way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, Refund, SuspenseItem
from payments_ui.moochers.registry import moochers

from . import psp_call
from . import refund as refunding


class Row(Protocol):
    """An open attempt or refund, with the facts that decide whether a PSP is asked about it."""

    pk: UUID
    state: str
    manual: bool
    asked_at: dt.datetime | None
    begun: dt.datetime
    at_moocher: str
    at_account: str
    at_live: bool


class Answer(NamedTuple):
    """In which state it is after asking, and whether the PSP answered."""

    state: str
    answered: bool


@dataclass(frozen=True)
class Reconcilable:
    """Attempts, or refunds: where their facts stand, and how a PSP is asked about them."""

    model: type[Attempt] | type[Refund]
    begun_at: str
    #: From a row to its attempt, which says what moocher was asked.
    attempt: str
    #: What the moocher must be able to do.
    capability: str
    ask: Callable[[Any], Answer]

    @property
    def name(self) -> str:
        """Of the foreign key in a ``SuspenseItem``."""
        return self.model._meta.model_name or ""

    def rows(self) -> models.QuerySet[Any, Any]:
        """The open attempts or refunds, each as a ``Row``."""
        facts = {name: F(self.attempt + name) for name in ("moocher", "account", "live")}
        facts = {f"at_{name}": value for name, value in facts.items()}
        rows = self.model.objects.open().annotate(begun=F(self.begun_at), **facts)
        return rows.values_list("pk", "state", "manual", "asked_at", "begun", *facts, named=True)

    def skip_reason(self, row: Row) -> str:
        """Why no PSP can be asked about a row; empty where a PSP can."""
        moocher = moochers().get(row.at_moocher)
        if row.manual:
            return "by hand"
        if moocher is None:
            return "not listed"
        if not getattr(moocher, self.capability):
            return "cannot be asked"
        # Another account would know nothing of it, and that would be no answer.
        ours = moocher.serves(row.at_account, live=row.at_live)
        return "" if ours else "another account"

    @retrying
    def claim(self, pk: UUID, turn: dt.datetime) -> bool:
        """Whether it is ours to ask; compare-and-set, so that of several workers one does."""
        before = Q(asked_at=None) | Q(asked_at__lt=turn)
        rows: models.QuerySet[Any] = models.QuerySet(self.model).filter(before, pk=pk)
        return bool(rows.filter(state__in=self.model.OPEN).update(asked_at=timezone.now()))

    def load(self, pks: Iterable[UUID]) -> dict[UUID, Any]:
        """The rows as the moocher gets them."""
        related = ["payment__user", *filter(None, [self.attempt.rstrip("_")])]
        return self.model.objects.select_related(*related).in_bulk(list(pks))

    def without_overdue_item(self, pks: Iterable[UUID]) -> Iterable[UUID]:
        """Those that are still open, and of which no suspense item says that they are overdue."""
        still_open: models.QuerySet[Any] = self.model.objects.open().filter(pk__in=pks)
        overdue = {"suspense_items__kind": SuspenseItem.Kind.OVERDUE}
        return still_open.exclude(**overdue).values_list("pk", flat=True)


def _ask_attempt(attempt: Attempt) -> Answer:
    moocher = moochers()[attempt.moocher]
    outcome = psp_call.ask_psp(attempt, lambda: moocher.ask(attempt), sent_at=attempt.started_at)
    failpoints.hit(Point.RECONCILE_AFTER_QUERY)
    answered = not isinstance(outcome, Unknown)
    # No answer says nothing new of an attempt that was answered about before.
    if answered or attempt.state == Attempt.State.STARTED:
        attempt = psp_call.save_outcome(attempt, outcome)
    return Answer(attempt.state, answered)


def _ask_refund(refund: Refund) -> Answer:
    refund, answered = refunding.ask(refund)
    failpoints.hit(Point.RECONCILE_AFTER_QUERY)
    return Answer(refund.state, answered)


ATTEMPTS = Reconcilable(
    model=Attempt, begun_at="started_at", attempt="", capability="can_ask", ask=_ask_attempt
)
REFUNDS = Reconcilable(
    model=Refund,
    begun_at="requested_at",
    attempt="attempt__",
    capability="can_refund",
    ask=_ask_refund,
)
