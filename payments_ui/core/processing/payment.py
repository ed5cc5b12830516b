"""Charging one payment without the user."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError

from .result import Processor, Result, ResultError

logger = logging.getLogger("payments_ui")


def process_payment(
    payment: Payment, *, processors: Sequence[Processor], cancel_on_failure: bool = True
) -> bool:
    """Run the processors in order until one succeeds or terminates; ``True`` on success.

    A payment of zero is charged without any. Without success the payment is cancelled and
    its items return to the pool, unless ``cancel_on_failure`` is off, or unless money may be
    under way or unexpected money has arrived: then it is never cancelled. An exception is
    logged and raised again; what the processor did is unknown then, so nothing is cancelled.
    Must run outside of a transaction.
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
            raise ResultError(f"Processor {name} returned {result!r}: return a Result")
        if result is Result.SUCCESS:
            logger.info("Payment %s: charged by %s", payment.pk, name)
            return True
        if result is Result.TERMINATE:
            logger.info("Payment %s: terminated by %s", payment.pk, name)
            return False
    logger.warning("Payment %s: no processor succeeded", payment.pk)
    return False


def _cancel(payment: Payment) -> None:
    arrived = Attempt.objects.filter(payment=OuterRef("pk"), state__in=Attempt.ARRIVED)
    untouched = Payment.all_objects.filter(~Exists(arrived))
    try:
        payment.cancel_pending(reason="no processor succeeded", among=untouched)
    except PaymentStateError as error:
        has_arrived = payment.attempts.filter(state__in=Attempt.ARRIVED).exists()
        why = "money arrived for it" if has_arrived else error
        logger.warning("Payment %s stays as it is: %s", payment.pk, why)
