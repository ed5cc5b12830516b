"""Admin actions that ask for a reason, call a verb for each row, and tell what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments_ui.core import journal
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.privacy.redaction import scrubbed
from payments_ui.exceptions import PaymentsUIError

from .base import SHOWN, told

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


#: Does something to one row, ``verb(row, by=, reason=, **answers)``: who and why, for the journal,
#: and what else the form asks. Raises a ``PaymentsUIError`` that says why it cannot. What the
#: person has to be told, it returns: the level of the message, and its text.
Verb = Callable[..., Any]


class ReasonForm(forms.Form):
    """Why a person does what they are about to do; subclasses ask more, about one row."""

    is_for_one = False

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For the journal, which is never rewritten. Leave out names."),
    )

    def __init__(self, data: Any, *, rows: QuerySet[Any], site: admin.AdminSite) -> None:
        super().__init__(data)
        self.rows = rows
        self.site = site
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_reason(self) -> str:
        """What is typed, without numbers of cards and accounts: Django's own log keeps it, too."""
        return scrubbed(self.cleaned_data["reason"])


def asking_why(
    name: str,
    description: _StrPromise,
    permission: str,
    verb: Verb,
    form_class: type[ReasonForm] = ReasonForm,
) -> Callable[..., Any]:
    """An admin action called ``name`` for those with ``has_<permission>_permission``."""
    most = 1 if form_class.is_for_one else SHOWN

    def action(
        modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]
    ) -> TemplateResponse | None:
        if queryset.count() > most:
            text = ngettext("Pick one row.", "Pick at most %(count)s rows.", most)
            modeladmin.message_user(request, text % {"count": most}, messages.ERROR)
            return None
        data = request.POST if "reason" in request.POST else None
        form = form_class(data, rows=queryset, site=modeladmin.admin_site)
        if not form.is_valid():
            return _page(modeladmin, request, queryset, form, description)
        _apply(modeladmin, request, queryset, verb, form.cleaned_data)
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
        "media": modeladmin.media + form.media,
        "rows": [(row.pk, modeladmin.described(row)) for row in queryset],
        "form": form,
        "action": request.POST["action"],
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "payments_core/admin/reason.html", context)


def _apply(
    modeladmin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    verb: Verb,
    answers: dict[str, Any],
) -> None:
    done = 0
    for row in queryset:
        name = modeladmin.described(row)
        try:
            with typed_refusals():
                said = verb(row, by=journal.by_user(request.user), **answers)
        except PaymentsUIError as error:
            modeladmin.message_user(request, f"{name}: {told(error)}", messages.ERROR)
        else:
            modeladmin.log_change(request, row, answers["reason"])
            if isinstance(said, tuple):
                level, text = said
                modeladmin.message_user(request, f"{name}: {text}", level)
            else:
                done += 1
    if done:
        text = ngettext("Done for %(count)s row.", "Done for %(count)s rows.", done)
        modeladmin.message_user(request, text % {"count": done}, messages.SUCCESS)
