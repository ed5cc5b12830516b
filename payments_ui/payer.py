"""Whose charges a request shows and pays: the one place that asks the site's ``PAYER``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.module_loading import import_string

from .conf import settings
from .exceptions import MayNotPayError, PayerChangedError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Hidden field of every form that posts: whose charges the page showed.
FIELD = "w-payer"


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose charges a request shows. Without ``may_pay`` it sees them and pays none."""

    user: AbstractBaseUser
    may_pay: bool = True


def payer_of(request: HttpRequest) -> Payer | None:
    """Whose charges the request shows; ``None`` for visitors, and where ``PAYER`` says so.

    ``PAYER`` is asked for signed-in users only, and once for each request. Raises
    ``TypeError`` where it returns something else than a user, a ``Payer`` or ``None``.
    """
    guest: Payer | None = getattr(request, "_payments_ui_guest", None)
    if guest is not None:
        return guest
    actor = getattr(request, "user", None)
    if actor is None or not actor.is_authenticated:
        return None
    if not settings.PAYER:
        return Payer(actor)
    known: tuple[Any, Payer | None] | None = getattr(request, "_payments_ui_payer", None)
    # A view may sign another user in.
    if known is None or known[0] != actor.pk:
        known = actor.pk, _ask(request)
        request._payments_ui_payer = known  # type: ignore[attr-defined]
    return known[1]


def _ask(request: HttpRequest) -> Payer | None:
    function: Callable[[HttpRequest], object] = import_string(settings.PAYER)
    answer = function(request)
    payer = answer if isinstance(answer, Payer) or answer is None else Payer(answer)  # type: ignore[arg-type]
    # Lazy objects such as request.user are instances of what they stand for.
    if payer is None or getattr(payer.user, "is_anonymous", False):
        return None
    if not isinstance(payer.user, get_user_model()) or payer.user.pk is None:
        raise TypeError(f"{settings.PAYER} returned {answer!r}: return a user, a Payer or None")
    return payer


def admit(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Let this one request act for the user: a link of theirs led to the payment that it names."""
    request._payments_ui_guest = Payer(user)  # type: ignore[attr-defined]


def is_guest(request: HttpRequest) -> bool:
    """Whether a link let the request in: then it shows one payment, and nothing else."""
    return hasattr(request, "_payments_ui_guest")


def owns(request: HttpRequest, user_id: object) -> bool:
    """Whether the charges of this user are those that the request shows."""
    payer = payer_of(request)
    return payer is not None and payer.user.pk == user_id


def fields(request: HttpRequest) -> dict[str, str]:
    """Hidden fields by which a form says whose charges its page shows."""
    payer = payer_of(request) if settings.PAYER else None
    return {} if payer is None else {FIELD: _token(payer)}


def check_may_pay(request: HttpRequest, *, must_say: bool = False) -> Payer:
    """The payer, for a request that posts; where it ``must_say``, its form has ``fields``.

    Raises ``MayNotPayError``, and ``PayerChangedError`` where the form's page showed the
    charges of another payer, as after a switch of team in another tab.
    """
    payer = payer_of(request)
    shown = request.POST.get(FIELD)
    if shown is None:
        # Forms of django-mooch's moochers name the payment, which is looked for at its payer.
        is_same = not (must_say and settings.PAYER)
    else:
        is_same = payer is not None and constant_time_compare(shown, _token(payer))
    if payer is None or not is_same:
        raise PayerChangedError("The form shows the charges of another payer")
    if not payer.may_pay:
        raise MayNotPayError(f"PAYER lets {request.user.pk} see and not pay")
    return payer


def _token(payer: Payer) -> str:
    proof = salted_hmac("payments_ui.payer", str(payer.user.pk), algorithm="sha256")
    return proof.hexdigest()[:32]
