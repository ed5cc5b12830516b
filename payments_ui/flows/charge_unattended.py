"""Charging through a moocher without the customer, for bulk runs with saved payment methods."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, QuerySet

from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.attempts.outcomes import NOT_ASKED, DeclineCode
from payments_ui.core.db.compiled import Compiled
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.core.processing import Result, StopProcessingError
from payments_ui.core.recoveries import due
from payments_ui.exceptions import (
    AlreadyChargedError,
    AlreadyTriedError,
    AttemptOpenError,
    MoocherError,
    PaymentGoneError,
    PaymentMethodGoneError,
    PaymentsUIError,
)
from payments_ui.moochers.base import Moocher

from . import pay, payment_methods, psp_call, resilience

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

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


def saved_methods(moocher: Moocher) -> DataFor:
    """A ``data_for`` that charges what the user has saved, where they agreed to that.

    Their default where it may be charged without them, else the one that was used or saved last.
    """

    def data_for(payment: Payment) -> Mapping[str, Any] | None:
        methods = PaymentMethod.objects.active().at(**moocher.keeps_at)
        allowed = methods.filter(user=payment.user_id).exclude(unattended_text="")
        method: PaymentMethod | None = allowed.select_related("user").first()
        return None if method is None else {"payment_method": method, "unattended": True}

    return data_for


def _past(method: UUID, payment: UUID) -> QuerySet[Any, Any]:
    """Whether unexpected money for the payment is reviewed, and the method may have declines."""
    undecided = Attempt.objects.undecided().filter(payment=payment)
    rows: QuerySet[PaymentMethod] = PaymentMethod.objects.filter(pk=method).order_by()
    return rows.values_list(Exists(undecided), due.was_declined())


_PAST = Compiled(_past)

#: What keeps a payment from being tried.
_SKIPPED: Mapping[type[PaymentsUIError], Result] = {
    AlreadyChargedError: Result.SUCCESS,
    AlreadyTriedError: Result.TERMINATE,
    AttemptOpenError: Result.TERMINATE,
    PaymentGoneError: Result.TERMINATE,
    PaymentMethodGoneError: Result.FAILURE,
}


def may_be_charged(user: AbstractBaseUser) -> bool:
    """Whether the user is active, or the site charges those who are not, too."""
    return user.is_active or settings.CHARGE_INACTIVE


class Limit(Protocol):
    """What is waited for before a PSP is asked."""

    def wait(self) -> None:
        """Wait for the next turn."""
        ...


class Charging:
    """A processor: asks one moocher to charge a payment, without the customer.

    ``base_url`` is the site's own address, as in ``https://shop.example``, for the URLs that the
    PSP gets. ``data_for`` returns what the moocher's form would have, or ``None`` where there is
    nothing to charge; ``saved_methods(moocher)`` is one for saved payment methods, each of which
    the PSP is asked about before it is charged, if its user agreed to that. At most ``per_second``
    requests are sent by this process (``None``: no limit), or what ``limit`` lets through, as
    ``rate_limit.shared(moocher)`` for all processes together. What was declined less than
    ``again_after`` ago is not tried again for its user: several runs at once, or after another,
    send it once. Nor is what ``payments_ui.core.recoveries`` says must wait, whoever calls:
    networks count by card.

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
        limit: Limit | None = None,
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
        self._rate_limit: Limit = limit or resilience.RateLimit(per_second)
        self._breaker = resilience.CircuitBreaker()

    def __repr__(self) -> str:
        return f"charging({self.moocher.identifier})"

    def __call__(self, payment: Payment) -> Result:
        """Charge the payment."""
        return self.charge(payment, self._data_for(payment))

    def charge(self, payment: Payment, data: Mapping[str, Any] | None) -> Result:
        """Charge the payment with this, whatever ``data_for`` would say."""
        psp_call.forbid_transaction()
        if data is None or self.moocher.refuse(payment):
            return _skip(payment, Result.FAILURE, "it is not for this moocher")
        # Before it is written down: from then on the request has to be sent in time.
        self._rate_limit.wait()
        try:
            data = self._checked(data)
            attempt = payment.start_attempt(
                moocher=self.moocher.identifier,
                account=self.moocher.account,
                live=self.moocher.live,
                manual=self.moocher.manual,
                payment_method=data.get("payment_method"),
                unattended=True,
                check=self._check,
            )
        except _SkipError as why:
            return _skip(payment, why.result, str(why))
        except tuple(_SKIPPED) as error:
            return _skip(payment, _SKIPPED[type(error)], f"{error.code}: {error}")
        return self._charge(attempt, data)

    def _checked(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data with its saved payment method as the PSP has it now."""
        method: PaymentMethod | None = data.get("payment_method")
        if method is None:
            return data
        if not method.allows_unattended:
            raise _SkipError(Result.FAILURE, f"its user did not agree to it: {method}")
        try:
            return {**data, "payment_method": payment_methods.check(method, self.moocher)}
        except MoocherError as error:
            self._note(answered=False)
            raise _SkipError(Result.TERMINATE, str(error)) from error

    def _check(self, payment: Payment, method: PaymentMethod | None) -> None:
        """Raise unless the locked payment may be tried now with the locked payment method."""
        # As it is now: a run may have read its users a while ago, and a replica lags behind.
        users: BooksQuerySet[Any] = BooksQuerySet(get_user_model())
        user = users.get(pk=payment.user_id) if method is None else method.user
        if not may_be_charged(user):
            raise _SkipError(Result.TERMINATE, "its user is not active")
        if method is None:
            undecided = Attempt.objects.undecided().filter(payment=payment.pk)
            is_reviewed, was_declined = undecided.exists(), True
        else:
            # Both in one statement: most have neither.
            using = PaymentMethod.objects.all().db
            is_reviewed, was_declined = _PAST.first(using, method.pk, payment.pk)
        if is_reviewed:
            raise _SkipError(Result.TERMINATE, "its unexpected money waits for a review")
        if was_declined:
            self._check_declines(payment, method)

    def _check_declines(self, payment: Payment, method: PaymentMethod | None) -> None:
        if why := due.refusal(payment.user_id, method):
            raise _SkipError(Result.FAILURE, why)
        declined = Attempt.objects.filter(
            payment__user=payment.user_id,
            moocher=self.moocher.identifier,
            payment_method=method,
            currency=payment.currency,
            state=Attempt.State.FAILED,
            ended_at__gt=clock.now() - self._again_after,
        )
        if declined.exclude(failure_code__in=NOT_ASKED).exists():
            raise _SkipError(Result.FAILURE, "its user was declined a short while ago")

    def _charge(self, attempt: Attempt, data: Mapping[str, Any]) -> Result:
        urls = pay.attempt_urls(attempt, self._absolute)
        data = {**data, "unattended": True}
        prepare = partial(self.moocher.prepare, attempt, data=data, urls=urls)
        charge = partial(self.moocher.charge, attempt, data=data, urls=urls)
        attempt = psp_call.charge(
            attempt,
            lambda: resilience.retry_rate_limited(charge, self._pauses),
            prepare=lambda: resilience.retry_rate_limited(prepare, self._pauses),
        )
        refused = attempt.failure_code == DeclineCode.REQUEST_REFUSED
        self._note(answered=attempt.state != Attempt.State.UNKNOWN and not refused)
        return _RESULTS.get(Attempt.State(attempt.state), Result.TERMINATE)

    def _note(self, *, answered: bool) -> None:
        self._breaker.note(answered=answered)
        if self._breaker.is_open:
            raise StopProcessingError(
                f"The PSP of moocher {self.moocher.identifier} does not answer: the run is stopped"
            )


class _SkipError(Exception):
    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result = result


def _skip(payment: Payment, result: Result, why: str) -> Result:
    logger.info("Payment %s is skipped: %s", payment.pk, why)
    return result
