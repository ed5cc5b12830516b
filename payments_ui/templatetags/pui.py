"""Building blocks of the kit's templates, for hosts that override them or add widgets, too.

The htmx attributes of the kit are written here once: what works in htmx 2, 4 and without. A
form keeps its plain ``action`` and ``method``, a link its ``href``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import django
from django import template
from django.forms import BaseForm, BoundField
from django.middleware.csrf import get_token
from django.template import Context, Template
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from payments_ui import money, payer
from payments_ui.components import classes, forms
from payments_ui.moochers.form_adoption import IN_PLACE

if TYPE_CHECKING:
    from payments_ui.components.widget import Widget

register = template.Library()

if django.VERSION < (6, 0):  # pragma: no branch - measured on 5.2
    # Built into Django 6.0, where importing these warns.
    from template_partials.templatetags import partials

    register.tag("partialdef", partials.partialdef_func)
    register.tag("partial", partials.partial_func)


@register.simple_tag(takes_context=True)
def amount(context: Context, value: Decimal, currency: str) -> SafeString:
    """``{% amount item.amount item.currency %}``: money, in the active language.

    The one way an amount gets into a page; ``payments_ui/elements/amount.html`` shows it.
    """
    text = money.format_amount(value, currency)
    element = _element(context, "payments_ui/elements/amount.html")
    return element.render(context.new({"text": text, "value": value, "currency": currency}))


def _element(context: Context, name: str) -> Template:
    # Looked up once for each template that shows amounts, not for each amount.
    found: Template | None = context.render_context.get(name)
    if found is None:
        rendered: Any = context.template
        found = context.render_context[name] = rendered.engine.get_template(name)
    return found


@register.simple_tag
def pui_times(count: int) -> str:
    """``{% pui_times group.count %}``: how many charges one row stands for."""
    # Not by blocktranslate, which takes longer than the rest of the row.
    text = ngettext("%(count)s time", "%(count)s times", count)
    return text % {"count": number_format(count)}


@register.simple_tag
def pui_class(slot: str) -> str:
    """``class="{% pui_class "button" %}"``: the classes of a slot, by ``CLASSES``."""
    return classes.of(slot)


_BODY = "closest [data-pui-body]"


@register.simple_tag
def pui_post(url: str) -> SafeString:
    """``<form {% pui_post url %}>``: attributes of a form that swaps the widget's body."""
    in_place = format_html(IN_PLACE, url)
    return format_html('{} action="{}" method="post"', in_place, url)


@register.simple_tag(takes_context=True)
def pui_get(context: Context, url: str, **query: object) -> SafeString:
    """``<a {% pui_get url page=2 %}>``: attributes of a link that swaps the body."""
    widget: Widget = context["widget"]
    return format_html(
        'hx-get="{}" hx-target="{}" hx-swap="outerHTML" hx-sync="closest [data-pui]:drop" '
        'href="{}"',
        _with_query(url, **query, **widget.data),
        _BODY,
        _with_query(url, **query),
    )


@register.simple_tag
def pui_choose(url: str) -> SafeString:
    """``<form {% pui_choose url %}>``: a form that swaps the panel below it at a change.

    It has a queue of its own, in which the last choice wins: arrow keys are fast.
    """
    return format_html(
        'hx-get="{0}" hx-trigger="change, submit" hx-target="next [data-pui-panel]" '
        'hx-swap="outerHTML" hx-sync="this:replace" action="{0}" method="get"',
        url,
    )


@register.simple_tag(takes_context=True)
def pui_refresher(
    context: Context, url: str, *, target: str = _BODY, every: int = 0, **query: object
) -> SafeString:
    """``<div {% pui_refresher url %}></div>``: an empty element that asks for news.

    It asks when anything changes, and ``every`` so many seconds; actions of the user come
    first.
    """
    widget: Widget = context["widget"]
    return format_html(
        'data-pui-bg hx-get="{}" hx-trigger="{}payments:changed from:document" '
        'hx-target="{}" hx-swap="outerHTML" hx-sync="closest [data-pui]:abort"',
        # "news" tells the views that no user asked: the focus stays where it is.
        _with_query(url, news=1, **query, **widget.data),
        f"every {every}s, " if every else "",
        target,
    )


@register.simple_tag(takes_context=True)
def pui_fields(context: Context, **fields: object) -> SafeString:
    """``{% pui_fields currency="CHF" %}``: CSRF token, the widget and these hidden fields."""
    request = context["request"]
    own = {"csrfmiddlewaretoken": get_token(request), **context["widget"].data}
    return _hidden({**own, **payer.fields(request), **fields})


@register.simple_tag(takes_context=True)
def pui_widget_fields(context: Context) -> SafeString:
    """``{% pui_widget_fields %}``: the hidden fields of a form with ``method="get"``."""
    return _hidden(context["widget"].data)


def _hidden(fields: dict[str, object]) -> SafeString:
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())


def _with_query(url: str, **query: object) -> str:
    """``url`` with these parameters; empty ones are left out."""
    encoded = urlencode({name: value for name, value in query.items() if value not in ("", None)})
    return f"{url}?{encoded}" if encoded else url


@register.simple_tag(takes_context=True)
def pui_form(context: Context, form: BaseForm, summary: bool = True) -> SafeString:
    """``{% pui_form form %}``: the fields, by the host's crispy template pack or ours."""
    return forms.render(form, context, summary=summary)


@register.simple_tag
def pui_input(field: BoundField) -> SafeString:
    """``{% pui_input field %}``: the widget, with the classes of the ``input`` slot."""
    return forms.input_with_class(field)
