"""Whether a payment may be tried now without its user: by what was declined before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.attempts.outcomes import NOT_ASKED
from payments_ui.core.models import Attempt, JournalEntry, Payment, PaymentMethod, Recovery

from .plan import within
from .verbs import card_of

#: Why a try that is due waits for another hour of its customer's day.
NOT_THEIR_HOUR = "it is not the hour of the customer's day for another try"
#: Where nobody tried for so long, it is tried at any hour: a site may charge by night only.
PATIENCE = dt.timedelta(days=2)
#: Of a user's declines; older ones say nothing of today's card.
_LATEST = 20


def refusal(user_id: Any, payment: Payment | None, method: PaymentMethod | None) -> str:
    """Why this user's payment method must not be charged for this payment now; empty: it may.

    ``payment`` is ``None`` for a new one. Declines of other payments count, too, and those of
    people who were there or have saved the same card: networks count by card. Two queries where
    nothing was declined, else a few.
    """
    card, now = card_of(method), clock.now()
    theirs = Recovery.objects.filter(payment__user=user_id).select_related("payment__user")
    for recovery in theirs.order_by("-failed_at")[:_LATEST]:
        if recovery.card == card and (why := _says(recovery, payment, now)):
            return why
    declines = [] if method is None else _declines(method)
    if method is None or not declines:
        return ""
    return _forbidden(method, card) or _beyond_limits(declines, now)


def _says(recovery: Recovery, payment: Payment | None, now: dt.datetime) -> str:
    """What this decline of the same card says against trying it now."""
    is_planned = recovery.state == Recovery.State.PLANNED
    is_of_another = payment is None or recovery.payment_id != payment.pk
    if is_of_another and recovery.is_over:
        return ""
    if not is_planned:
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
    rows = Attempt.objects.filter(payment_method=method)
    if method.fingerprint:
        same = PaymentMethod.objects.filter(fingerprint=method.fingerprint)
        rows = Attempt.objects.filter(payment_method__in=same.order_by().values("pk"))
    rows = rows.filter(state=Attempt.State.FAILED)
    rows = rows.exclude(failure_code__in=NOT_ASKED).order_by("-ended_at")
    most = max([1, *settings.CARD_LIMITS.values()])
    return [at for at in rows.values_list("ended_at", flat=True)[:most] if at is not None]


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
