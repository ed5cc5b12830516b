"""``{% load payments_ui %}``: the kit's widgets, as thin doors to its components.

A mistake in a template (unknown parameter, no request) is an error that names the fix
where ``DEBUG`` is on; elsewhere it is logged and the page still works.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from payments_ui.components import assets, tag
from payments_ui.components.charges_badge import ChargesBadge
from payments_ui.components.pay_button import PayButton
from payments_ui.components.payment_history import PaymentHistory
from payments_ui.components.pending_charges import PendingCharges

from .pui import amount, pui_class

register = template.Library()
register.simple_tag(amount, takes_context=True)
register.simple_tag(pui_class)


@register.simple_tag(takes_context=True)
def payments_ui_assets(context: Context, **options: Any) -> SafeString:
    """``{% payments_ui_assets %}``: CSS and JavaScript, once, in the base template.

    ``htmx=2`` or ``htmx=4`` also emits django-htmx's htmx; without it the page brings its
    own. The tags carry the CSP nonce of Django 6 or django-csp.
    """
    return assets.render(context, **options)


@register.simple_tag(takes_context=True)
def pending_charges(context: Context, **params: Any) -> SafeString:
    """``{% pending_charges %}``: what the user owes, and the way to pay it in place.

    ``title``; ``heading`` level, 1 to 6 (2); ``live`` asks for news by itself (setting
    ``LIVE``); ``limit`` rows of a page (setting ``PAGE_SIZE``); ``currency`` shows one only;
    ``group`` joins charges of one title (True); ``selectable`` lets users pay some of them
    (False); ``anonymous`` text for visitors (nothing); ``id`` names the widget.
    """
    return tag.render(context, "pending_charges", PendingCharges, params)


@register.simple_tag(takes_context=True)
def pay_button(context: Context, **params: Any) -> SafeString:
    """``{% pay_button %}``: one button with the amount; it unfolds the way to pay.

    ``currency`` (setting ``CURRENCY``); ``heading`` level of what unfolds minus one;
    ``live``; ``title`` names it for screen readers; ``anonymous``; ``id``.
    """
    return tag.render(context, "pay_button", PayButton, params)


@register.simple_tag(takes_context=True)
def charges_badge(context: Context, **params: Any) -> SafeString:
    """``{% charges_badge %}``: how much is open, for a navigation bar.

    ``what="count"`` (default) or ``what="total"``; ``currency``; ``live``; ``id``.
    """
    return tag.render(context, "charges_badge", ChargesBadge, params)


@register.simple_tag(takes_context=True)
def payment_history(context: Context, **params: Any) -> SafeString:
    """``{% payment_history %}``: what the user has paid, with receipts.

    ``title``; ``heading``; ``limit`` rows of a page; ``currency``; ``live``;
    ``anonymous``; ``id``.
    """
    return tag.render(context, "payment_history", PaymentHistory, params)
