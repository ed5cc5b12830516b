"""Views behind the showroom's forms."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from showroom import guide, people
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
