"""Who may see what: a payment is found through its owner, or not found."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from payments_ui import http
from payments_ui.core.models import JournalEntry, Payment
from payments_ui.exceptions import MayNotPayError, PayerChangedError, PaymentsUIError
from payments_ui.payer import check_may_pay, payer_of

from . import responses

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class GoneError(Http404):
    """A payment of the user's own that was given up."""


def for_user(view: View[P]) -> View[P]:
    """For signed-in users, outside of transactions, and for nobody's cache.

    What posts needs a payer who may pay, whose charges the form's page showed.
    """

    @transaction.non_atomic_requests
    @login_not_required
    @http.private
    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return signed_out(request)
        try:
            if request.method == "POST":
                check_may_pay(request)
            elif payer_of(request) is None:
                return no_payer(request)
            return view(request, *args, **kwargs)
        except GoneError:
            return gone(request)
        except (MayNotPayError, PayerChangedError) as error:
            return refused(request, error)

    return wrapper


def for_anybody(view: View[P]) -> View[P]:
    """For PSPs and for browsers without a session; outside of transactions."""
    return transaction.non_atomic_requests(login_not_required(http.private(view)))


def payment_of(request: HttpRequest, pk: UUID) -> Payment:
    """The payer's own payment; foreign and missing ones are the same 404.

    One that was given up is ``GoneError``, whether or not its row is kept as evidence.
    """
    payer = payer_of(request)
    if payer is None:
        raise PermissionDenied
    user = payer.user
    mine = Payment.objects.filter(user=user.pk).select_related("user")
    payment: Payment | None = mine.filter(pk=pk).first()
    if payment is not None:
        return payment
    if JournalEntry.objects.filter(user=user.pk, payment_id=pk).exists():
        raise GoneError
    raise Http404


def signed_out(request: HttpRequest) -> HttpResponseBase:
    """The login page; in place, a sentence with a link to it. Nothing is lost."""
    page = http.host_page(request) or reverse("payments_ui:charges")
    if http.is_fragment(request):
        return responses.signed_out(request, redirect_to_login(page)["Location"])
    # What was posted is not posted again after signing in.
    is_page = request.method in ("GET", "HEAD")
    return redirect_to_login(request.get_full_path() if is_page else page)


def no_payer(request: HttpRequest) -> HttpResponseBase:
    """``PAYER`` says that the request shows nobody's charges."""
    if http.is_fragment(request):
        return responses.no_payer(request)
    raise PermissionDenied


def refused(request: HttpRequest, error: PaymentsUIError) -> HttpResponseBase:
    """Why the request may not pay, above the charges that it may see."""
    if payer_of(request) is None:
        return no_payer(request)
    component = responses.pending_charges(request, error=error, focus=True)
    return responses.show(request, component, status=responses.status_of(error), whole=True)


def gone(request: HttpRequest) -> HttpResponse:
    """The list, and why the payment is not shown."""
    component = responses.pending_charges(
        request,
        notice=_("This payment was cancelled. Your charges are back in your list."),
        focus=http.is_fragment(request) and not http.is_background(request),
    )
    return responses.show(request, component, status=410, whole=True)
