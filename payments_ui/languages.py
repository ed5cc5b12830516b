"""Which language our texts are in: that of the catalog that answers, not always the one asked for.

A site may speak a language that our texts are not translated to. Django then answers with those
of ``LANGUAGE_CODE``, or in English, which is neither read from right to left nor spoken in Hebrew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import get_language, to_locale, trans_real
from django.utils.translation.trans_real import DjangoTranslation

if TYPE_CHECKING:
    from babel.core import Locale

ENGLISH = "en"
#: Texts that whoever pays reads, whole sentences, so that no other catalog has them by chance. A
#: language that has most of one room's is the language of ours. A test keeps them in the catalogs.
WIDGETS = (
    "Continue to payment",
    "How would you like to pay?",
    "Select a payment method to continue. You are not charged yet.",
    "Review and pay",
    "You have paid everything. New items appear here.",
    "Your payment is being processed",
    "Payment successful",
)
#: The core is installed alone, too.
CORE = (
    "This payment has changed in the meantime.",
    "This payment is already paid. It was not charged again.",
    "This payment was cancelled. Your items are back in your list.",
    "Your card was declined. Try another card, or ask your bank.",
    "Something went wrong. Nothing was charged.",
)


def spoken() -> str:
    """Django's code of the language that our texts are in where the active one is asked for.

    That is the active language where a catalog has most of our texts in it, ours or the site's;
    else ``LANGUAGE_CODE`` by the same measure; else English.
    """
    active = get_language()
    if not active:
        return ENGLISH
    if _is_english(active):
        return active
    if not settings.USE_I18N:
        return ENGLISH
    return _spoken(trans_real.catalog(), active, settings.LANGUAGE_CODE)


@lru_cache(maxsize=64)
def _spoken(catalog: DjangoTranslation, active: str, default: str) -> str:
    # Remembered by catalog, which Django makes anew when the site's catalogs change.
    said = _answers(catalog)
    if not _differs(said, WIDGETS + CORE):
        return ENGLISH
    is_akin = _base(active) == _base(default)
    if is_akin or _differs(said, _answers(trans_real.translation(default))):
        return active
    return default


def _answers(catalog: DjangoTranslation) -> tuple[str, ...]:
    return tuple(catalog.gettext(text) for text in WIDGETS + CORE)


def _differs(said: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether most of one room's texts are others than these."""
    new = [ours != theirs for ours, theirs in zip(said, other, strict=True)]
    rooms = new[: len(WIDGETS)], new[len(WIDGETS) :]
    return any(sum(room) * 2 > len(room) for room in rooms)


def _base(language: str) -> str:
    return language.partition("-")[0]


def _is_english(language: str) -> bool:
    return _base(language) == ENGLISH


def tag(language: str) -> str:
    """The language as HTML and mails name it: ``de-CH``, ``zh-Hans``."""
    return to_locale(language).replace("_", "-")


def is_rtl(language: str) -> bool:
    """Whether the language is read from right to left."""
    return _base(language) in settings.LANGUAGES_BIDI


def of_numbers() -> str:
    """The language that amounts are written in: the active one, as its readers know numbers.

    Where our texts run the other way, it is theirs: numbers of the active language would be torn
    apart between them.
    """
    active = get_language() or ENGLISH
    if is_rtl(active) or is_rtl(settings.LANGUAGE_CODE):
        texts = spoken()
        return active if is_rtl(active) == is_rtl(texts) else texts
    return active


@lru_cache(maxsize=64)
def locale(language: str) -> Locale:
    """What Babel knows of a language; English where it knows nothing."""
    from babel.core import Locale, UnknownLocaleError

    for name in (language, _base(language)):
        try:
            return Locale.parse(to_locale(name))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(ENGLISH)
