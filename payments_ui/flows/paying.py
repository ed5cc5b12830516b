"""From pending charges to a payment, and from a payment to an attempt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from payments_ui.conf import settings
from payments_ui.core import attempts, journal, settlement
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.core.outcomes import Succeeded
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    MoocherRefusedError,
    PaymentsUIError,
    TooManyAttemptsError,
)
from payments_ui.moochers.base import AttemptUrls, Moocher
from payments_ui.moochers.registry import moochers

from . import asking
from .tokens import FormToken

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.forms import Form

RETURN_SALT = "payments_ui.return"


class FormInvalidError(PaymentsUIError):
    """The moocher's form has errors; ``form`` shows them."""

    code = "form_invalid"

    def __init__(self, form: Form) -> None:
        super().__init__(form.errors.as_json())
        self.form = form


def begin(
    user: AbstractBaseUser,
    *,
    currency: str | None = None,
    lineitems: Iterable[LineItem] | None = None,
) -> Payment | None:
    """The user's pending payment: the one there is, or a new one. Charges nothing.

    A second click, tab or device resumes the first one's payment. ``lineitems`` makes a
    payment of these items. A payment of zero is settled at once, without a PSP. ``None``
    where there is nothing to pay.
    """
    pending = Payment.objects.pending().filter(user=user.pk)
    if currency:
        pending = pending.filter(currency=currency)
    payment = pending.first() if lineitems is None else None
    if payment is None:
        payment = Payment.objects.create_pending(
            user=user, currency=currency, lineitems=lineitems, by=journal.by_user(user)
        )
    # Another click may have bound everything between the two questions.
    payment = payment or pending.first()
    if payment is not None and not payment.amount:
        _settle_zero(payment)
    return payment


def _settle_zero(payment: Payment) -> None:
    try:
        attempt = attempts.start(payment, moocher="balance", manual=True)
    except (AlreadyChargedError, AttemptOpenError):
        return
    money_in = Succeeded(psp_reference="", amount=payment.amount, currency=payment.currency)
    settlement.settle(attempt, money_in, by=journal.SYSTEM, reason="nothing to pay")
    payment.refresh_from_db()


def take_in(payment: Payment) -> Payment:
    """The payment again, with the charges that came since: a new one, as amounts are sealed.

    Charges the user left out on purpose stay out. Raises ``PaymentStateError`` where it
    is no longer pending.
    """
    by = journal.by_user(payment.user)
    wanted = LineItem.objects.filter(
        Q(payment=payment) | Q(payment__isnull=True, created_at__gt=payment.created_at),
        user=payment.user_id,
        currency=payment.currency,
    )
    with transaction.atomic():
        lineitems = list(wanted.only("pk").order_by())
        payment.cancel_pending(by=by, reason="new charges taken in")
        renewed = Payment.objects.create_pending(
            user=payment.user, lineitems=lineitems, currency=payment.currency, by=by
        )
        if renewed is None:
            transaction.set_rollback(True)
    if renewed is None:
        # The new items are a credit that eats up the rest.
        return Payment.objects.get(pk=payment.pk)
    if not renewed.amount:
        _settle_zero(renewed)
    return renewed


def pay(
    request: HttpRequest, payment: Payment, moocher: Moocher, data: Mapping[str, Any]
) -> Attempt:
    """Ask the moocher's PSP to charge the payment; return the attempt as it is then.

    Posting the same form again returns the first attempt and asks nobody. Raises
    ``FormExpiredError``, ``AmountChangedError``, ``MoocherRefusedError``,
    ``TooManyAttemptsError``, ``FormInvalidError`` and ``PaymentStateError``, all before
    the PSP is asked.
    """
    nonce = FormToken.check(payment, data)
    repeated = payment.attempts.filter(form_token=nonce).first()
    if repeated is not None:
        return repeated
    form = moocher.get_form(request, payment, data)
    check_payable(payment, moocher)
    if not form.is_valid():
        raise FormInvalidError(form)
    asking.forbid_transaction()
    try:
        attempt = start(request, payment, moocher, nonce)
    except IntegrityError:
        # The same form, posted twice at once: the other post was first.
        return payment.attempts.get(form_token=nonce)
    urls = attempt_urls(request, attempt)
    return asking.ask(
        attempt, lambda: moocher.charge(attempt, data=form.cleaned_data, urls=urls), request
    )


def check_payable(payment: Payment, moocher: Moocher) -> None:
    """Raise ``MoocherRefusedError`` or ``TooManyAttemptsError``."""
    if reason := moocher.refuse(payment):
        raise MoocherRefusedError(reason)
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    recent = Attempt.objects.filter(payment__user=payment.user_id, started_at__gt=hour_ago)
    if recent.count() >= settings.ATTEMPTS_PER_HOUR:
        raise TooManyAttemptsError(f"User {payment.user_id}: too many attempts in an hour")


def start(request: HttpRequest, payment: Payment, moocher: Moocher, nonce: str | None) -> Attempt:
    """Write the attempt down before the PSP is asked."""
    return attempts.start(
        payment,
        moocher=moocher.identifier,
        account=moocher.account,
        live=moocher.live,
        manual=moocher.manual,
        form_token=nonce,
        by=journal.by_user(request.user),
    )


def attempt_urls(request: HttpRequest, attempt: Attempt) -> AttemptUrls:
    """Where the PSP sends the customer back to, and where it reports."""
    signed = signing.dumps(attempt.pk.hex, salt=RETURN_SALT)
    kwargs = {"pk": attempt.payment_id, "identifier": attempt.moocher}
    return_url = reverse("payments_ui:return", kwargs=kwargs) + f"?attempt={signed}"
    webhook_url = reverse("payments_ui:webhook", kwargs={"identifier": attempt.moocher})
    return AttemptUrls(
        request.build_absolute_uri(return_url), request.build_absolute_uri(webhook_url)
    )


def cancel_attempt(payment: Payment, request: HttpRequest | None = None) -> None:
    """Call an open attempt off, so that another way to pay can be chosen.

    Raises ``AttemptOpenError`` where the PSP did not confirm, ``AlreadyChargedError``
    where the money was taken meanwhile. No open attempt: nothing to do.
    """
    attempt = payment.open_attempt
    if attempt is None:
        return
    moocher = moochers().get(attempt.moocher)
    if moocher is None:
        raise AttemptOpenError(f"{attempt}: its moocher is not listed any more")
    attempt = asking.ask(attempt, lambda: moocher.cancel(attempt), request)
    payment.refresh_from_db()
    if attempt.is_open:
        raise AttemptOpenError(f"{attempt} could not be called off")
    if payment.charged_at:
        raise AlreadyChargedError(f"{payment.pk} was charged meanwhile")


def cancel(payment: Payment, *, by: str, request: HttpRequest | None = None) -> None:
    """Give a pending payment up; its items return to the list. Raises ``PaymentStateError``."""
    cancel_attempt(payment, request)
    payment.cancel_pending(by=by)
