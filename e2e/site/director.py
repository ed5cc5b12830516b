"""Sets the stage for a test and tells how the books stand, as JSON over HTTP.

Only the tests' own server has this; it listens on this machine and believes whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from itertools import count
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments_ui.core import audit as auditing
from payments_ui.core.models import Attempt, LineItem, Payment

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


def refund(*, username: str, amount: str) -> Facts:
    """Give back a part of somebody's only payment."""
    Payment.objects.get(user=_user(username)).refund(amount, by="clara", reason="One missing")
    return {}


def rename(*, username: str, text: str) -> Facts:
    """Give somebody odd names and an odd address."""
    user = _user(username)
    user.first_name = user.last_name = user.email = text
    user.save()
    return {}


def audit() -> Facts:
    """What the auditor finds in the books."""
    return {"findings": [str(finding) for finding in auditing.audit()]}


ACTS: dict[str, Callable[..., Facts]] = {
    act.__name__: act for act in (person, session, charge, facts, book, refund, rename, audit)
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
            {"moocher": attempt.moocher, "state": attempt.state}
            for attempt in payment.attempts.order_by("started_at")
        ],
    }
