"""What the browser posts: the token that Stripe's fields trade the card for. No card data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from .objects import IDS


class TokenForm(forms.Form):
    """The id of a ConfirmationToken; empty without JavaScript, which leads to Stripe's page."""

    confirmation_token = forms.CharField(
        required=False,
        max_length=255,
        widget=forms.HiddenInput,
        validators=[RegexValidator(rf"\A{IDS['confirmation_token'].pattern}\Z")],
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)


#: Languages of Stripe.js and Checkout, by which Django's are found.
LOCALES = frozenset(
    {"bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA"}
    | {"hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR"}
    | {"ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW"}
)


def locale(language: str | None) -> str:
    """Stripe's name of a language of Django; "auto", the browser's, where it has none."""
    code, _hyphen, region = (language or "").partition("-")
    names = (f"{code}-{region.upper()}", {"no": "nb"}.get(code, code))
    return next((name for name in names if name in LOCALES), "auto")
