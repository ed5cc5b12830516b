"""A form comes back as it was filled in, without what no page may hold: card data and secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.forms import Field, FileInput, Form, PasswordInput
from django.http import HttpRequest

from payments_ui.core.privacy.redaction import is_secret_name, redact

logger = logging.getLogger("payments_ui")

#: What browsers are told of fields that hold card data and secrets (HTML, "autofill").
_PRIVATE = ("cc-", "one-time-code", "current-password", "new-password")
#: So many characters of a form are kept: a session that is a cookie holds some four thousand, and
#: browsers drop what is longer, with all that is in it.
_MOST = 1_500
#: In the session: the last form whose customer went away to pay.
_KEPT = "payments_ui_filled"
#: Of a request: the form that comes back with it.
_BROUGHT = "_payments_ui_filled"


def refill(form: Form, request: HttpRequest, action: str) -> None:
    """Fill an unbound form in with what was posted to its ``action``.

    By the request, or before the customer went to a PSP's page and came back. Hidden fields keep
    what the form gives them: tokens are made anew.
    """
    if request.method == "POST" and request.path == action:
        form.initial.update(_filled(form, request.POST))
        return
    brought: Mapping[str, Any] = getattr(request, _BROUGHT, {})
    if brought.get("action") == action:
        form.initial.update(brought["values"])


def keep(request: HttpRequest, make_form: Callable[[], Form], began: UUID) -> None:
    """Keep what was posted to the request's path while its customer is at a PSP.

    ``make_form`` makes the form unbound; ``began`` is the key of what the post began, by which
    ``bring_back`` finds it. In the session, one form at most, and of it what fits into a cookie.
    Without consents: who comes back is asked again.
    """
    session: Any = getattr(request, "session", None)
    # A site may know its users by other means: for this, none is begun.
    if session is None or session.is_empty():
        return
    try:
        filled = list(_filled(make_form(), request.POST))
    except Exception:
        # The PSP was asked: what became of that is shown, whatever a form does.
        logger.exception("The form of %s could not be kept", request.path)
        return
    if values := dict(_fitting((name, value) for name, value in filled if _is_simple(value))):
        session[_KEPT] = {"began": str(began), "action": request.path, "values": values}


def bring_back(request: HttpRequest, began: UUID) -> None:
    """Have the request's form filled in as it was when it began this, which has failed since."""
    session: Any = getattr(request, "session", None)
    kept = session.get(_KEPT) if session is not None else None
    if kept is not None and kept["began"] == str(began):
        setattr(request, _BROUGHT, kept)


def _filled(form: Form, posted: Any) -> Iterator[tuple[str, Any]]:
    """The visible fields that were posted, with their values."""
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if field.widget.is_hidden or field.widget.value_omitted_from_data(posted, {}, key):
            continue
        value = field.widget.value_from_datadict(posted, {}, key)
        if not _is_private(name, field, value):
            yield name, value


def _fitting(filled: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Those of the fields for which there is room; what is too long comes back empty."""
    room = _MOST
    for name, value in filled:
        length = len(json.dumps({name: value}))
        if length <= room:
            room -= length
            yield name, value


def _is_simple(value: object) -> bool:
    """Whether every session can store it."""
    each = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | bool | None) for one in each)


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
