"""Building blocks of the kit's templates, for hosts that override them, too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django
from django import template
from django.forms import BaseForm, BoundField
from django.template import Context, Template
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from payments_ui import money
from payments_ui.components import classes, forms, markup

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


@register.simple_tag
def pui_post(url: str) -> SafeString:
    """``<form {% pui_post url %}>``: attributes of a form that swaps the widget's body."""
    return markup.post_attributes(url)


@register.simple_tag(takes_context=True)
def pui_get(context: Context, url: str, **query: object) -> SafeString:
    """``<a {% pui_get url page=2 %}>``: attributes of a link that swaps the body."""
    return markup.get_attributes(url, context["widget"], **query)


@register.simple_tag
def pui_choose(url: str) -> SafeString:
    """``<form {% pui_choose url %}>``: attributes of the form with the ways to pay."""
    return markup.chooser_attributes(url)


@register.simple_tag(takes_context=True)
def pui_refresher(context: Context, url: str, **options: Any) -> SafeString:
    """``<div {% pui_refresher url %}></div>``: attributes of the empty refresher."""
    return markup.refresher_attributes(url, context["widget"], **options)


@register.simple_tag(takes_context=True)
def pui_fields(context: Context, **fields: object) -> SafeString:
    """``{% pui_fields currency="CHF" %}``: CSRF token, the widget and these hidden fields."""
    return markup.hidden_fields(context["request"], context["widget"], **fields)


@register.simple_tag(takes_context=True)
def pui_widget_fields(context: Context) -> SafeString:
    """``{% pui_widget_fields %}``: the hidden fields of a form with ``method="get"``."""
    return markup.widget_fields(context["widget"])


@register.simple_tag(takes_context=True)
def pui_form(context: Context, form: BaseForm, summary: bool = True) -> SafeString:
    """``{% pui_form form %}``: the fields, by the host's crispy template pack or ours."""
    return forms.render(form, context, summary=summary)


@register.simple_tag
def pui_input(field: BoundField) -> SafeString:
    """``{% pui_input field %}``: the widget, with the classes of the ``input`` slot."""
    return forms.input_with_class(field)
