"""Hillshade's pages, written as any Django site writes them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from atelier.forms import PrintForm, SheetForm
from atelier.http import Request
from atelier.models import Sheet
from atelier.prices import PER_TILE, Destination, Size


def own_sheets(request: Request) -> QuerySet[Sheet]:
    """Return the signed-in person's sheets without their pictures, which are large."""
    return Sheet.objects.filter(owner=request.user).defer("svg")


@require_safe
def home(request: Request) -> HttpResponse:
    """Say what Hillshade is."""
    return render(request, "atelier/home.html", {"sizes": Size, "per_tile": PER_TILE})


@require_safe
def prices(request: Request) -> HttpResponse:
    """Say what it costs."""
    context = {"sizes": Size, "destinations": Destination, "per_tile": PER_TILE}
    return render(request, "atelier/prices.html", context)


@login_required
@require_safe
def dashboard(request: Request) -> HttpResponse:
    """Show the latest sheets, and what they cost so far."""
    return render(request, "atelier/dashboard.html", {"sheets": own_sheets(request)[:9]})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def new_sheet(request: Request, made: int | None = None) -> HttpResponse:
    """Render a sheet: the button that costs money at each use."""
    form = SheetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return rendered(request, form.save(owner=request.user))
    latest = own_sheets(request).filter(pk=made).first() if made else None
    return workbench(request, form, latest)


def rendered(request: Request, sheet: Sheet) -> HttpResponse:
    """Show a new sheet: in place with htmx, else after a redirect."""
    if not request.htmx:
        return redirect("atelier:made", made=sheet.pk)
    response = workbench(request, SheetForm(), sheet)
    # Tells the widgets on this page that there is something new to pay.
    response["HX-Trigger"] = "payments:changed"
    return response


def workbench(request: Request, form: SheetForm, sheet: Sheet | None) -> HttpResponse:
    """Return the form with the latest picture, as a fragment where htmx asked for it."""
    context = {"form": form, "sheet": sheet}
    if request.htmx:
        return render(request, "atelier/_workbench.html", context)
    return render(request, "atelier/new_sheet.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def sheet_detail(request: Request, pk: int) -> HttpResponse:
    """Show a sheet, and take orders for prints of it."""
    sheet = get_object_or_404(own_sheets(request), pk=pk)
    form = PrintForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(sheet=sheet)
        messages.success(request, _("Thank you. The print was added to your items."))
        return redirect(sheet)
    context = {"sheet": sheet, "form": form, "destinations": Destination}
    return render(request, "atelier/sheet.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
@cache_control(private=True, max_age=3600)
def picture(request: Request, pk: int) -> HttpResponse:
    """Return a sheet as SVG."""
    sheet = get_object_or_404(Sheet, owner=request.user, pk=pk)
    return HttpResponse(sheet.svg, content_type="image/svg+xml")


@login_required
@require_safe
def account(request: Request) -> HttpResponse:
    """Show who is signed in, and what was paid."""
    return render(request, "atelier/account.html")
