"""Admin actions that ask for a reason, call a verb for each row, and report what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

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
from payments_ui.core.privacy.redaction import redact
from payments_ui.exceptions import PaymentsUIError

from .base import SHOWN, MoneyAdmin, error_message

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Action = Callable[[MoneyAdmin, HttpRequest, QuerySet[Any]], TemplateResponse | None]

#: ``verb(row, by=, reason=, **answers)`` acts on one row: ``by`` and ``reason`` are for the
#: journal, ``answers`` are the form's other fields. It raises the ``PaymentsUIError`` that says
#: why it cannot, and may return a ``Notice``.
Verb = Callable[..., object]


class Notice(NamedTuple):
    """What the clerk has to know or do next: a level of Django's messages, and a sentence."""

    level: int
    text: _StrPromise | str


class ReasonForm(forms.Form):
    """Asks why; subclasses ask more, about one row."""

    is_for_one = False

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the journal for good. Leave out names."),
    )

    def __init__(self, data: Any, *, rows: QuerySet[Any], site: admin.AdminSite) -> None:
        super().__init__(data)
        self.rows = rows
        self.site = site
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_reason(self) -> str:
        """The reason without card and account numbers, since Django's own log keeps it, too."""
        return redact(self.cleaned_data["reason"])


def asks_reason(
    description: _StrPromise, *, permission: str, form_class: type[ReasonForm] = ReasonForm
) -> Callable[[Verb], Action]:
    """Turn a verb into the admin action of its name, for ``has_<permission>_permission``."""
    most = 1 if form_class.is_for_one else SHOWN

    def as_action(verb: Verb) -> Action:
        def action(
            modeladmin: MoneyAdmin, request: HttpRequest, queryset: QuerySet[Any]
        ) -> TemplateResponse | None:
            if queryset.count() > most:
                text = ngettext("Select one row only.", "Select at most %(count)s rows.", most)
                modeladmin.message_user(request, text % {"count": most}, messages.ERROR)
                return None
            data = request.POST if "reason" in request.POST else None
            form = form_class(data, rows=queryset, site=modeladmin.admin_site)
            if form.is_valid():
                _call(verb, modeladmin, request, form)
                return None
            context = {
                **modeladmin.admin_site.each_context(request),
                "title": description,
                "opts": modeladmin.opts,
                "media": modeladmin.media + form.media,
                "rows": [(row.pk, modeladmin.describe(row)) for row in queryset],
                "form": form,
                "action": request.POST["action"],
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "payments_core/admin/reason.html", context)

        action.__name__ = verb.__name__
        return admin.action(action, permissions=[permission], description=description)

    return as_action


def _call(verb: Verb, modeladmin: MoneyAdmin, request: HttpRequest, form: ReasonForm) -> None:
    answers = form.cleaned_data
    updated = 0
    for row in form.rows:
        name = modeladmin.describe(row)
        try:
            with typed_refusals():
                result = verb(row, by=journal.by_user(request.user), **answers)
        except PaymentsUIError as error:
            modeladmin.message_user(request, f"{name}: {error_message(error)}", messages.ERROR)
            continue
        modeladmin.log_change(request, row, answers["reason"])
        if isinstance(result, Notice):
            modeladmin.message_user(request, f"{name}: {result.text}", result.level)
        else:
            updated += 1
    if updated:
        text = ngettext("%(count)s row updated.", "%(count)s rows updated.", updated)
        modeladmin.message_user(request, text % {"count": updated}, messages.SUCCESS)
