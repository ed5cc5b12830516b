"""The two forms that charge the user."""

from __future__ import annotations

import secrets
import uuid

from django import forms
from django.contrib.auth.models import User
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from atelier import services
from atelier.models import Print, Sheet
from atelier.prices import Destination, Size, Terrain


def size_choices() -> list[tuple[str, str]]:
    """Return the paper sizes with what a sheet of each costs."""
    return [(size.value, f"{size.label} · CHF {number_format(size.price)}") for size in Size]


def new_seed() -> int:
    """Return a random seed."""
    return secrets.randbelow(1_000_000)


class SheetForm(forms.Form):
    """What to render."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    name = forms.CharField(
        label=_("Name of the mountain"), max_length=60, initial=_("Piz Nowhere"), strip=True
    )
    terrain = forms.ChoiceField(label=_("Terrain"), choices=Terrain.choices)
    size = forms.ChoiceField(label=_("Paper"), choices=size_choices)
    seed = forms.IntegerField(
        label=_("Seed"),
        help_text=_("The same seed always gives the same mountain."),
        min_value=0,
        max_value=2_000_000_000,
        initial=new_seed,
    )

    def save(self, *, owner: User) -> Sheet:
        """Render the sheet and charge its owner."""
        return services.render_sheet(owner=owner, **self.cleaned_data)


class PrintForm(forms.Form):
    """Where to send a print."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    destination = forms.ChoiceField(label=_("Post it to"), choices=Destination.choices)

    def save(self, *, sheet: Sheet) -> Print:
        """Order the print and charge the sheet's owner."""
        return services.order_print(sheet=sheet, **self.cleaned_data)
