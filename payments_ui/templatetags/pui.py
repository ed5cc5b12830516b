"""Building blocks of the kit's templates, for hosts that override them or add widgets, too.

The htmx attributes of the kit are written here once: what works in htmx 2, 4 and without. A
form keeps its plain ``action`` and ``method``, a link its ``href``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Hashable, Iterable
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

import django
from django import template
from django.forms import BaseForm, BoundField
from django.template import Context, Template
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from payments_ui import dates, languages, money, payer
from payments_ui.components import classes, forms, rows, saved_methods
from payments_ui.components.widget import PageState
from payments_ui.core.models import LineItem, Payment, PaymentMethod
from payments_ui.core.paymentmethods import consent
from payments_ui.moochers.form_adoption import IN_PLACE

if TYPE_CHECKING:
    from payments_ui.components.widget import Widget
    from payments_ui.core.queries import Group, Look

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
    return _amount(context)(money.format_amount(value, currency), value, currency)


def _amount(context: Context) -> rows.AmountElement:
    """What shows amounts in this rendering."""
    element, language = _element(context, "payments_ui/elements/amount.html"), get_language()

    def show(text: str, value: Decimal, currency: str) -> SafeString:
        return _shown(element, language, text=text, value=value, currency=currency)

    return show


# Pages show the same few amounts and uses again and again, by elements that know nothing else.
@lru_cache(maxsize=4096)
def _shown(element: Template, _language: str | None, **given: Hashable) -> SafeString:
    return element.render(Context(given))


@register.simple_tag(takes_context=True)
def pui_rows(
    context: Context, of: Iterable[Group | LineItem], with_time: bool = False
) -> list[dict[str, Any]]:
    """``{% pui_rows page.rows as rows %}``: line items or groups with what people read of them.

    Each has ``title``, ``amount`` (as ``{% amount %}`` shows it), ``use`` (as
    ``payments_ui/elements/use.html`` shows how much was used and when; ``with_time`` to the
    second), ``group`` (its link to each use, where it stands for several), ``count``, ``currency``
    and ``look``.
    """
    element, language = _element(context, "payments_ui/elements/use.html"), get_language()

    def show(use: rows.Use) -> SafeString:
        return _shown(element, language, use=use)

    return rows.written(of, _amount(context), show, _group(context), with_time=with_time)


def _group(context: Context) -> rows.GroupElement:
    """What shows groups in this rendering."""

    @cache
    def shared() -> tuple[Template, str | None, _UsesLink, str, str]:
        element = _element(context, "payments_ui/elements/group.html")
        link, text = _UsesLink.of(context), gettext("Show each use")
        return element, get_language(), link, text, classes.of("link")

    def show(group: Group) -> SafeString:
        return _shown_group(shared(), _times(group.count), group.currency, group.look)

    return show


@lru_cache(maxsize=4096)
def _shown_group(
    shared: tuple[Template, str | None, _UsesLink, str, str],
    times: str,
    currency: str,
    look: Look,
) -> SafeString:
    element, _language, link, show_each_use, _class = shared
    digest = hashlib.sha256("\0".join((currency, *map(str, look))).encode()).hexdigest()[:16]
    shown = {
        "id": f"{link.widget_id}-group-{digest}",
        "title": look.title,
        "times": times,
        "uses": link.to(currency, look),
        "show_each_use": show_each_use,
    }
    return element.render(Context(shown))


def _element(context: Context, name: str) -> Template:
    # Looked up once for each template, not for each amount.
    found: Template | None = context.render_context.get(name)
    if found is None:
        rendered: Any = context.template
        found = context.render_context[name] = rendered.engine.get_template(name)
    return found


@register.simple_tag
def pui_language() -> SafeString:
    """``<section {% pui_language %}>``: ``lang`` and ``dir`` of the language our texts are in.

    On a page in a language they are not translated to, that is not the page's.
    """
    spoken = languages.spoken()
    direction = "rtl" if languages.is_rtl(spoken) else "ltr"
    return format_html('lang="{}" dir="{}"', languages.tag(spoken), direction)


@register.filter
def pui_date(value: dt.date | None) -> str:
    """``{{ payment.charged_at|pui_date }}``: the day, in the language that our texts are in."""
    return dates.format_date(value) if value else ""


@register.filter
def pui_moment(value: dt.datetime) -> str:
    """``{{ payment.charged_at|pui_moment }}``: the day, the time and its zone."""
    return dates.format_moment(value)


def _times(count: int) -> str:
    """How many charges one row stands for."""
    # Not by blocktranslate, which takes longer than the rest of the row.
    text = ngettext("%(count)s time", "%(count)s times", count)
    return text % {"count": number_format(count)}


def has_part(value: Decimal, currency: str) -> bool:
    """Whether the amount has a part of its currency's minor unit."""
    exponent = value.as_tuple().exponent
    # What has no more decimals than its currency has no such part.
    is_short = isinstance(exponent, int) and -exponent <= money.minor_unit(currency)
    return not is_short and value != money.round_amount(value, currency)


@register.simple_tag
def pui_smallest(rows: Iterable[Any]) -> str:
    """``{% pui_smallest page.rows as smallest %}``: to what a total is rounded.

    Empty where no row has a part of the currency's minor unit.
    """
    exact = (row.currency for row in rows if has_part(row.amount, row.currency))
    currency = next(exact, "")
    return currency and money.format_amount(money.from_minor_units(1, currency), currency)


@register.simple_tag
def pui_class(slot: str) -> str:
    """``class="{% pui_class "button" %}"``: the classes of a slot, by ``CLASSES``."""
    return classes.of(slot)


_BODY = SafeString("closest [data-pui-body]")


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


@register.simple_tag(takes_context=True)
def pui_uses(context: Context, currency: str, look: Look, page: int = 1) -> SafeString:
    """``<a {% pui_uses group.currency group.look %}>``: a link that a group's uses replace.

    In ``<details data-pui-unfold>`` the kit's script presses it when they are opened.
    """
    return _UsesLink.of(context).to(currency, look, page)


class _UsesLink(NamedTuple):
    """Links to the uses of groups: those of one widget, in the list or in a payment."""

    url: str
    widget_id: str
    query: str
    payment: UUID | None

    @classmethod
    def of(cls, context: Context) -> Self:
        """The links of this rendering."""
        widget: Widget = context["widget"]
        payment: Payment | None = context.get("payment")
        return cls(
            reverse("payments_ui:uses"), widget.id, widget.query, payment.pk if payment else None
        )

    def to(self, currency: str, look: Look, page: int = 1) -> SafeString:
        """The attributes of one."""
        query = {"currency": currency, **look._asdict(), "payment": self.payment}
        query["page"] = page if page > 1 else ""
        return format_html(
            'hx-get="{0}&amp;{1}" hx-target="closest [data-pui-uses]" hx-swap="outerHTML" '
            'hx-sync="closest [data-pui-uses]:drop" href="{0}"',
            _with_query(self.url, **query),
            self.query,
        )


@register.simple_tag(takes_context=True)
def pui_choose(context: Context, url: str) -> SafeString:
    """``<form {% pui_choose url %}>``: a form that swaps the panel below it at a change.

    It has a queue of its own, in which the last choice wins: arrow keys are fast. As a page, it
    leads to the panel.
    """
    return format_html(
        'hx-get="{0}" hx-trigger="change, submit" hx-target="next [data-pui-panel]" '
        'hx-swap="outerHTML" hx-sync="this:replace" action="{0}#{1}-panel" method="get"',
        url,
        context["widget"].id,
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
        'data-pui-bg hx-get="{}" hx-trigger="{}payments:changed from:document, payments:again" '
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
    token = PageState.of(request).csrf_token(request)
    own = {"csrfmiddlewaretoken": token, **context["widget"].data}
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
def pui_consent(context: Context) -> consent.Wording | None:
    """``{% pui_consent as consent %}``: what who saves a payment method agrees to.

    ``None`` for whom a link in a mail let in: only who is signed in saves anything.

    The page shows ``consent.save`` and ``consent.unattended`` word for word, and posts
    ``consent.version`` as ``consent_version``.
    """
    request = context.get("request")
    is_guest = request is not None and payer.is_guest(request)
    return None if is_guest else consent.wording()


@register.simple_tag
def pui_expiry(method: PaymentMethod) -> str:
    """``{% pui_expiry method as expiry %}``: until when a saved payment method can be used."""
    return saved_methods.expiry(method)


@register.simple_tag(takes_context=True)
def pui_form(context: Context, form: BaseForm, summary: bool = True) -> SafeString:
    """``{% pui_form form %}``: the fields, by the host's crispy template pack or ours."""
    return forms.render(form, context, summary=summary)


@register.simple_tag
def pui_input(field: BoundField) -> SafeString:
    """``{% pui_input field %}``: the widget, with the classes of the ``input`` slot."""
    return forms.input_with_class(field)
