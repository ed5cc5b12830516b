"""Forms in the host's crispy template pack, or in the neutral one that ships with the kit."""

from __future__ import annotations

from copy import copy

from crispy_forms.helper import FormHelper
from crispy_forms.templatetags.crispy_forms_tags import CrispyFormNode
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.http import HttpRequest
from django.template import Context
from django.utils.safestring import SafeString

from payments_ui.conf import settings as pui

from . import classes
from .widget import Widget

#: Templates in ``payments_ui/``, so that it works like any other crispy pack.
NEUTRAL_PACK = "payments_ui"


def pack() -> str:
    """``FORM_PACK``, else the host's ``CRISPY_TEMPLATE_PACK``, else the neutral pack."""
    return pui.FORM_PACK or getattr(settings, "CRISPY_TEMPLATE_PACK", "") or NEUTRAL_PACK


def render(form: BaseForm, context: Context, *, summary: bool = True) -> SafeString:
    """The form's fields and errors, without ``<form>`` and without CSRF token.

    A form with a crispy ``helper`` keeps its layout. ``summary`` False leaves out the
    neutral pack's list of errors, where the page has one already.
    """
    if form.auto_id == "id_%s":
        form.auto_id = f"{_prefix(context)}-%s"
    helper = copy(getattr(form, "helper", None)) or FormHelper(form)
    helper.form_tag = False
    helper.disable_csrf = True
    helper.include_media = False
    helper.pui_summary = "list" if summary else "none"
    with context.push(form=form, helper=helper):
        node = CrispyFormNode("form", "helper", template_pack=pack())
        return SafeString(node.render(context))


def input_with_class(field: BoundField) -> SafeString:
    """A field's widget with the classes of the ``input`` slot beside its own."""
    given = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{given} {classes.of('input')}".strip()})


def _prefix(context: Context) -> str:
    # Two widgets of a page may show the same form.
    request = context.get("request") or getattr(context, "request", None)
    widget = context.get("widget")
    if isinstance(request, HttpRequest) and not isinstance(widget, Widget):
        widget = Widget.from_data(request.POST if request.method == "POST" else request.GET)
    return widget.id if isinstance(widget, Widget) else Widget().id
