"""Pay only these: the form in which a user ticks line items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import timezone
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
        label=_("Items to pay now"),
        error_messages={
            "required": _("Select at least one item."),
            "invalid_choice": _("One of these items is no longer open. Please select again."),
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
        looks = Counter(_look(item) for item in items)
        same, seen = Counter(map(_look_at, items)), Counter[tuple[object, ...]]()
        choices = []
        for item in items:
            look = _look_at(item)
            seen[look] += 1
            ordinal = seen[look] if same[look] > 1 else 0
            choices.append((item.pk, _label(item, looks[_look(item)] > 1, ordinal)))
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


def _look(item: LineItem) -> tuple[object, ...]:
    day = timezone.localtime(item.used_at).date()
    return item.title, item.amount, item.quantity, item.unit, item.unit_price, day


def _look_at(item: LineItem) -> tuple[object, ...]:
    """The same, with the second."""
    return *_look(item), item.used_at.replace(microsecond=0)


def _label(item: LineItem, has_twins: bool, ordinal: int) -> str:
    """What the row says; where others say the same, with the time of the use, or a number."""
    context = {"items": [item], "has_twins": has_twins, "ordinal": ordinal}
    return render_to_string("payments_ui/elements/lineitem_option.html", context)
