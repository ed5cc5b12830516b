"""Charging through a moocher without the customer, for bulk runs with saved payment methods."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.utils import timezone

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.processing import Result, StopProcessingError
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError, PaymentGoneError
from payments_ui.moochers.base import Moocher

from . import pay, psp_call, resilience

logger = logging.getLogger("payments_ui")

#: What ``moocher.charge`` gets as ``data``; ``None``: this payment is not for this moocher.
DataFor = Callable[[Payment], Mapping[str, Any] | None]

#: Seconds to wait before a request that was rate limited is sent again, with the same key.
#: Altogether far less than ``psp_call.GRACE``, after which the request must not arrive any more.
PAUSES = (1.0, 2.0, 4.0, 8.0)

_RESULTS = {
    Attempt.State.SETTLED: Result.SUCCESS,
    Attempt.State.FAILED: Result.FAILURE,
    Attempt.State.CANCELLED: Result.FAILURE,
}


class Charging:
    """A processor: asks one moocher to charge a payment, without the customer.

    ``base_url`` is the site's own address, as in ``https://shop.example``, for the URLs that
    the PSP gets. ``data_for`` returns what the moocher's form would have, such as the saved
    payment method, or ``None`` where the user has none. At most ``per_second`` requests are
    sent (``None``: no limit). A payment of a user who was declined less than ``again_after``
    ago is not tried again: several runs at once, or after another, send it once.

    Answers ``SUCCESS`` when the payment is charged; ``FAILURE`` when it was declined or is not
    for this moocher; ``TERMINATE`` while the outcome is open, another run is busy with it, or
    unexpected money waits for a review: then nothing is cancelled and no other
    processor is tried. Raises ``StopProcessingError``, which ends the run, where the PSP gave
    no answer, or refused our request, ``resilience.IN_A_ROW`` times in a row. Must be called
    outside of transactions.

    Raises ``ValueError`` for a ``base_url`` that is no address, and a ``per_second`` of zero or
    less.
    """

    def __init__(
        self,
        moocher: Moocher,
        *,
        base_url: str,
        data_for: DataFor = lambda _payment: {},
        per_second: float | None = 10,
        again_after: dt.timedelta = dt.timedelta(hours=20),
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"{base_url!r} is not the address of a site")
        self.moocher = moocher
        self._absolute = partial(urljoin, base_url)
        self._data_for = data_for
        self._again_after = again_after
        self._pauses = pauses
        self._rate_limit = resilience.RateLimit(per_second)
        self._breaker = resilience.CircuitBreaker()

    def __repr__(self) -> str:
        return f"charging({self.moocher.identifier})"

    def __call__(self, payment: Payment) -> Result:
        """Charge the payment."""
        psp_call.forbid_transaction()
        data = self._data_for(payment)
        if data is None or self.moocher.refuse(payment):
            return _skip(payment, Result.FAILURE, "it is not for this moocher")
        # Before it is written down: from then on the request has to be sent in time.
        self._rate_limit.wait()
        try:
            attempt = payment.start_attempt(
                moocher=self.moocher.identifier,
                account=self.moocher.account,
                live=self.moocher.live,
                manual=self.moocher.manual,
                check=self._check,
            )
        except _SkipError as why:
            return _skip(payment, why.result, str(why))
        except AlreadyChargedError:
            return _skip(payment, Result.SUCCESS, "another run charged it")
        except AttemptOpenError as error:
            return _skip(payment, Result.TERMINATE, f"in progress, {error}")
        except PaymentGoneError as error:
            return _skip(payment, Result.TERMINATE, str(error))
        return self._charge(attempt, data)

    def _check(self, payment: Payment) -> None:
        """Raise unless the locked payment may be tried now."""
        if Attempt.objects.undecided().filter(payment=payment).exists():
            raise _SkipError(Result.TERMINATE, "its unexpected money waits for a review")
        declined = Attempt.objects.filter(
            payment__user=payment.user_id,
            moocher=self.moocher.identifier,
            currency=payment.currency,
            state=Attempt.State.FAILED,
            ended_at__gt=timezone.now() - self._again_after,
        )
        not_asked = (DeclineCode.NEVER_HAPPENED, DeclineCode.REQUEST_REFUSED)
        if declined.exclude(failure_code__in=not_asked).exists():
            raise _SkipError(Result.FAILURE, "its user was declined a short while ago")

    def _charge(self, attempt: Attempt, data: Mapping[str, Any]) -> Result:
        urls = pay.attempt_urls(attempt, self._absolute)
        charge = partial(self.moocher.charge, attempt, data=data, urls=urls)
        attempt = psp_call.charge(
            attempt, lambda: resilience.retry_rate_limited(charge, self._pauses)
        )
        refused = attempt.failure_code == DeclineCode.REQUEST_REFUSED
        self._breaker.note(answered=attempt.state != Attempt.State.UNKNOWN and not refused)
        if self._breaker.is_open:
            raise StopProcessingError(
                f"The PSP of moocher {self.moocher.identifier} does not answer: the run is stopped"
            )
        return _RESULTS.get(Attempt.State(attempt.state), Result.TERMINATE)


class _SkipError(Exception):
    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result = result


def _skip(payment: Payment, result: Result, why: str) -> Result:
    logger.info("Payment %s is skipped: %s", payment.pk, why)
    return result
