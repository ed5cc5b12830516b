"""Who may see what: a payment is found through its owner, or not found."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from payments_ui import http
from payments_ui.components import heartbeat
from payments_ui.components.payment_options import called_off
from payments_ui.core import queries
from payments_ui.core.models import JournalEntry, LineItem, Payment, PaymentMethod
from payments_ui.exceptions import MayNotPayError, PayerChangedError, PaymentsUIError
from payments_ui.flows import checkout
from payments_ui.payer import admit, check_may_pay, is_guest, owns, payer_of

from . import payment_options, responses

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


#: In the session: payments by id, each with the second until which this browser may see it.
_ADMITTED = "payments_ui_links"
#: So many of them; an older one is opened anew by its mail.
_MOST = 10


class GoneError(Http404):
    """A payment of the user's own that was given up."""

    def __init__(self, payment_id: UUID) -> None:
        super().__init__(f"{payment_id} was given up")
        self.payment_id = payment_id


def for_user(view: View[P]) -> View[P]:
    """For signed-in users, outside of transactions, and never cached.

    What posts needs a payer who may pay, whose charges the form's page showed.
    """
    return _for_payer(view, guests_too=False)


def for_user_or_guest(view: View[P]) -> View[P]:
    """The same, of a view of one payment: also for whom a link has let in to that payment."""
    return _for_payer(view, guests_too=True)


def _for_payer(view: View[P], *, guests_too: bool) -> View[P]:

    @transaction.non_atomic_requests
    @login_not_required
    @http.private
    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        pk = cast("UUID | None", kwargs.get("pk")) if guests_too else None
        if not admit_guest(request, pk) and not request.user.is_authenticated:
            return signed_out(request)
        try:
            if request.method == "POST":
                check_may_pay(request)
            elif payer_of(request) is None:
                return no_payer(request)
            return view(request, *args, **kwargs)
        except GoneError as error:
            return _let_out(request) or gone(request, error.payment_id)
        except (MayNotPayError, PayerChangedError) as error:
            return _let_out(request) or refused(request, error)

    return wrapper


def for_anybody(view: View[P]) -> View[P]:
    """For PSPs and for browsers without a session; outside of transactions."""
    return transaction.non_atomic_requests(login_not_required(http.private(view)))


def let_in(request: HttpRequest, pk: UUID, *, until: float) -> None:
    """Let this browser see this payment until this second, when its link expires."""
    known = _admitted(request, time.time()) | {str(pk): until}
    request.session[_ADMITTED] = dict(list(known.items())[-_MOST:])


def admit_guest(request: HttpRequest, pk: UUID | None) -> bool:
    """Let the request act for the payer of this payment, if a link has let its browser in.

    Not where the payment is the request's own: then it may see everything else, too.
    """
    if pk is None or str(pk) not in _admitted(request, time.time()):
        return False
    payment = Payment.objects.filter(pk=pk).select_related("user").first()
    if payment is None or owns(request, payment.user_id):
        return False
    admit(request, payment.user)
    return True


def _admitted(request: HttpRequest, now: float) -> dict[str, float]:
    session = getattr(request, "session", None)
    known: dict[str, float] = session.get(_ADMITTED, {}) if session is not None else {}
    return {pk: until for pk, until in known.items() if until > now}


def payment_of(request: HttpRequest, pk: UUID) -> Payment:
    """The payer's own payment; foreign and missing ones are the same 404.

    One that was given up is ``GoneError``, whether or not its row is kept as evidence.
    """
    payer = payer_of(request)
    if payer is None:
        raise PermissionDenied
    user = payer.user
    if request.method != "POST":
        # What comes while the answer is made is news to the next heartbeat, and never overlooked.
        heartbeat.seen(request)
    if (payment := queries.payment(user, pk)) is not None:
        return payment
    if JournalEntry.objects.filter(user=user.pk, payment_id=pk).exists():
        raise GoneError(pk)
    raise Http404


def method_of(request: HttpRequest, pk: UUID) -> PaymentMethod:
    """The payer's own payment method, in any state; foreign and missing ones are the same 404."""
    payer = payer_of(request)
    if payer is None:
        raise PermissionDenied
    mine = PaymentMethod.objects.filter(user=payer.user.pk).select_related("user", "psp_customer")
    found: PaymentMethod = get_object_or_404(mine, pk=pk)
    return found


def signed_out(request: HttpRequest) -> HttpResponseBase:
    """The login page; in place, a sentence with a link to it. Nothing is lost."""
    page = http.host_page(request) or reverse("payments_ui:charges")
    if http.is_fragment(request):
        return responses.signed_out(request, redirect_to_login(page)["Location"])
    # What was posted is not posted again after signing in.
    is_page = request.method in ("GET", "HEAD")
    return redirect_to_login(request.get_full_path() if is_page else page)


def _let_out(request: HttpRequest) -> HttpResponseBase | None:
    """For a guest, what who has no link gets; for others ``None``.

    Other answers would show a list, or another payment.
    """
    if not is_guest(request):
        return None
    if request.user.is_authenticated:
        raise Http404
    return signed_out(request)


def no_payer(request: HttpRequest) -> HttpResponseBase:
    """``PAYER`` says that the request shows no payer's charges."""
    if http.is_fragment(request):
        return responses.no_payer(request)
    raise PermissionDenied


def refused(request: HttpRequest, error: PaymentsUIError) -> HttpResponseBase:
    """Why the request may not pay, above the charges that it may see."""
    if payer_of(request) is None:
        return no_payer(request)
    component = responses.pending_charges(request, error=error, focus=True)
    return responses.show(request, component, status=responses.status_of(error), whole=True)


def gone(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Where the payment's items are now: in the one that took its place, or in the list."""
    payer = payer_of(request)
    if payer and (renewed := checkout.renewal_of(payer.user, payment_id)):
        notice = _("Items were added to this payment in another window: this is what it is now.")
        return payment_options.show_payment(request, renewed, notice=notice)
    notice = _("This payment was cancelled. Your items are back in your list.")
    if payer and not LineItem.objects.unbound().filter(user=payer.user.pk).exists():
        notice = _("This payment was cancelled. Below is what is open now.")
    component = responses.pending_charges(
        request,
        notice=f"{notice} {called_off(payment_id)}".strip(),
        focus=http.is_fragment(request) and not http.is_background(request),
    )
    return responses.show(request, component, status=410, whole=True)
