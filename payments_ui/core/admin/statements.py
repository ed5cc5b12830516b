"""The page on which a clerk uploads a bank's statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from payments_ui.core import journal
from payments_ui.core.psp_port import psps
from payments_ui.exceptions import PaymentsUIError

from .base import allows, error_message

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Base = ModelAdmin[Any]
else:
    _Base = object


class StatementForm(forms.Form):
    """Which bank transfer moocher, and the file."""

    moocher = forms.ChoiceField(label=_("Payment service"))
    statement = forms.FileField(
        label=_("Statement"),
        help_text=_("camt.053, camt.054 or MT940, as your bank makes it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["moocher"]
        field.choices = psps().statement_moochers()


class ImportsStatements(_Base):
    """An admin whose list leads to the page, for who may record payments received."""

    change_list_template = "payments_core/admin/statement_list.html"
    has_book_permission = allows("book_payment")

    def get_urls(self) -> list[URLPattern]:
        """As Django's, and the page."""
        view = self.admin_site.admin_view(self.import_statement)
        own: list[Any] = [path("statement/", view, name="payments_core_statement")]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """As Django's; says whether to show the way to the page."""
        can_import = self.has_book_permission(request) and bool(psps().statement_moochers())
        context = {**(extra_context or {}), "can_import_statements": can_import}
        return super().changelist_view(request, context)

    # Each arrival is booked by itself.
    @transaction.non_atomic_requests
    def import_statement(self, request: HttpRequest) -> HttpResponse:
        """Ask for the file; book what arrived, and say what became of each entry."""
        if not self.has_book_permission(request):
            raise PermissionDenied
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = StatementForm(*sent)
        if form.is_valid():
            data = form.cleaned_data["statement"].read()
            by = journal.by_user(request.user)
            try:
                lines = psps().import_statement(data, form.cleaned_data["moocher"], by=by)
            except PaymentsUIError as error:
                form.add_error("statement", error_message(error))
            else:
                for line in lines:
                    messages.info(request, line)
                return redirect(reverse("admin:payments_core_suspenseitem_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Import a bank statement"),
            "form": form,
        }
        return TemplateResponse(request, "payments_core/admin/statement.html", context)
