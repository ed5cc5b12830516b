"""A widget of a site's own: what a user was charged lately, by title."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import template
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.components import tag
from payments_ui.components.base import Component
from payments_ui.components.widget import Widget, integer, parameter
from payments_ui.core.models import LineItem


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWidget(Widget):
    days: int = parameter(30, integer(1, 366))


class RecentUsage(Component):
    """``{% recent_usage days=7 %}``: what the user was charged lately, by title."""

    name = "recent-usage"
    title = _("Your usage")
    accepts = frozenset({*Component.accepts, "days", "limit", "live"})
    body_template_name = "shop/recent_usage.html"
    widget_class = UsageWidget
    widget: UsageWidget

    def get_context_data(self) -> dict[str, Any]:
        since = timezone.now() - timedelta(days=self.widget.days)
        items = LineItem.objects.filter(user=self.user.pk, created_at__gte=since)
        rows = items.order_by().values("title", "currency").annotate(total=Sum("amount"))
        return {"step": "usage", "rows": rows.order_by("-total")[: self.widget.limit]}


register = template.Library()
tag.add(register, RecentUsage)
