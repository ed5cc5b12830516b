"""Money arrives for an attempt, in parts where people book it, until they make its amount."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.conf import settings
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.exceptions import PaymentStateError

from .outcomes import Succeeded
from .states import ARRIVED_STATES

if TYPE_CHECKING:
    from payments_ui.core.suspense.event import Event
    from payments_ui.core.suspense.model import SuspenseItem

    from .model import Attempt


@dataclass(frozen=True, slots=True)
class Source:
    """From where money comes: a report of it, and the suspense item that was matched."""

    event: Event | None = None
    suspense_item: SuspenseItem | None = None


#: Of money of which nothing more is known.
UNSAID = Source()
#: Why a rest is written off that no clerk has decided about.
WITHIN_TOLERANCE = "within the tolerance"


def receive(
    attempt: Attempt,
    amount: Decimal,
    currency: str,
    *,
    by: str,
    reason: str = "",
    source: Source = UNSAID,
) -> Attempt:
    """Book what arrived, as far as the attempt asks for it; what is more is surplus.

    While people book its money, a part is added to what arrived before, and the attempt settles
    once that is its amount, or all but the tolerance of it. In another currency it is surplus, and
    the attempt goes on waiting. Of any other attempt, what is not its whole amount is a mismatch.
    In the caller's transaction. Returns the attempt as it is stored then.
    """
    # Read again under the lock: two arrivals at once are two parts, or a charge and a surplus.
    payment = attempt.lock_payment()
    current: Attempt = payment.attempts.get(pk=attempt.pk)
    takes_parts = current.manual and current.is_open
    if current.state in ARRIVED_STATES or (takes_parts and currency != current.currency):
        part = Decimal(0)
    elif currency == current.currency:
        part = min(amount, current.missing)
    else:
        part = amount
    rest = current.missing - part if takes_parts else Decimal(0)
    if part and rest > _tolerance(currency):
        _add_part(current, part, by, reason, source)
    elif part:
        why = f"{WITHIN_TOLERANCE}. {reason}".strip() if rest else reason
        total = _total(current, current.received + part, currency, source)
        current.settle(total, by=by, reason=why, written_off=rest, source=source)
    if surplus := amount - part:
        money_in = current.exact_outcome(amount=surplus, currency=currency)
        payment.record_surplus(
            current.moocher, money_in, by=by, reason=reason, manual=current.manual, source=source
        )
    return current.as_stored()


receive.alters_data = True  # type: ignore[attr-defined]


@retrying
def write_off(attempt: Attempt, *, by: str, reason: str) -> Attempt:
    """Settle a transfer of which a part has arrived: the rest is not asked for any more.

    Returns the attempt as it is stored then: *settled*, or *surplus* where the payment was charged
    meanwhile. Raises ``PaymentStateError`` where it waits for no rest, or without a reason.
    """
    if not reason.strip():
        raise PaymentStateError("A write-off needs a reason")
    with transaction.atomic():
        current: Attempt = attempt.lock_payment().attempts.get(pk=attempt.pk)
        if not current.is_partly_paid:
            raise PaymentStateError(f"No part of {current} has arrived, or it waits for no rest")
        money_in = current.exact_outcome(
            psp_reference=current.psp_reference or "", amount=current.received
        )
        return current.settle(money_in, by=by, reason=reason, written_off=current.missing)


write_off.alters_data = True  # type: ignore[attr-defined]


def _tolerance(currency: str) -> Decimal:
    return money.from_minor_units(max(settings.TRANSFER_TOLERANCE, 0), currency)


def _total(attempt: Attempt, amount: Decimal, currency: str, source: Source) -> Succeeded:
    """The outcome that this is all that arrived for the attempt, with the last part of it."""
    reference, evidence = attempt.psp_reference or "", {}
    if source.suspense_item is not None:
        evidence = {"suspense_item": source.suspense_item.pk}
    elif source.event is not None:
        reference = reference or source.event.psp_reference
    return attempt.exact_outcome(
        psp_reference=reference, amount=amount, currency=currency, evidence=evidence
    )


def _add_part(attempt: Attempt, part: Decimal, by: str, reason: str, source: Source) -> None:
    # First, as the database adds them up.
    keep_arrival(attempt, part, attempt.currency, by=by, reason=reason, source=source)
    received = attempt.received + part
    unguarded(attempt).update(
        received_amount=received, received_currency=attempt.currency, updated_at=timezone.now()
    )
    detail = {
        "received": str(received),
        "missing": str(attempt.missing - part),
        "event": source.event and source.event.pk,
    }
    verb = journal.Verb.MONEY_ARRIVED
    journal.attempt(verb, attempt, actor=by, reason=reason, total=part, detail=detail)
    failpoints.hit(Point.PART_BEFORE_COMMIT)


def keep_arrival(
    attempt: Attempt,
    amount: Decimal,
    currency: str,
    *,
    by: str,
    reason: str = "",
    source: Source = UNSAID,
) -> None:
    """Write down one part of what arrived for an attempt whose money people book."""
    attempt.arrivals.create(
        amount=amount,
        currency=currency,
        event=source.event,
        suspense_item=source.suspense_item,
        booked_by=by,
        reason=text(reason),
    )
