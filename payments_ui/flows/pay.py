"""Paying: every check first, then the attempt is committed, then the PSP is asked once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import http
from payments_ui.conf import settings
from payments_ui.core import journal
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    FormExpiredError,
    MoocherError,
    MoocherRefusedError,
    PaymentGoneError,
    PaymentStateError,
    PaymentsUIError,
    TooManyAttemptsError,
)
from payments_ui.moochers.base import AttemptUrls, Moocher

from . import psp_call
from .tokens import FormToken, ReturnToken

if TYPE_CHECKING:
    from django.forms import Form

logger = logging.getLogger("payments_ui")

_NOT_PENDING: Mapping[str, type[PaymentStateError]] = {
    Payment.State.CHARGED: AlreadyChargedError,
    Payment.State.PROCESSING: AttemptOpenError,
    Payment.State.CANCELLED: PaymentGoneError,
    Payment.State.UNDONE: PaymentGoneError,
}


class FormInvalidError(PaymentsUIError):
    """The moocher's form has errors; ``form`` shows them."""

    code = "form_invalid"
    message = _("Something in the form is missing or not right. Nothing was charged.")

    def __init__(self, form: Form) -> None:
        super().__init__(form.errors.as_json())
        self.form = form


def pay(
    request: HttpRequest, payment: Payment, moocher: Moocher, data: Mapping[str, Any]
) -> Attempt:
    """Ask the moocher's PSP to charge the payment; return the attempt as it is then.

    Posting the same form again returns the first attempt and asks no PSP. Raises, in this
    order and all before the PSP is asked: ``PaymentStateError``, ``FormExpiredError``,
    ``AmountChangedError``, ``MoocherRefusedError``, ``TooManyAttemptsError``,
    ``MoocherError`` where the moocher's form fails, and ``FormInvalidError``.
    """
    if repeated := repeated_post(payment, data):
        return repeated
    nonce = FormToken.check(payment, data)
    check_payable(payment, moocher)
    cleaned_data = _clean(request, payment, moocher, data)
    attempt, is_first = start(request, payment, moocher, nonce)
    if not is_first:
        return attempt
    urls = attempt_urls(attempt, request.build_absolute_uri, _page_to_go_back_to(request))
    charge = partial(moocher.charge, attempt, data=cleaned_data, urls=urls)
    return psp_call.charge(attempt, charge, request)


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
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    recent = Attempt.objects.filter(payment__user=payment.user_id, started_at__gt=hour_ago)
    if recent.count() >= settings.ATTEMPTS_PER_HOUR:
        raise TooManyAttemptsError(f"User {payment.user_id}: too many attempts in an hour")


def _clean(
    request: HttpRequest, payment: Payment, moocher: Moocher, data: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        form = moocher.get_form(request, payment, data)
        is_valid = form.is_valid()
    except Exception as error:
        logger.exception("The form of moocher %s failed", moocher.identifier)
        raise MoocherError(f"The form of {moocher.identifier} failed") from error
    if not is_valid:
        raise FormInvalidError(form)
    return form.cleaned_data


def start(
    request: HttpRequest, payment: Payment, moocher: Moocher, nonce: str | None
) -> tuple[Attempt, bool]:
    """Commit the attempt before the PSP is asked.

    Returns the attempt, and whether this request may ask: the same form posted twice at once
    starts one attempt. Raises ``PaymentStateError``.
    """
    psp_call.forbid_transaction()
    try:
        attempt = payment.start_attempt(
            moocher=moocher.identifier,
            account=moocher.account,
            live=moocher.live,
            manual=moocher.manual,
            form_token=nonce,
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


def _page_to_go_back_to(request: HttpRequest) -> str:
    page = http.host_page(request)
    try:
        is_ours = resolve(page.partition("?")[0]).app_name == "payments_ui"
    except Resolver404:
        is_ours = False
    return "" if is_ours else page
