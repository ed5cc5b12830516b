"""Charging without the user: processors, run one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, NoReturn

from django.contrib.auth import get_user_model

from payments_ui.exceptions import PaymentStateError, PaymentsUIError

from .models import LineItem, Payment

logger = logging.getLogger("payments_ui")


class ResultError(PaymentsUIError):
    """A processor answered something that is no ``Result``, or somebody used one as a bool."""

    code = "result"


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

    Without success the payment is cancelled and its items return to the pool, unless
    told otherwise, or unless the outcome of an attempt is still open: that is never
    cancelled. An exception is logged and raised again; nobody knows then what the
    processor did, so nothing is cancelled. Must run outside of a transaction.
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
    try:
        payment.cancel_pending(reason="no processor succeeded")
    except PaymentStateError as error:
        logger.warning("Payment %s is not cancelled: %s", payment.pk, error)


def process_unbound_items(*, processors: Sequence[Processor]) -> None:
    """For each user with unbound items, create payments and process them.

    One user's error does not stop the others: they are raised together at the end, as an
    ``ExceptionGroup``.
    """
    unbound = LineItem.objects.unbound().order_by()
    owed = unbound.values_list("user", "currency").distinct()
    users = get_user_model()._default_manager

    def process(user_id: Any, currency: str) -> None:
        user = users.get(pk=user_id)
        payment = Payment.objects.create_pending(user=user, currency=currency)
        if payment is not None:
            process_payment(payment, processors=processors)

    _each("Processing of unbound line items", process, owed.iterator())


def process_pending_payments(*, processors: Sequence[Processor]) -> None:
    """Process all pending payments that no PSP is busy with, without cancelling them.

    Errors are raised together at the end, as an ``ExceptionGroup``.
    """

    def process(pk: Any) -> None:
        # Read again: another process may have charged it or given it up by now.
        payment = Payment.objects.pending().filter(pk=pk).first()
        if payment is not None and payment.open_attempt is None:
            process_payment(payment, processors=processors, cancel_on_failure=False)

    pending = Payment.objects.pending().order_by("created_at").values_list("pk")
    _each("Processing of pending payments", process, pending.iterator())


def _each(what: str, function: Callable[..., None], rows: Iterable[tuple[object, ...]]) -> None:
    errors: list[Exception] = []
    for row in rows:
        try:
            function(*row)
        except Exception as error:  # noqa: BLE001 - collected, and raised below
            errors.append(error)
    if errors:
        raise ExceptionGroup(what, errors)
