"""Charging without the user: processors, run one after the other.

A run may be killed and started again, and several may run at once: what one of them began is
a pending payment, and the database lets one attempt at a time ask a PSP for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.exceptions import PaymentStateError, PaymentsUIError

from .db.keyset import batches
from .models import Attempt, LineItem, Payment

logger = logging.getLogger("payments_ui")


class ResultError(PaymentsUIError):
    """A processor answered something that is no ``Result``, or somebody used one as a bool."""

    code = "result"


class StopProcessingError(PaymentsUIError):
    """Raised by a processor to end the whole run: its PSP does not answer anybody."""

    code = "stop_processing"


class Result(Enum):
    """A processor's answer."""

    #: The payment is charged.
    SUCCESS = 1
    #: Not for this processor, or it did not work: try the next one.
    FAILURE = 2
    #: Stop here, and try no other processor.
    TERMINATE = 3

    def __bool__(self) -> NoReturn:
        raise ResultError("Results may not be interpreted as bools")


Processor = Callable[[Payment], Result]


def process_payment(
    payment: Payment, *, processors: Sequence[Processor], cancel_on_failure: bool = True
) -> bool:
    """Run the processors in order until one succeeds or terminates; ``True`` on success.

    A payment of zero is charged without any. Without success the payment is cancelled and
    its items return to the pool, unless told otherwise, or unless money may be under way or
    has arrived that does not fit: that is never cancelled. An exception is logged and raised
    again; nobody knows then what the processor did, so nothing is cancelled. Must run
    outside of a transaction.
    """
    try:
        success = _run(payment, processors)
    except Exception:
        logger.exception("Processing of payment %s failed; it stays pending", payment.pk)
        raise
    if not success and cancel_on_failure:
        _cancel(payment)
    return success


def _run(payment: Payment, processors: Sequence[Processor]) -> bool:
    if not payment.amount:
        payment.settle_zero()
        return True
    for processor in processors:
        result = processor(payment)
        name = getattr(processor, "__name__", repr(processor))
        if not isinstance(result, Result):
            raise ResultError(f"Invalid result {result!r} from {name}")
        if result is Result.SUCCESS:
            logger.info("Payment %s: success with %s", payment.pk, name)
            return True
        if result is Result.TERMINATE:
            logger.info("Payment %s: terminated by %s", payment.pk, name)
            return False
    logger.warning("Payment %s: no processor succeeded", payment.pk)
    return False


def _cancel(payment: Payment) -> None:
    if payment.attempts.filter(state__in=Attempt.ARRIVED).exists():
        logger.warning("Payment %s is not cancelled: money arrived for it", payment.pk)
        return
    try:
        payment.cancel_pending(reason="no processor succeeded")
    except PaymentStateError as error:
        logger.warning("Payment %s is not cancelled: %s", payment.pk, error)


def process_unbound_items(*, processors: Sequence[Processor]) -> None:
    """For each user with unbound items, create payments and process them.

    One user's error does not stop the others: they are raised together at the end, as an
    ``ExceptionGroup``. A processor's ``StopProcessingError`` ends the run and is raised in
    that group, too. What a run leaves pending, because it was stopped or killed, is for
    ``process_pending_payments``. Queries per payment are constant.
    """

    def process(user_id: Any, user: Any, currency: str) -> None:
        if user is None:
            raise ObjectDoesNotExist(f"User {user_id} is hidden by the user model's manager")
        payment = Payment.objects.create_pending(user=user, currency=currency)
        if payment is not None:
            process_payment(payment, processors=processors)

    _each("Processing of unbound line items", process, _who_owes())


def _who_owes() -> Iterator[tuple[Any, Any, str]]:
    unbound = LineItem.objects.unbound().values_list("user_id", "currency", named=True).distinct()
    users = get_user_model()._default_manager
    for owed in batches(unbound, "user_id", "currency"):
        people = users.in_bulk({row.user_id for row in owed})
        for row in owed:
            yield row.user_id, people.get(row.user_id), row.currency


def process_pending_payments(*, processors: Sequence[Processor]) -> None:
    """Process all pending payments that no PSP is busy with, without cancelling them.

    Those with an open attempt are left to ``manage.py reconcile_payments``. Errors are
    raised together at the end, as an ``ExceptionGroup``; ``StopProcessingError`` as above.
    """
    idle = Payment.objects.pending().exclude(attempts__state__in=Attempt.OPEN)

    def process(pk: Any) -> None:
        # Read again: another process may have charged it or given it up by now.
        payment = idle.filter(pk=pk).first()
        if payment is not None:
            process_payment(payment, processors=processors, cancel_on_failure=False)

    keys = idle.values_list("created_at", "pk", named=True)
    found = batches(keys, "created_at", "pk")
    _each("Processing of pending payments", process, ((row.pk,) for rows in found for row in rows))


def _each(what: str, function: Callable[..., None], rows: Iterable[tuple[object, ...]]) -> None:
    errors: list[Exception] = []
    for row in rows:
        try:
            function(*row)
        except StopProcessingError as error:
            errors.append(error)
            break
        except Exception as error:  # noqa: BLE001 - collected, and raised below
            errors.append(error)
        failpoints.hit(Point.BULK_BETWEEN_USERS)
    if errors:
        raise ExceptionGroup(what, errors)
