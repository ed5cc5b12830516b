"""Sets the stage for a test and tells how the books stand, as JSON over HTTP.

Only the tests' own server has this; it listens on this machine and believes whoever asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from io import StringIO
from itertools import count
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from e2e.site import rest
from e2e.site.violations import reported
from hillshade.demo_moochers import stripe
from payments_ui.core import audit as auditing
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import (
    Attempt,
    Customer,
    LineItem,
    Payment,
    PaymentMethod,
    SuspenseItem,
)
from payments_ui.core.paymentmethods.instrument import Consent, Instrument
from payments_ui.core.paymentmethods.outcomes import Saved
from payments_ui.flows.mails import texts

Facts = dict[str, Any]
_numbers = count(1)


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def direct(request: HttpRequest, name: str) -> JsonResponse:
    """Do one of the acts below."""
    return JsonResponse(ACTS[name](**json.loads(request.body)))


def person(*, is_staff: bool = False) -> Facts:
    """Add somebody new, who is signed in by the session key."""
    number = next(_numbers)
    user = get_user_model().objects.create_user(
        username=f"person-{number}",
        email=f"person-{number}@example.com",
        password="hillshade",
        first_name="Ida",
        last_name=f"Person {number}",
        is_staff=is_staff,
        is_superuser=is_staff,
    )
    return {"username": user.username, "session": _session(user)}


def session(*, username: str) -> Facts:
    """Sign somebody in on another device."""
    return {"session": _session(_user(username))}


def charge(*, username: str, items: list[list[str]]) -> Facts:
    """Charge somebody: title, amount and currency of each line item."""
    with transaction.atomic():
        for title, amount, currency in items:
            LineItem.objects.record(
                user=_user(username), title=title, amount=amount, currency=currency
            )
    return {}


def facts(*, username: str) -> Facts:
    """What the books say of somebody."""
    user = _user(username)
    payments = Payment.objects.filter(user=user).order_by("created_at")
    return {
        "unbound": LineItem.objects.unbound().filter(user=user).count(),
        "payments": [_payment(payment) for payment in payments],
    }


def book(*, username: str, amount: str, currency: str) -> Facts:
    """The bank reports the transfer that somebody's only open attempt waits for."""
    attempt = Attempt.objects.open().get(payment__user=_user(username))
    printed = StringIO()
    call_command(
        "book_transfer", attempt.psp_reference, amount=amount, currency=currency, stdout=printed
    )
    return {"printed": printed.getvalue()}


def slip(*, username: str, amount: str) -> Facts:
    """The bank reports somebody's transfer, who has typed two characters the wrong way round."""
    meant = str(Attempt.objects.open().get(payment__user=_user(username)).psp_reference)
    place = next(n for n in range(4, len(meant) - 1) if meant[n] != meant[n + 1])
    typed = meant[:place] + meant[place + 1] + meant[place] + meant[place + 2 :]
    with suppress(CommandError):
        call_command("book_transfer", typed, amount=amount, currency="CHF", stdout=StringIO())
    return {"item": SuspenseItem.objects.latest("pk").pk}


def refund(*, username: str, amount: str) -> Facts:
    """Give back a part of somebody's only payment."""
    Payment.objects.get(user=_user(username)).refund(amount, by="clara", reason="One missing")
    return {}


def keep(*, username: str, cards: list[Facts]) -> Facts:
    """Let somebody have saved these cards; Stripe is not told of them."""
    user = _user(username)
    customer = Customer.objects.for_user(user, **stripe.keeps_at).name(f"cus_of_{username}")
    for number, card in enumerate(cards):
        unattended = card.pop("unattended_text", "")
        consent = Consent(
            text="Save it.", version="1", unattended_text=unattended, given_at=timezone.now()
        )
        instrument = Instrument(
            customer_id=str(customer.customer_id),
            method_id=f"pm_of_{username}_{number}",
            fingerprint=f"{username}_{number}",
            **card,
        )
        method = customer.start_saving(moocher=stripe.identifier, consent=consent)
        method.record(Saved(instrument=instrument))
    return {}


def decline(*, username: str, word: str) -> Facts:
    """Let somebody's saved card be declined at night for all that they owe; the PSP says why."""
    user = _user(username)
    payment = Payment.objects.create_pending(user=user, currency="CHF")
    if payment is None:
        raise ValueError(f"{username} owes nothing")
    attempt = payment.start_attempt(
        moocher=stripe.identifier,
        payment_method=PaymentMethod.objects.active().get(user=user),
        unattended=True,
    )
    code = DeclineCode.INSUFFICIENT_FUNDS
    attempt.record(Declined(code=code, evidence={"decline_code": word}))
    return {}


def link(*, username: str, days_ago: int) -> Facts:
    """The path in a mail about somebody's only payment that was sent so many days ago."""
    payment = Payment.objects.get(user=_user(username))
    then = time.time() - days_ago * 86_400
    with mock.patch("django.core.signing.time.time", return_value=then):
        return {"path": urlsplit(texts.link(payment)).path}


def rename(*, username: str, text: str) -> Facts:
    """Give somebody odd names and an odd address."""
    user = _user(username)
    user.first_name = user.last_name = user.email = text
    user.save()
    return {}


def audit() -> Facts:
    """What the auditor finds in the books."""
    return {"findings": [str(finding) for finding in auditing.audit()]}


def asked() -> Facts:
    """How many requests the site is busy with, but for those to the director."""
    return {"requests": rest.busy()}


def violations() -> Facts:
    """What browsers have reported of the policy since somebody asked."""
    said = sorted(reported)
    reported.clear()
    return {"violations": said}


ACTS: dict[str, Callable[..., Facts]] = {
    act.__name__: act
    for act in (
        *(person, session, charge, facts, book, slip),
        *(refund, keep, decline, link, rename, audit, asked),
        violations,
    )
}


def _user(username: str) -> User:
    user: User = get_user_model().objects.get(username=username)
    return user


def _session(user: User) -> str:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def _payment(payment: Payment) -> Facts:
    return {
        "id": str(payment.pk),
        "state": payment.state.value,
        "amount": str(payment.amount),
        "currency": payment.currency,
        "lineitems": payment.lineitems.count(),
        "attempts": [
            {
                "moocher": attempt.moocher,
                "reference": attempt.reference,
                "state": attempt.state,
            }
            for attempt in payment.attempts.order_by("started_at")
        ],
    }
