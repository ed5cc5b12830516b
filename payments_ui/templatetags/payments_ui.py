"""``{% load payments_ui %}``: the kit's widgets.

A mistake in a template (unknown parameter, no request) is an error that names the fix
where ``DEBUG`` is on; elsewhere it is logged and the page still works.
"""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from payments_ui.components import assets, tag
from payments_ui.components.charges_badge import ChargesBadge
from payments_ui.components.pay_button import PayButton
from payments_ui.components.payment_history import PaymentHistory
from payments_ui.components.payment_methods import PaymentMethods
from payments_ui.components.pending_charges import PendingCharges

from .pui import amount, pui_class

register = template.Library()
register.simple_tag(amount, takes_context=True)
register.simple_tag(pui_class)

for component in (PendingCharges, PayButton, ChargesBadge, PaymentHistory, PaymentMethods):
    tag.add(register, component)


@register.simple_tag(takes_context=True)
def payments_ui_assets(context: Context, **options: object) -> SafeString:
    """``{% payments_ui_assets %}``: CSS and JavaScript, once, in the base template.

    ``htmx=2`` or ``htmx=4`` also emits django-htmx's htmx; without it the page brings its
    own. The tags carry the CSP nonce of Django 6 or django-csp.
    """
    return assets.render(context, **options)
