"""Admin actions that ask for a reason, call a verb for each row, and tell what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments_ui.core import journal
from payments_ui.exceptions import PaymentsUIError

from .base import SHOWN, told

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Verb(Protocol):
    """Does something to one row; raises a ``PaymentsUIError`` that says why it cannot."""

    def __call__(self, row: Any, /, *, by: str, reason: str) -> Any:
        """``by`` and ``reason`` are for the journal."""
        ...


class ReasonForm(forms.Form):
    """Why a person does what they are about to do."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For the journal, which is never rewritten. Leave out names."),
    )


def asking_why(
    name: str, description: _StrPromise, permission: str, verb: Verb
) -> Callable[..., Any]:
    """An admin action called ``name`` for those with ``has_<permission>_permission``."""

    def action(
        modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]
    ) -> TemplateResponse | None:
        if queryset.count() > SHOWN:
            text = _("Pick at most %(count)s rows.") % {"count": SHOWN}
            modeladmin.message_user(request, text, messages.ERROR)
            return None
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            return _page(modeladmin, request, queryset, form, description)
        _apply(modeladmin, request, queryset, verb, form.cleaned_data["reason"])
        return None

    action.__name__ = name
    return admin.action(action, permissions=[permission], description=description)


def _page(
    modeladmin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    form: ReasonForm,
    description: _StrPromise,
) -> TemplateResponse:
    context = {
        **modeladmin.admin_site.each_context(request),
        "title": description,
        "opts": modeladmin.opts,
        "media": modeladmin.media,
        "rows": queryset,
        "form": form,
        "action": request.POST["action"],
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "payments_core/admin/reason.html", context)


def _apply(
    modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any], verb: Verb, reason: str
) -> None:
    done = 0
    for row in queryset:
        try:
            verb(row, by=journal.by_user(request.user), reason=reason)
        except PaymentsUIError as error:
            modeladmin.message_user(request, f"{row}: {told(error)}", messages.ERROR)
        else:
            modeladmin.log_change(request, row, reason)
            done += 1
    if done:
        text = ngettext("Done for %(count)s row.", "Done for %(count)s rows.", done)
        modeladmin.message_user(request, text % {"count": done}, messages.SUCCESS)
