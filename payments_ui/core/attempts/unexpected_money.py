"""Money that fits no open attempt: stored, journalled, and queued for a person to review.

*Surplus* is money that is not owed, *mismatch* is not what was asked for, *unmatched* belongs
to no attempt. All of it runs in the caller's transaction, under the payment's lock.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.suspense.model import SuspenseItem
from payments_ui.core.suspense.states import SuspenseKind

from .outcomes import Succeeded, stored_money
from .receiving import UNSAID, Source, keep_arrival
from .states import AttemptState as State

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment
    from payments_ui.core.suspense.event import Event

    from .model import Attempt


def queue_for_review(
    attempt: Attempt, state: State, money_in: Succeeded, *, by: str, reason: str
) -> None:
    """Journal the surplus or mismatch that is stored with this attempt, and queue it."""
    verbs = {
        State.SURPLUS: journal.Verb.MONEY_SURPLUS,
        State.MISMATCH: journal.Verb.MONEY_MISMATCH,
    }
    detail = {
        "received": str(money_in.amount),
        "currency": money_in.currency,
        "psp_reference": money_in.psp_reference,
        "account": money_in.account,
        "live": money_in.live,
    }
    journal.attempt(verbs[state], attempt, actor=by, reason=reason, detail=detail)
    arrived = stored_money(money_in)
    SuspenseItem.objects.open_item(
        SuspenseKind(state),
        attempt=attempt,
        amount=arrived["received_amount"],
        currency=arrived["received_currency"],
        live=money_in.live,
    )


def record_surplus(
    payment: Payment,
    moocher: str,
    money_in: Succeeded,
    *,
    by: str,
    reason: str,
    manual: bool = False,
    source: Source = UNSAID,
) -> Attempt:
    """Store money that was never asked for as an attempt of its own, and queue it."""
    now = timezone.now()
    attempt: Attempt = payment.attempts.create(
        moocher=moocher,
        account=money_in.account,
        live=money_in.live,
        manual=manual,
        amount=Decimal(0),
        currency=payment.currency,
        # Never open, not even for a moment: another attempt may be.
        state=State.SURPLUS,
        idempotency_key=secrets.token_hex(16),
        psp_reference=money_in.psp_reference or None,
        **stored_money(money_in),
        started_at=now,
        updated_at=now,
        ended_at=now,
    )
    if manual and attempt.received > 0:
        currency = attempt.received_currency
        keep_arrival(attempt, attempt.received, currency, by=by, reason=reason, source=source)
    queue_for_review(attempt, State.SURPLUS, money_in, by=by, reason=reason)
    return attempt


record_surplus.alters_data = True  # type: ignore[attr-defined]


def end_with_part(attempt: Attempt, state: State, *, by: str, reason: str, **facts: Any) -> None:
    """End a transfer of which a part has arrived: a person decides what becomes of that money.

    *Mismatch* where it is called off, *surplus* where the payment was charged otherwise.
    """
    attempt.write({"state": state, **facts})
    attempt.suspense_items.close_overdue(by=by)
    money_in = attempt.exact_outcome(
        psp_reference=attempt.psp_reference or "",
        amount=money.padded(attempt.received, attempt.received_currency),
        currency=attempt.received_currency,
        evidence=attempt.evidence,
    )
    queue_for_review(attempt, state, money_in, by=by, reason=reason)


end_with_part.alters_data = True  # type: ignore[attr-defined]


def queue_unmatched(event: Event, *, by: str, reason: str = "", **facts: Any) -> None:
    """Journal money that belongs to no attempt, and queue it. ``facts`` go to the journal."""
    journal.write(
        journal.Verb.MONEY_UNMATCHED,
        **facts,
        total=event.amount,
        currency=event.currency,
        actor=by,
        reason=reason,
        detail={"event": event.pk, "psp_reference": event.psp_reference},
    )
    SuspenseItem.objects.open_item(
        SuspenseKind.UNMATCHED, event=event, amount=event.amount, currency=event.currency
    )
