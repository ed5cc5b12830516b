"""One idempotent ``settle`` for each way to learn that an attempt's money arrived.

Browser return, webhook, reconciler, admin and bulk run all come here. Money that fits is
a charge; money that does not is *unexpected*, and never lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.core import delivery, journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.db.unguarded import unguarded

from . import unexpected_money
from .outcomes import Succeeded, stored_money
from .states import ARRIVED_STATES, OPEN_STATES
from .states import AttemptState as State

if TYPE_CHECKING:
    from django.http import HttpRequest

    from payments_ui.core.payments.model import Payment

    from .model import Attempt


@retrying
@second_look
def settle(
    attempt: Attempt,
    money_in: Succeeded,
    *,
    by: str,
    reason: str = "",
    request: HttpRequest | None = None,
    post_charge: bool = True,
) -> Attempt:
    """Book money that arrived for this attempt; the first report charges the payment.

    Compares amount, currency, account and mode with what was asked: other money is a
    *mismatch*, and so is money that the PSP reported for another attempt. Money for a
    payment that is charged, cancelled or undone already is *surplus*. Repeating a report
    changes nothing. Without ``post_charge`` the caller sends that signal itself. Returns the
    attempt as it is stored now.
    """
    with transaction.atomic():
        payment = attempt.lock_payment()
        current: Attempt = payment.attempts.get(pk=attempt.pk)
        if current.state in ARRIVED_STATES:
            return current
        is_taken = current.is_taken(money_in.psp_reference)
        asked = (current.amount, current.currency, current.account, current.live)
        received = (money_in.amount, money_in.currency, money_in.account, money_in.live)
        state = State.SETTLED
        if is_taken or received != asked:
            state = State.MISMATCH
        elif payment.charged_at or payment.cancelled_at or payment.undone_at:
            state = State.SURPLUS
        now = timezone.now()
        # The attempt first: the database accepts a charge only of a settled attempt.
        unguarded(current).update(
            state=state,
            psp_reference=(not is_taken and money_in.psp_reference) or current.psp_reference,
            **stored_money(money_in),
            failure_code="",
            updated_at=now,
            ended_at=now,
        )
        current.suspense_items.close_overdue(by=by)
        if state == State.SETTLED:
            unguarded(payment).update(
                charged_at=now,
                payment_service_provider=current.moocher,
                transaction=text(money_in.psp_reference) or payment.transaction,
            )
            journal.attempt(journal.Verb.PAYMENT_CHARGED, current, actor=by, reason=reason)
            delivery.charge_after_commit(current, request, post_charge=post_charge)
            if current.state not in OPEN_STATES:
                _cancel_transfer(payment, by)
        else:
            unexpected_money.queue_for_review(current, state, money_in, by=by, reason=reason)
        failpoints.hit(Point.SETTLE_BEFORE_COMMIT)
    failpoints.hit(Point.SETTLE_AFTER_COMMIT)
    return attempt.as_stored()


def _cancel_transfer(payment: Payment, by: str) -> None:
    """The payment is charged by an attempt that had ended: no bank transfer is awaited any more.

    If it arrives all the same it is surplus. A PSP that is open is still asked.
    """
    for transfer in payment.attempts.open().filter(manual=True):
        detail = {"from": transfer.state, "to": str(State.CANCELLED)}
        transfer.write({"state": State.CANCELLED})
        transfer.suspense_items.close_overdue(by=by)
        verb, reason = journal.Verb.ATTEMPT_CHANGED, "the payment is charged by another attempt"
        journal.attempt(verb, transfer, actor=by, reason=reason, detail=detail)


settle.alters_data = True  # type: ignore[attr-defined]


def exact_outcome(attempt: Attempt, **facts: Any) -> Succeeded:
    """Return the outcome that exactly the money that was asked for arrived."""
    asked: dict[str, Any] = {
        "psp_reference": "",
        "amount": money.padded(attempt.amount, attempt.currency),
        "currency": attempt.currency,
        "account": attempt.account,
        "live": attempt.live,
    }
    return Succeeded(**asked | facts)
