"""Actions of clerks: they ask for a reason, call a verb for each row, and say what it did.

Each stands in the list, for the rows that are ticked, and on the page of a row for which it fits.
What cannot be done comes back in the form, as it was filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments_ui.core import journal
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.privacy.redaction import redact
from payments_ui.exceptions import PaymentsUIError

from .base import SHOWN, MoneyAdmin, error_message, fits

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


class Problem(NamedTuple):
    """An error for the summary: the id of the field it is about, its label, and what is wrong."""

    anchor: str
    label: str
    text: str


class ReasonForm(forms.Form):
    """Asks why; subclasses ask more, about one row."""

    is_for_one = False
    template = "payments_core/admin/reason.html"
    #: The fields that a verb's errors are about; all others are said above the form.
    errors_at: ClassVar[Mapping[type[PaymentsUIError], str]] = {}

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept in the journal for good. Leave out names."),
    )

    def __init__(
        self, data: Any, *, rows: Sequence[Any], request: HttpRequest, site: admin.AdminSite
    ) -> None:
        super().__init__(data)
        self.rows = rows
        self.request = request
        self.site = site
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_reason(self) -> str:
        """The reason without card and account numbers, since Django's own log keeps it, too."""
        return redact(self.cleaned_data["reason"])

    def refuse(self, error: PaymentsUIError, name: str) -> None:
        """Show what kept the verb from acting on the row of this name."""
        text = error_message(error)
        field = next((at for kind, at in self.errors_at.items() if isinstance(error, kind)), None)
        self.add_error(field, text if self.is_for_one else f"{name}: {text}")

    def problems(self) -> list[Problem]:
        """All errors, for a summary that leads to each field."""
        return list(self._problems())

    def _problems(self) -> Iterator[Problem]:
        for name, errors in self.errors.items():
            field: Any = self[name] if name in self.fields else None
            is_shown = field is not None and not field.is_hidden
            for text in errors:
                anchor, label = (field.auto_id, str(field.label)) if is_shown else ("", "")
                yield Problem(anchor, label, str(text))


def asks_reason(
    description: _StrPromise,
    *,
    permission: str,
    form_class: type[ReasonForm] = ReasonForm,
    fits_row: Callable[[Any], object] = lambda row: True,
) -> Callable[[Verb], Action]:
    """Turn a verb into the admin action of its name, for ``has_<permission>_permission``.

    ``fits_row`` says on the page of which rows it stands; the verb itself decides.
    """
    most = 1 if form_class.is_for_one else SHOWN

    def as_action(verb: Verb) -> Action:
        def action(
            modeladmin: MoneyAdmin, request: HttpRequest, queryset: QuerySet[Any]
        ) -> TemplateResponse | None:
            rows = list(queryset[: most + 1])
            if len(rows) > most:
                text = ngettext("Select one row only.", "Select at most %(count)s rows.", most)
                modeladmin.message_user(request, text % {"count": most}, messages.ERROR)
                return None
            if not rows:
                gone = _("What you selected is not in this list any more. Nothing was done.")
                modeladmin.message_user(request, gone, messages.ERROR)
                return None
            data = request.POST if "reason" in request.POST else None
            site = modeladmin.admin_site
            form = form_class(data, rows=rows, request=request, site=site)
            if form.is_valid():
                _call(verb, modeladmin, form)
                if not form.rows:
                    return None
            return modeladmin.asking_page(
                request, str(description), action.__name__, form.rows, form
            )

        action.__name__ = verb.__name__
        described = admin.action(action, permissions=[permission], description=description)
        return fits(fits_row)(described)

    return as_action


def _call(verb: Verb, modeladmin: MoneyAdmin, form: ReasonForm) -> None:
    """Call the verb for each row; those for which it cannot act stay in the form."""
    request = form.request
    answers = form.cleaned_data
    refused = []
    updated = 0
    for row in form.rows:
        name = modeladmin.describe(row)
        try:
            with typed_refusals():
                result = verb(row, by=journal.by_user(request.user), **answers)
        except PaymentsUIError as error:
            form.refuse(error, name)
            refused.append(row)
            continue
        modeladmin.log_change(request, row, answers["reason"])
        if isinstance(result, Notice):
            modeladmin.message_user(request, f"{name}: {result.text}", result.level)
        else:
            updated += 1
    form.rows = refused
    if updated:
        text = ngettext("%(count)s row updated.", "%(count)s rows updated.", updated)
        modeladmin.message_user(request, text % {"count": updated}, messages.SUCCESS)
