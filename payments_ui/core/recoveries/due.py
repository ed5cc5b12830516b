"""Whether a payment may be tried now without its user: by what was declined before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import NullIf

from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.attempts.outcomes import NOT_ASKED
from payments_ui.core.models import Attempt, JournalEntry, PaymentMethod, Recovery

from .plan import within
from .verbs import card_of

#: Why a try that is due waits for another hour of its customer's day.
NOT_THEIR_HOUR = "it is not the hour of the customer's day for another try"
#: Where it was not tried for so long, any hour will do: a site may charge by night only.
PATIENCE = dt.timedelta(days=2)
#: Of a user's declines; older ones say nothing of today's card.
_LATEST = 20


def refusal(user_id: Any, method: PaymentMethod | None) -> str:
    """Why this user's payment method must not be charged now; empty: it may.

    Declines of all payments count, and those of people who were there or have saved the same card:
    networks count by card. A few queries; where not ``was_declined``, the answer is empty.
    """
    card, now = card_of(method), clock.now()
    theirs = Recovery.objects.unpaid().filter(payment__user=user_id)
    for recovery in theirs.select_related("payment__user").order_by("-failed_at")[:_LATEST]:
        if recovery.card == card and (why := _says(recovery, now)):
            return why
    declines = [] if method is None else _declines(method)
    if method is None or not declines:
        return ""
    return _forbidden(method, card) or _beyond_limits(declines, now)


def was_declined() -> Combinable:
    """Of payment methods: whether there is a decline that ``refusal`` would look at.

    To be asked for many at once, or beside other questions.
    """
    unpaid = Recovery.objects.unpaid().filter(payment__user=OuterRef("user"))
    # An index finds nothing under NULL: what has no fingerprint is like no other.
    fingerprint = NullIf(OuterRef("fingerprint"), Value(""))
    by_it = Exists(_failed().filter(payment_method=OuterRef("pk")))
    by_same_card = Exists(_failed().filter(payment_method__fingerprint=fingerprint))
    either: Any = Exists(unpaid) | by_it | by_same_card
    return ExpressionWrapper(either, output_field=BooleanField())


def _says(recovery: Recovery, now: dt.datetime) -> str:
    """What this decline of the same card says against trying it now."""
    if recovery.state != Recovery.State.PLANNED:
        return recovery.why or str(recovery.state)
    planned = recovery.next_try_at
    if planned is not None and planned > now:
        return "the next try is planned for later"
    if planned is None or planned + PATIENCE < now:
        return ""
    # Whoever planned it for another hour wants it at that hour.
    zone = clock.zone_of(recovery.payment.user)
    is_theirs = _is_in_hours(now, zone) or not _is_in_hours(planned, zone)
    return "" if is_theirs else NOT_THEIR_HOUR


def _is_in_hours(moment: dt.datetime, zone: str) -> bool:
    local = clock.local(moment, zone)
    return within(local, (settings.RETRY_HOURS[0], settings.RETRY_HOURS[1])) == local


def _declines(method: PaymentMethod) -> Sequence[dt.datetime]:
    """When the card was declined, whoever has saved it: as many as its limits ask for."""
    rows = _failed().filter(payment_method=method)
    if method.fingerprint:
        same = PaymentMethod.objects.filter(fingerprint=method.fingerprint)
        rows = _failed().filter(payment_method__in=same.order_by().values("pk"))
    most = max([1, *settings.CARD_LIMITS.values()])
    ended = rows.order_by("-ended_at").values_list("ended_at", flat=True)
    return [at for at in ended[:most] if at is not None]


def _failed() -> QuerySet[Attempt]:
    """What a bank or a network was asked and declined."""
    rows = Attempt.objects.filter(state=Attempt.State.FAILED).exclude(failure_code__in=NOT_ASKED)
    return rows.order_by()


def _forbidden(method: PaymentMethod, card: str) -> str:
    """Whether a decline forbade to try the card again, and it has not worked since.

    By the journal: what is planned for a payment is about the card that was tried last.
    """
    changes = JournalEntry.objects.filter(
        user=method.user_id, verb=JournalEntry.Verb.ATTEMPT_CHANGED, detail__never_again=card
    )
    last = changes.order_by("-id").first()
    if last is None:
        return ""
    worked = Attempt.objects.filter(payment_method=method, state=Attempt.State.SETTLED)
    return "" if worked.filter(ended_at__gt=last.at).exists() else "it was refused for good"


def _beyond_limits(declines: Sequence[dt.datetime], now: dt.datetime) -> str:
    """Whether the card was declined too often, by what the networks allow."""
    for days, most in sorted(settings.CARD_LIMITS.items()):
        if sum(at > now - dt.timedelta(days=days) for at in declines) >= most:
            return f"declined {most} times in {days} days"
    return ""
