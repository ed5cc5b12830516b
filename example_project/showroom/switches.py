"""The switches in the footer, as the template shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from showroom.looks import LOOKS
from showroom.preferences import Preferences

Options = list[tuple[str, "str | Promise"]]


@dataclass(frozen=True)
class Switch:
    """A choice of a few values; one is on."""

    name: str
    label: str | Promise
    url: str
    value: str
    options: Options


def switches(preferences: Preferences) -> Iterator[Switch]:
    """Yield the switches with their present values."""
    url = reverse("showroom:preferences")
    looks: Options = [(name, look.label) for name, look in LOOKS.items()]
    scripts: Options = [("2", "htmx 2"), ("4", "htmx 4"), ("none", _("No JavaScript"))]
    themes: Options = [("system", _("System")), ("light", _("Light")), ("dark", _("Dark"))]
    yield Switch("look", _("Look"), url, preferences.look, looks)
    yield Switch("htmx", _("Script"), url, preferences.htmx, scripts)
    yield Switch("theme", _("Colours"), url, preferences.theme, themes)
    languages: Options = list(settings.LANGUAGES)
    language = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
    yield Switch("language", _("Language"), reverse("set_language"), language, languages)
