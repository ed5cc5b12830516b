"""Pay only these: the form in which a user ticks line items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from payments_ui.core.models import LineItem

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: A page shows at most as many; more ticks than that come from no page of ours.
MOST = 100


class TickedLineItems(forms.MultipleChoiceField):
    """Tick boxes of the items on the page; takes the ids of any items that are open."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: object) -> bool:
        """Whether it can be an id at all; whose it is, the form asks the database."""
        text = str(value)
        return text.isascii() and text.isdigit() and len(text) < 19


class LineItemSelection(forms.Form):
    """``lineitems``: the user's unbound line items of one currency that are ticked.

    Shows ``items``, one page of them. ``cleaned_data["lineitems"]`` is a list of
    ``LineItem``; an item that is no longer open, or not the user's, is an error.
    """

    lineitems = TickedLineItems(
        label=_("Charges to pay now"),
        error_messages={
            "required": _("Select at least one charge."),
            "invalid_choice": _("One of these charges is no longer open. Please select again."),
        },
    )

    def __init__(
        self,
        user: AbstractBaseUser,
        currency: str,
        items: Sequence[LineItem] = (),
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        self.currency = currency
        self.show(items)

    def show(self, items: Sequence[LineItem]) -> None:
        """Offer these items to tick."""
        field = self.fields["lineitems"]
        choices = [(item.pk, _label(item)) for item in items]
        field.choices = field.widget.choices = choices  # type: ignore[attr-defined]

    def clean_lineitems(self) -> list[LineItem]:
        """The ticked items, or an error where one of them cannot be paid by this user."""
        ids = {int(value) for value in self.cleaned_data["lineitems"]}
        unbound = LineItem.objects.unbound().filter(user=self.user, currency=self.currency)
        items = list(unbound.filter(pk__in=ids)) if len(ids) <= MOST else []
        if len(items) != len(ids):
            raise ValidationError(
                self.fields["lineitems"].error_messages["invalid_choice"], code="invalid_choice"
            )
        return items


def _label(item: LineItem) -> str:
    return render_to_string("payments_ui/elements/lineitem_option.html", {"item": item})
