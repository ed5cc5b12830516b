"""Each use of a group of line items, with its date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core import queries
from payments_ui.core.models import LineItem
from payments_ui.core.queries import Look

from .base import Component, Page
from .widget import Widget

if TYPE_CHECKING:
    from payments_ui.core.models import Payment


class UsesForm(forms.Form):
    """Which group: what a link of ``{% pui_uses %}`` asks for, bounded."""

    currency = forms.CharField(max_length=3)
    title = forms.CharField(max_length=LineItem._meta.get_field("title").max_length, strip=False)
    unit = forms.CharField(
        max_length=LineItem._meta.get_field("unit").max_length, strip=False, required=False
    )
    unit_price = forms.DecimalField(
        max_digits=18, decimal_places=money.DECIMAL_PLACES, required=False
    )
    payment = forms.UUIDField(required=False)

    def clean_currency(self) -> str:
        """A currency that there is."""
        currency: str = self.cleaned_data["currency"]
        if not money.is_currency(currency):
            raise ValidationError("No currency", code="invalid")
        return currency

    @property
    def look(self) -> Look:
        """The group, of a valid form."""
        return Look(*(self.cleaned_data[name] for name in Look._fields))


class Uses(Component):
    """The line items of one group: unbound, or those of ``payment``. One query.

    A page of its own without JavaScript; in place its list alone stands in the group's row.
    """

    name = "uses"
    title = _("Each use")
    body_template_name = "payments_ui/components/uses.html"

    def __init__(
        self,
        request: HttpRequest,
        widget: Widget,
        *,
        currency: str,
        look: Look,
        payment: Payment | None = None,
        page: int = 1,
    ) -> None:
        super().__init__(request, widget, page=page)
        self.currency = currency
        self.look = look
        self.payment = payment

    def get_context_data(self) -> dict[str, Any]:
        """One page of its uses, the last one first."""
        limit = self.widget.limit
        rows = queries.items(
            self.user,
            self.currency,
            limit=limit + 1,
            offset=(self.page - 1) * limit,
            payment=self.payment,
            look=self.look,
        )
        return {
            "step": "uses",
            "currency": self.currency,
            "look": self.look,
            "payment": self.payment,
            "page": Page.of(rows, self.page, limit),
        }

    def render_list(self) -> SafeString:
        """The list alone, which replaces the link to it."""
        return self._render(self.body_template_name, "uses", **self.get_context_data())
