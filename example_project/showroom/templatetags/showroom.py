"""Template tags of the showroom."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms import BoundField, Select

register = template.Library()


@register.inclusion_tag("showroom/_field.html", takes_context=True)
def field(context: template.Context, bound: BoundField) -> dict[str, Any]:
    """Show a form field with its label, help and errors, in the look's classes."""
    ui = context["ui"]
    slot = "select" if isinstance(bound.field.widget, Select) else "input"
    return {"ui": ui, "field": bound, "control": bound.as_widget(attrs={"class": ui[slot]})}
