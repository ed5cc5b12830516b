"""Saved payment methods, where the books meet a PSP: agreed to, checked before use, removed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import Customer, Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.core.paymentmethods.instrument import Consent, Instrument
from payments_ui.core.paymentmethods.outcomes import SetupOutcome
from payments_ui.exceptions import FormExpiredError, MoocherError, PaymentMethodGoneError
from payments_ui.moochers.base import AttemptUrls, Moocher, Notice
from payments_ui.moochers.registry import keeper_of, moochers
from payments_ui.payer import check_may_pay, is_guest

from . import psp_call
from .posted import check_pace, cleaned
from .tokens import ReturnToken, page_left

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("payments_ui")

#: Names of the fields that forms post: the id of a saved payment method, the two boxes, and the
#: version of the sentences beside them.
METHOD, SAVE, UNATTENDED = "payment_method", "save_method", "allow_unattended"
VERSION = "consent_version"

#: At least so long between two questions about one that is being saved, however many pages ask.
AT_MOST_EVERY = dt.timedelta(seconds=3)
#: The same where a PSP has not given up a payment method or a customer.
AGAIN_AFTER = dt.timedelta(minutes=10)
#: For so long a user may take to finish saving one.
TIME_TO_SAVE = dt.timedelta(days=1)


def customer_of(user: AbstractBaseUser, moocher: Moocher) -> Customer:
    """The user's customer at the moocher's PSP, which is asked to make one where there is none.

    Two requests at once have one made, by the key that was committed before. Raises
    ``MoocherError`` where the PSP does not answer. Outside of transactions.
    """
    psp_call.forbid_transaction()
    customer = Customer.objects.for_user(user, **moocher.keeps_at)
    if customer.customer_id is None:
        customer = customer.to_be_made(again_after=psp_call.GRACE)
    if customer.customer_id is not None:
        return customer
    try:
        customer_id = moocher.create_customer(user, key=customer.idempotency_key)
    except Exception as error:
        logger.exception("%s: the PSP was asked for a customer", customer)
        raise MoocherError(f"{moocher.identifier} made no customer") from error
    failpoints.hit(Point.CUSTOMER_AFTER_PSP)
    return customer.name(customer_id)


def chosen(
    request: HttpRequest, payment: Payment, moocher: Moocher, data: Mapping[str, Any]
) -> PaymentMethod | None:
    """The saved payment method that a posted form names, as the PSP has it now.

    ``None`` where it names none. Raises ``PaymentMethodGoneError`` where it is not in use by the
    payment's user at the moocher's PSP, or a guest names another one than was tried for the
    payment, and as ``check``.
    """
    named = data.get(METHOD)
    if not named:
        return None
    found = None
    with suppress(ValueError):
        theirs = PaymentMethod.objects.active().filter(user=payment.user_id)
        if is_guest(request):
            theirs = theirs.tried_for(payment)
        found = theirs.at(**moocher.keeps_at).filter(pk=UUID(str(named))).first()
    if found is None or not moocher.can_save:
        raise PaymentMethodGoneError(f"User {payment.user_id} has no payment method {named!r}")
    return check(found, moocher)


def check(method: PaymentMethod, moocher: Moocher) -> PaymentMethod:
    """Have the PSP say that it still keeps it for this very customer; return it as stored then.

    Or as it was read, where the PSP says just that: it is read again when an attempt locks it.
    Raises ``PaymentMethodGoneError`` where it does not, after writing that down, and
    ``MoocherError`` where the PSP does not answer. Outside of transactions.
    """
    try:
        instrument = _described(method, moocher)
    except psp_call.PSPUnavailableError as error:
        raise MoocherError(str(error)) from error
    if instrument is not None and method.is_active and not method.news_of(instrument):
        return method
    method = _store(method, instrument)
    if not method.is_active:
        raise PaymentMethodGoneError(f"{method}: the PSP has it no more")
    return method


def look_again(method: PaymentMethod, moocher: Moocher) -> PaymentMethod:
    """Store what the PSP says of it now, also that it has it no more; return it as stored then.

    Raises ``PSPUnavailableError``. Outside of transactions.
    """
    return _store(method, _described(method, moocher))


def _described(method: PaymentMethod, moocher: Moocher) -> Instrument | None:
    """What the PSP says of it; ``None`` where it does not keep it for this very customer."""
    instrument = psp_call.fetch(method, partial(moocher.describe, method), Instrument)
    kept = instrument and (instrument.customer_id, instrument.method_id)
    return instrument if kept == (method.customer_id, method.method_id) else None


def _store(method: PaymentMethod, instrument: Instrument | None) -> PaymentMethod:
    if instrument is None:
        return method.mark_forgotten()
    return method.update_instrument(instrument)


def consent_of(request: HttpRequest, moocher: Moocher, data: Mapping[str, Any]) -> Consent | None:
    """What the user agreed to by ticking the boxes of a payment's form; ``None``: to nothing.

    Raises ``FormExpiredError`` where the form showed other sentences than today's.
    """
    may_save = moocher.can_save and not is_guest(request)
    return _agreed(request, data) if data.get(SAVE) and may_save else None


def _agreed(request: HttpRequest, data: Mapping[str, Any]) -> Consent:
    shown = wording()
    if data.get(VERSION) != shown.version:
        raise FormExpiredError("The form showed another wording of the consent")
    return Consent(
        text=shown.save,
        version=shown.version,
        unattended_text=shown.unattended if data.get(UNATTENDED) else "",
        given_at=timezone.now(),
        ip_address=_address(request),
    )


def _address(request: HttpRequest) -> str:
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""


def to_save(customer: Customer, consent: Consent) -> dict[str, str]:
    """What ``moocher.charge`` and ``prepare`` get beside the form's data, to save it along."""
    save = "off_session" if consent.unattended_text else "on_session"
    return {"customer_id": customer.customer_id or "", "save": save}


def begin_saving(request: HttpRequest, moocher: Moocher, data: Mapping[str, Any]) -> PaymentMethod:
    """Have the moocher's PSP keep a payment method without a payment; return it as it is then.

    The form that was sent is the consent to what stands in it; its second box, unticked, is that
    to charging without the user. Raises, all before anything is kept: ``PayerChangedError``,
    ``MayNotPayError``, ``TooManyAttemptsError``, ``FormExpiredError``, ``FormInvalidError``, and
    ``MoocherError`` where the moocher saves nothing or its PSP makes no customer.
    """
    psp_call.forbid_transaction()
    user = check_may_pay(request).user
    if not moocher.can_save:
        raise MoocherError(f"{moocher.identifier} saves no payment methods")
    check_pace(user.pk)
    consent = _agreed(request, data)
    cleaned_data = cleaned(moocher, partial(moocher.get_setup_form, request, data))
    method = customer_of(user, moocher).start_saving(
        moocher=moocher.identifier, consent=consent, by=journal.by_user(request.user)
    )
    query = {"back": ReturnToken.make(method, page_left(request))}
    back = reverse("payments_ui:method_return", kwargs={"pk": method.pk}, query=query)
    hook = reverse("payments_ui:webhook", kwargs={"identifier": moocher.identifier})
    urls = AttemptUrls(request.build_absolute_uri(back), request.build_absolute_uri(hook))
    question = partial(moocher.save, method, data=cleaned_data, urls=urls)
    outcome = psp_call.ask_psp(method, question, kinds=SetupOutcome, is_first=True)
    failpoints.hit(Point.SAVE_AFTER_PSP)
    return method.record(outcome)


def refresh(method: PaymentMethod) -> PaymentMethod:
    """Ask the PSP about one that is being saved, unless another request asked just now.

    Returns it as it is stored then.
    """
    moocher = keeper_of(method)
    if moocher is None or not _is_being_saved(method) or not claim_turn(method, AT_MOST_EVERY):
        return method
    return _ask(method, moocher)[0]


def come_back(method: PaymentMethod) -> PaymentMethod:
    """Ask the PSP at once what became of saving it: its user comes from there.

    Returns it as it is stored then.
    """
    moocher = keeper_of(method)
    if moocher is None or not _is_being_saved(method):
        return method
    claim_turn(method, dt.timedelta(0))
    return _ask(method, moocher)[0]


def _is_being_saved(method: PaymentMethod) -> bool:
    # What is saved with a payment is known when the payment's attempt is.
    return method.state == PaymentMethod.State.PENDING and method.attempt_id is None


def _ask(method: PaymentMethod, moocher: Moocher) -> tuple[PaymentMethod, bool]:
    """Ask what became of saving it; return it as stored then, and whether the PSP answered."""
    outcome = psp_call.ask_psp(
        method,
        partial(moocher.ask_saved, method),
        kinds=SetupOutcome,
        sent_at=method.created_at,
    )
    answered = outcome is psp_call.NOT_YET or not isinstance(outcome, Unknown)
    return method.record(outcome), answered


@retrying
def claim_turn(row: PaymentMethod | Customer, at_most_every: dt.timedelta) -> bool:
    """Whether it is the caller's turn to ask; by compare-and-set, so that of many one asks."""
    now = timezone.now()
    due = Q(asked_at=None) | Q(asked_at__lt=now - at_most_every)
    return bool(unguarded(row).filter(due).update(asked_at=now))


def forget(method: PaymentMethod) -> PaymentMethod:
    """Have the PSP give up a removed payment method; return it as it is stored then.

    Unchanged where the PSP does not answer, or where an open attempt may yet save it. Outside of
    transactions.
    """
    moocher = keeper_of(method)
    if moocher is None:
        return method
    return _forget(method.as_stored(), moocher)[0]


def _forget(method: PaymentMethod, moocher: Moocher) -> tuple[PaymentMethod, bool]:
    """Return it as it is stored then, and whether the PSP answered, if it was to be asked."""
    is_to_come = method.method_id is None and method.attempt is not None and method.attempt.is_open
    if method.state != PaymentMethod.State.REMOVING or is_to_come:
        return method, True
    psp_call.forbid_transaction()
    try:
        moocher.forget(method)
    except Exception:
        logger.exception("%s: the PSP was asked to give it up", method)
        return method, False
    failpoints.hit(Point.FORGET_AFTER_PSP)
    return method.mark_forgotten(), True


def unfinished(moocher: str | None) -> models.QuerySet[PaymentMethod]:
    """Payment methods of which a PSP has yet to say that they are saved, or given up."""
    state = PaymentMethod.State
    rows = PaymentMethod.objects.select_related("user", "psp_customer", "attempt")
    long_enough = timezone.now() - psp_call.GRACE
    saving = Q(state=state.PENDING, attempt=None, created_at__lt=long_enough)
    due: models.QuerySet[PaymentMethod] = rows.filter(saving | Q(state=state.REMOVING))
    return due if moocher is None else due.filter(moocher=moocher)


def finish(method: PaymentMethod) -> tuple[PaymentMethod, bool]:
    """Ask the PSP on behalf of the reconciler; return it as stored then, and whether it answered.

    What its user has not finished saving within a day is called off.
    """
    moocher = keeper_of(method)
    if moocher is None:
        return method, True
    if method.state == PaymentMethod.State.PENDING:
        method, answered = _ask(method, moocher)
        is_over = method.created_at < timezone.now() - TIME_TO_SAVE
        if not answered or method.state != PaymentMethod.State.PENDING or not is_over:
            return method, answered
        method = method.remove(reason="it was not finished")
    return _forget(method.as_stored(), moocher)


def unfinished_customers(moocher: str | None) -> models.QuerySet[Customer]:
    """Customers who were removed, whom a PSP has yet to forget; their payment methods first."""
    waiting = (PaymentMethod.State.PENDING, PaymentMethod.State.REMOVING)
    rows: models.QuerySet[Customer] = Customer.objects.filter(
        removed_at__isnull=False, forgotten_at=None
    )
    rows = rows.exclude(payment_methods__state__in=waiting)
    if moocher is None:
        return rows
    listed = moochers().get(moocher)
    return rows.none() if listed is None else rows.filter(**listed.keeps_at)


def forget_customer(customer: Customer) -> bool:
    """Have the PSP forget a removed customer; whether it has. Outside of transactions."""
    psp_call.forbid_transaction()
    # Also one that saves nothing any more.
    there = (each for each in moochers().values() if each.keeps_at == customer.kept_at)
    moocher = next(there, None)
    if moocher is None or not claim_turn(customer, AGAIN_AFTER):
        return False
    if customer.customer_id is not None:
        moocher.delete_customer(customer.customer_id)
    customer.mark_forgotten()
    return True


def handle_notice(notice: Notice, moocher: Moocher) -> bool:
    """Ask the PSP about the payment methods that a notice names; whether they are ours.

    A customer that it names without a payment method was deleted: then another one is made.

    A notice without an event id asks about each at most every few seconds. Raises
    ``PSPUnavailableError`` where the PSP should report it again.
    """
    ours = PaymentMethod.objects.at(**moocher.keeps_at).select_related("user", "psp_customer")
    named = Q(pk=notice.setup_id) if notice.setup_id else Q(pk=None)
    if notice.setup_reference:
        named |= Q(psp_reference=notice.setup_reference)
    if notice.method_reference:
        named |= Q(method_id=notice.method_reference)
    elif notice.customer_reference:
        named |= Q(psp_customer__customer_id=notice.customer_reference)
    found: list[Any] = list(ours.filter(named))
    for method in found:
        _look_into(method, moocher, at_once=bool(notice.event_id))
    if notice.customer_reference and not notice.method_reference:
        at_psp = Customer.objects.current().filter(**moocher.keeps_at)
        for customer in at_psp.filter(customer_id=notice.customer_reference):
            customer.retire()
            found.append(customer)
    return bool(found)


def _look_into(method: PaymentMethod, moocher: Moocher, *, at_once: bool) -> None:
    """Ask about it, whatever its state; raises ``PSPUnavailableError`` without an answer."""
    if not claim_turn(method, dt.timedelta(0) if at_once else AT_MOST_EVERY):
        raise psp_call.PSPUnavailableError(f"{method} was asked about just now")
    if _is_being_saved(method):
        if not _ask(method, moocher)[1]:
            raise psp_call.PSPUnavailableError(f"{method}: the PSP does not say what became of it")
    elif method.is_active:
        look_again(method, moocher)
    elif not _forget(method, moocher)[1]:
        raise psp_call.PSPUnavailableError(f"{method}: the PSP has not given it up")
