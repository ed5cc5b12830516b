"""Forms in the host's crispy template pack, or in the neutral one that ships with the kit."""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from crispy_forms.templatetags.crispy_forms_tags import CrispyFormNode
from django.conf import settings
from django.forms import BaseForm
from django.template import Context
from django.utils.safestring import SafeString

from payments_ui.conf import settings as pui

#: Templates in ``payments_ui/``, so that it works like any other crispy pack.
NEUTRAL_PACK = "payments_ui"


def pack() -> str:
    """``FORM_PACK``, else the host's ``CRISPY_TEMPLATE_PACK``, else the neutral pack."""
    return pui.FORM_PACK or getattr(settings, "CRISPY_TEMPLATE_PACK", "") or NEUTRAL_PACK


def render(form: BaseForm, context: Context) -> SafeString:
    """The form's fields and errors, without ``<form>`` and without CSRF token.

    A form with a crispy ``helper`` keeps its layout.
    """
    helper = getattr(form, "helper", None) or FormHelper(form)
    helper.form_tag = False
    helper.disable_csrf = True
    helper.include_media = False
    with context.push(form=form, helper=helper):
        node = CrispyFormNode("form", "helper", template_pack=pack())
        return SafeString(node.render(context))
