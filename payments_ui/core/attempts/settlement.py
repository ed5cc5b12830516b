"""One idempotent ``settle`` for each way to learn that an attempt's money arrived.

Browser return, webhook, reconciler, admin and bulk run all come here. Money that fits is
a charge; money that does not is *unexpected*, and never lost.
"""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.core import delivery, journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.paymentmethods.model import PaymentMethod
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome

from . import unexpected_money
from .outcomes import Cancelled, Succeeded, stored_money
from .receiving import UNSAID, Source, keep_arrival
from .reported import close_overdue, reported
from .states import ARRIVED_STATES, OPEN_STATES
from .states import AttemptState as State

if TYPE_CHECKING:
    from django.http import HttpRequest

    from payments_ui.core.payments.model import Payment

    from .model import Attempt
    from .reported import ReportedAttempt


logger = logging.getLogger("payments_ui")

_CHARGED_BY_ANOTHER = "the payment is charged by another attempt"


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
    written_off: Decimal = Decimal(0),
    source: Source = UNSAID,
) -> Attempt:
    """Book money that arrived for this attempt; the first report charges the payment.

    Compares amount, currency, account and mode with what was asked: other money is a
    *mismatch*, and so is money that the PSP reported for another attempt. Money for a
    payment that is charged, cancelled or undone already is *surplus*. Repeating a report
    changes nothing. Without ``post_charge`` the caller sends that signal itself. Where people book
    the money, ``money_in`` is all of it, with the parts that had arrived; ``source`` says
    where the last one comes from, and ``written_off`` is what is not asked for any more. Returns
    the attempt as it is stored now.
    """
    with transaction.atomic():
        payment = attempt.lock_payment()
        current = reported(payment, attempt.pk, money_in.psp_reference)
        if current.state in ARRIVED_STATES:
            return current
        is_taken = current.is_reference_taken
        asked = (current.amount, current.currency, current.account, current.live)
        paid = money_in.amount + written_off
        received = (paid, money_in.currency, money_in.account, money_in.live)
        state = State.SETTLED
        if is_taken or received != asked:
            state = State.MISMATCH
        elif payment.charged_at or payment.cancelled_at or payment.undone_at:
            state = State.SURPLUS
        now = timezone.now()
        stored = stored_money(money_in)
        last = stored["received_amount"] - current.received
        if current.manual and last > 0:
            currency = stored["received_currency"]
            keep_arrival(current, last, currency, by=by, reason=reason, source=source)
        # The attempt first: the database accepts a charge only of a settled attempt.
        unguarded(current).update(
            state=state,
            psp_reference=(not is_taken and money_in.psp_reference) or current.psp_reference,
            **stored,
            written_off=written_off if state == State.SETTLED else 0,
            failure_code="",
            updated_at=now,
            ended_at=now,
        )
        close_overdue(current, by=by)
        _keep_payment_method(current, money_in, now, by)
        if state == State.SETTLED:
            payment.write(
                charged_at=now,
                payment_service_provider=current.moocher,
                transaction=text(money_in.psp_reference) or payment.transaction,
            )
            journal.attempt(journal.Verb.PAYMENT_CHARGED, current, actor=by, reason=reason)
            if written_off:
                verb = journal.Verb.MONEY_WRITTEN_OFF
                journal.attempt(verb, current, actor=by, reason=reason, total=written_off)
            delivery.charge_after_commit(current, request, post_charge=post_charge)
            if current.state not in OPEN_STATES:
                _cancel_transfer(payment, by)
        else:
            unexpected_money.queue_for_review(current, state, money_in, by=by, reason=reason)
        failpoints.hit(Point.SETTLE_BEFORE_COMMIT)
    failpoints.hit(Point.SETTLE_AFTER_COMMIT)
    return attempt.as_stored()


def _keep_payment_method(
    attempt: ReportedAttempt, money_in: Succeeded, now: dt.datetime, by: str
) -> None:
    """Take into use what its user agreed to save with this attempt, and note what was used.

    The money is booked, whatever a moocher says of where it came from.
    """
    saved: SetupOutcome = Cancelled()
    if money_in.instrument is not None:
        saved = Saved(instrument=money_in.instrument)
    methods = list(attempt.new_payment_methods.all()) if attempt.is_saving else []
    for method in methods:
        try:
            with transaction.atomic():
                method.record(saved, by=by)
        except OperationalError:
            raise  # All of it is tried again.
        except Exception:
            logger.exception("%s: what was saved could not be stored", method)
    used = {attempt.payment_method_id, *(method.pk for method in methods)} - {None}
    if used:
        BooksQuerySet(PaymentMethod).filter(pk__in=used).update(last_used_at=now)


def _cancel_transfer(payment: Payment, by: str) -> None:
    """The payment is charged by an attempt that had ended: no bank transfer is awaited any more.

    If it arrives all the same it is surplus. A PSP that is open is still asked.
    """
    for transfer in payment.attempts.open().filter(manual=True):
        if transfer.received:
            transfer.end_with_part(State.SURPLUS, by=by, reason=_CHARGED_BY_ANOTHER)
            continue
        detail = {"from": transfer.state, "to": str(State.CANCELLED)}
        transfer.write({"state": State.CANCELLED})
        transfer.suspense_items.close_overdue(by=by)
        verb = journal.Verb.ATTEMPT_CHANGED
        journal.attempt(verb, transfer, actor=by, reason=_CHARGED_BY_ANOTHER, detail=detail)


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
