"""The test cards to choose from. No form has a field for a card's number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: The cards a customer is shown: enough to tell the story, and the button stays in sight.
OFFERED: tuple[tuple[str, _StrPromise], ...] = (
    ("card_approve", _("Card that is approved")),
    ("card_3ds", _("Card that asks for 3-D Secure")),
    ("card_processing", _("Card that is charged some seconds later")),
    ("card_slow", _("Card with a slow bank")),
    ("card_declined", _("Card that is declined")),
    ("card_insufficient_funds", _("Card without enough money")),
    ("card_lost_reply", _("Card that is charged, but the answer gets lost")),
)
#: All that can be posted; the sandbox's own panel plays some more.
CARDS: tuple[tuple[str, _StrPromise], ...] = (
    *OFFERED,
    ("card_expired", _("Card that has expired")),
    ("card_incorrect", _("Card with a wrong security code")),
    ("card_limit", _("Card that is over its limit")),
    ("card_stolen", _("Card that was reported stolen")),
    ("card_error_before", _("Card that breaks the sandbox before it is charged")),
    ("card_error_after", _("Card that breaks the sandbox after it was charged")),
    ("card_duplicate_webhook", _("Card that is reported twice")),
    ("card_late_webhook", _("Card that is reported late")),
)


class CardForm(forms.Form):
    """Which test card to pay with."""

    card = forms.ChoiceField(
        label=_("Test card"), choices=CARDS, widget=forms.RadioSelect, initial=CARDS[0][0]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["card"].widget.choices = OFFERED
