"""A form comes back as it was filled in, without what no page may hold: card data and secrets."""

from __future__ import annotations

from typing import Any

from django.forms import Field, FileInput, Form, PasswordInput
from django.http import HttpRequest

from payments_ui.core.privacy.redaction import is_secret_name, redact

#: What browsers are told of fields that hold card data and secrets (HTML, "autofill").
_PRIVATE = ("cc-", "one-time-code", "current-password", "new-password")


def refill(form: Form, request: HttpRequest, action: str) -> None:
    """Fill an unbound form in with what the request has posted to its ``action``.

    Hidden fields keep what the form gives them: tokens are made anew.
    """
    if request.method != "POST" or request.path != action:
        return
    for name, field in form.fields.items():
        posted, key = request.POST, form.add_prefix(name)
        if field.widget.is_hidden or field.widget.value_omitted_from_data(posted, {}, key):
            continue
        value = field.widget.value_from_datadict(posted, {}, key)
        if not _is_private(name, field, value):
            form.initial[name] = value


def without_private(form: Form) -> Form:
    """The bound form, whose errors are known, without card data and secrets that were posted."""
    posted_data: Any = form.data
    kept = posted_data.copy()
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        value = field.widget.value_from_datadict(form.data, form.files, key)
        if _is_private(name, field, value):
            # A field of several inputs posts one value for each.
            for posted in [other for other in kept if other == key or other.startswith(f"{key}_")]:
                kept[posted] = ""
    form.data = kept
    return form


def _is_private(name: str, field: Field, value: object) -> bool:
    widget, text = field.widget, str(value)
    told = str(widget.attrs.get("autocomplete", "")).split()
    return (
        isinstance(widget, PasswordInput | FileInput)
        or any(word.startswith(_PRIVATE) for word in told)
        or is_secret_name(name)
        or redact(text) != text
    )
