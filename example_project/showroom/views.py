"""Views behind the showroom's forms."""

from __future__ import annotations

from urllib.error import URLError

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from hillshade import stripe
from payments_ui import dates
from payments_ui.exceptions import MoocherError
from showroom import guide, people, statement
from showroom.bank import BankForm
from showroom.night import let_pass
from showroom.preferences import current
from showroom.sandbox import SandboxForm


def back(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the page the form was on, if it is one of ours."""
    url = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(url if ours else "/")


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Store the switches that the visitor changed."""
    return current(request).switched(request.POST.dict()).keep(back(request))


@require_POST
def person(request: HttpRequest) -> HttpResponse:
    """Sign in as another person: in the demo and from this machine only."""
    if not people.is_demo(request):
        raise Http404
    names = [person.username for person in people.PEOPLE]
    user = get_object_or_404(
        get_user_model(), username=request.POST.get("person"), username__in=names
    )
    login(request, user, people.BACKEND)
    guide.begin(request)
    return redirect("admin:index" if user.is_staff else "atelier:dashboard")


@require_POST
def team(request: HttpRequest) -> HttpResponse:
    """Switch between the visitor's own charges and the team's."""
    request.session["team"] = bool(request.POST.get("team"))
    return redirect("atelier:dashboard")


@require_POST
def sandbox(request: HttpRequest) -> HttpResponse:
    """Set the scenario of the next card payment: in the demo and from this machine only."""
    form = SandboxForm(request.POST)
    if not people.is_demo(request) or not form.is_valid():
        raise Http404
    if form.plan():
        messages.success(request, _("Applied. Now pay by card to see it."))
    else:
        messages.error(request, _("The card company does not answer. Is it running?"))
    return back(request)


@require_POST
def bank(request: HttpRequest) -> HttpResponse:
    """Let the visitor's transfer arrive: in the demo and from this machine only."""
    form = BankForm(request.POST)
    user = request.user
    if not people.is_demo(request) or not isinstance(user, User) or not form.is_valid():
        raise Http404
    if form.book(user):
        messages.success(request, _("It has arrived. Your items say what is missing."))
    else:
        messages.error(
            request, _("No transfer is awaited. Pay by bank transfer first, then let it arrive.")
        )
    return back(request)


@require_safe
def bank_statement(request: HttpRequest) -> HttpResponse:
    """Today's statement, to be imported by the clerk: in the demo and from this machine only."""
    if not people.is_demo(request):
        raise Http404
    name = f"statement-{timezone.localdate()}.xml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(statement.camt(), content_type="application/xml", headers=headers)


@require_POST
def night(request: HttpRequest) -> HttpResponse:
    """Let a night pass, and say what it did: in the demo and from this machine only."""
    if not people.is_demo(request) or settings.PAYS_AT_STRIPE:
        raise Http404
    number = request.session["nights"] = request.session.get("nights", 0) + 1
    try:
        passed = let_pass(number)
    except (URLError, MoocherError):
        messages.error(request, _("The card company does not answer. Is it running?"))
        return back(request)
    done = {
        "date": dates.format_date(passed.morning),
        "charged": passed.charges.charged,
        "declined": passed.charges.declined,
        "open": passed.charges.open,
        "mails": sum(passed.mails.sent.values()),
    }
    said = _(
        "It is %(date)s. Charged: %(charged)s, declined: %(declined)s, waiting for a customer: "
        "%(open)s, mails sent: %(mails)s."
    )
    messages.success(request, said % done)
    return back(request)


#: Some of Stripe's test cards, and what they show.
CARDS = (
    ("4242 4242 4242 4242", gettext_lazy("is approved")),
    ("4000 0025 0000 3155", gettext_lazy("needs a confirmation (3-D Secure)")),
    ("4000 0000 0000 0002", gettext_lazy("is declined")),
    ("4000 0000 0000 9995", gettext_lazy("is declined: not enough money")),
    ("4000 0000 0000 0069", gettext_lazy("is declined: expired")),
)


@require_safe
def pay_with_stripe(request: HttpRequest) -> HttpResponse:
    """How the demo pays at Stripe: in the demo and from this machine only."""
    if not people.is_demo(request):
        raise Http404
    webhook = reverse("payments_ui:webhook", args=["stripe"])
    context = {
        "cards": CARDS,
        "pays_at_stripe": settings.PAYS_AT_STRIPE,
        "webhook_url": request.build_absolute_uri(webhook),
        "variables": (
            (stripe.SECRET_KEY, "sk_test_…"),
            (stripe.PUBLISHABLE_KEY, "pk_test_…"),
            (stripe.WEBHOOK_SECRET, "whsec_…"),
        ),
    }
    return render(request, "showroom/stripe.html", context)


@require_safe
def guided_tour(request: HttpRequest) -> HttpResponse:
    """Return the guided tour; the page reloads it when a payment changes."""
    return render(request, "showroom/_guide.html")


@require_POST
def signed_out(request: HttpRequest) -> HttpResponse:
    """Sign out, and stay signed out."""
    logout(request)
    request.session["signed_out"] = True
    return redirect("atelier:home")
