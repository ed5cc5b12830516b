"""Paying: every check first, then the attempt is committed, then the PSP is asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest
from django.urls import reverse

from payments_ui import http
from payments_ui.core import journal
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    FormExpiredError,
    MoocherRefusedError,
    PaymentGoneError,
    PaymentStateError,
)
from payments_ui.moochers.base import AttemptUrls, Moocher

from . import payment_methods, psp_call
from .posted import check_pace, cleaned
from .tokens import FormToken, ReturnToken, page_left

_NOT_PENDING: Mapping[str, type[PaymentStateError]] = {
    Payment.State.CHARGED: AlreadyChargedError,
    Payment.State.PROCESSING: AttemptOpenError,
    Payment.State.CANCELLED: PaymentGoneError,
    Payment.State.UNDONE: PaymentGoneError,
}


def pay(
    request: HttpRequest, payment: Payment, moocher: Moocher, data: Mapping[str, Any]
) -> Attempt:
    """Ask the moocher's PSP to charge the payment; return the attempt as it is then.

    Posting the same form again returns the first attempt and asks no PSP. Raises, in this
    order and all before the PSP is asked: ``PaymentStateError``, ``FormExpiredError``,
    ``AmountChangedError``, ``MoocherRefusedError``, ``TooManyAttemptsError``,
    ``PaymentMethodGoneError``, ``MoocherError`` where the moocher's form fails or its PSP does not
    answer about a saved payment method, and ``FormInvalidError``.

    A form that names a saved payment method charges that, and the moocher's own form is not
    looked at. One whose box is ticked saves what is charged, with the user's consent.
    """
    if repeated := repeated_post(payment, data):
        return repeated
    nonce = FormToken.check(payment, data)
    check_payable(payment, moocher)
    method = payment_methods.chosen(request, payment, moocher, data)
    consent, customer = None, None
    details: dict[str, Any] = {"payment_method": method, "in_place": http.is_fragment(request)}
    if method is None:
        details = cleaned(moocher, partial(moocher.get_form, request, payment, data))
        consent = payment_methods.consent_of(request, moocher, data)
    if consent is not None:
        customer = payment_methods.customer_of(payment.user, moocher)
        details |= payment_methods.to_save(customer, consent)
    # Where the page is swapped by a script, the PSP's own script can take a bank's step in it.
    details["in_place"] = http.is_fragment(request)
    attempt, is_first = start(request, payment, moocher, nonce, method)
    if not is_first:
        return attempt
    if consent is not None and customer is not None:
        by = journal.by_user(request.user)
        customer.start_saving(moocher=moocher.identifier, consent=consent, attempt=attempt, by=by)
    urls = attempt_urls(attempt, request.build_absolute_uri, page_left(request))
    return psp_call.charge(
        attempt,
        partial(moocher.charge, attempt, data=details, urls=urls),
        request,
        prepare=partial(moocher.prepare, attempt, data=details, urls=urls),
    )


def repeated_post(payment: Payment, data: Mapping[str, Any]) -> Attempt | None:
    """The attempt that this very form started before, however old the form is by now.

    Raises the ``PaymentStateError`` that says why the payment cannot be paid, unless there is
    such an attempt.
    """
    # The state first: what makes it not pending just then is found by the form's token.
    error = _NOT_PENDING.get(payment.state)
    repeated = None
    with suppress(FormExpiredError):
        repeated = payment.attempts.filter(form_token=FormToken.nonce(payment, data)).first()
    if repeated is None and error is not None:
        raise error(f"{payment.pk} is {payment.state}")
    return repeated


def check_payable(payment: Payment, moocher: Moocher) -> None:
    """Raise ``MoocherRefusedError`` or ``TooManyAttemptsError``."""
    if reason := moocher.refuse(payment):
        raise MoocherRefusedError(reason)
    check_pace(payment.user_id)


def start(
    request: HttpRequest,
    payment: Payment,
    moocher: Moocher,
    nonce: str | None,
    payment_method: PaymentMethod | None = None,
) -> tuple[Attempt, bool]:
    """Commit the attempt before the PSP is asked.

    Returns the attempt, and whether this request may ask: the same form posted twice at once
    starts one attempt. Raises ``PaymentStateError`` and ``PaymentMethodGoneError``.
    """
    psp_call.forbid_transaction()
    try:
        attempt = payment.start_attempt(
            moocher=moocher.identifier,
            account=moocher.account,
            live=moocher.live,
            manual=moocher.manual,
            form_token=nonce,
            payment_method=payment_method,
            by=journal.by_user(request.user),
        )
    except (PaymentStateError, IntegrityError):
        first = payment.attempts.filter(form_token=nonce).first() if nonce else None
        if first is None:
            raise
        return first, False
    return attempt, True


def attempt_urls(attempt: Attempt, absolute: Callable[[str], str], page: str = "") -> AttemptUrls:
    """Where the PSP sends the customer back to, and where it reports.

    ``absolute`` makes a URL of a path; ``page`` is the path of the page the customer left.
    """
    token = ReturnToken.make(attempt, page)
    kwargs = {"pk": attempt.payment_id, "identifier": attempt.moocher}
    return_url = reverse("payments_ui:return", kwargs=kwargs, query={"attempt": token})
    webhook_url = reverse("payments_ui:webhook", kwargs={"identifier": attempt.moocher})
    return AttemptUrls(absolute(return_url), absolute(webhook_url))
