"""The catalogs: every text in every language, whole, compiled, and in polite words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation import ngettext, override

import payments_ui
from payments_ui import exceptions, money
from payments_ui.moochers.base import Moocher

PACKAGE = Path(payments_ui.__file__).parent
FOLDERS = {"widgets": PACKAGE / "locale", "core": PACKAGE / "core" / "locale"}
LANGUAGES = ("de", "fr", "it")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z]")
FAMILIAR = {
    "de": r"\b(du|dich|dir|dein\w*|euch|euer|eure\w*)\b",
    "fr": r"\b(tu|toi|ton|tes)\b",
    "it": r"\b(tu|ti|tuo|tua|tuoi|tue)\b",
}


def path_of(folder: str, language: str) -> Path:
    return FOLDERS[folder] / language / "LC_MESSAGES" / "django.po"


def catalog(folder: str, language: str) -> Catalog:
    with path_of(folder, language).open("rb") as file:
        return read_po(file)


def messages(folder: str, language: str) -> Iterator[Message]:
    return (message for message in catalog(folder, language) if message.id)


def forms(text: object) -> list[str]:
    """Singular and plural, or the only form."""
    return list(text) if isinstance(text, list | tuple) else [str(text or "")]


def context_of(message: Message) -> str:
    # Babel leaves those of compiled files as bytes.
    context: object = message.context or ""
    return context.decode() if isinstance(context, bytes) else str(context)


def texts(catalog: Catalog) -> dict[tuple[str, str], list[str]]:
    """Translations by context and text."""
    return {
        (context_of(message), forms(message.id)[0]): forms(message.string)
        for message in catalog
        if message.id
    }


every_catalog = pytest.mark.parametrize(
    ("folder", "language"), [(folder, language) for folder in FOLDERS for language in LANGUAGES]
)
every_language = pytest.mark.parametrize("language", LANGUAGES)


@every_catalog
def test_every_text_is_translated(folder: str, language: str) -> None:
    found = list(messages(folder, language))
    assert len(found) > 100
    assert [m.id for m in found if m.fuzzy or not all(forms(m.string))] == []


@every_language
def test_every_language_has_the_same_texts(language: str) -> None:
    for folder in FOLDERS:
        assert texts(catalog(folder, language)).keys() == texts(catalog(folder, "de")).keys()


@every_catalog
def test_translations_fill_the_same_placeholders(folder: str, language: str) -> None:
    for message in messages(folder, language):
        # Our languages have two forms, as English has.
        for text, source in zip(forms(message.string), forms(message.id), strict=True):
            placeholders = sorted(PLACEHOLDER.findall(text))
            assert placeholders == sorted(PLACEHOLDER.findall(source)), text


@pytest.mark.parametrize(
    ("language", "zero", "one", "two"),
    [
        ("de", "Posten zu bezahlen", "Posten zu bezahlen", "Posten zu bezahlen"),
        # French counts zero as one.
        ("fr", "poste à payer", "poste à payer", "postes à payer"),
        ("it", "voci da pagare", "voce da pagare", "voci da pagare"),
    ],
)
def test_plurals_count_as_the_language_does(language: str, zero: str, one: str, two: str) -> None:
    with override(language):
        said = [ngettext("charge to pay", "charges to pay", number) for number in (0, 1, 2)]
    assert said == [zero, one, two]


@every_catalog
def test_what_is_compiled_is_what_is_written(folder: str, language: str) -> None:
    with path_of(folder, language).with_suffix(".mo").open("rb") as file:
        assert texts(read_mo(file)) == texts(catalog(folder, language))


@every_catalog
def test_customers_are_addressed_politely(folder: str, language: str) -> None:
    spoken = " ".join(text for m in messages(folder, language) for text in forms(m.string))
    assert re.findall(FAMILIAR[language], spoken, re.IGNORECASE) == []


@every_language
def test_a_text_of_both_catalogs_is_translated_once(language: str) -> None:
    widgets, core = texts(catalog("widgets", language)), texts(catalog("core", language))
    assert {text for text in widgets.keys() & core.keys() if widgets[text] != core[text]} == set()


@every_language
def test_errors_are_translated_where_only_the_core_is_installed(language: str) -> None:
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    with override("en"):
        said = {("", str(kind.message)) for kind in kinds if hasattr(kind, "message")}
    assert len(said) > 10
    assert said <= texts(catalog("core", language)).keys()


@pytest.mark.parametrize(
    ("language", "label"),
    [
        ("en", "Pay {}"),
        ("de", "{} bezahlen"),
        ("fr", "Payer {}"),
        ("it", "Paga {}"),
    ],
)
def test_the_final_button_says_that_one_pays_and_how_much(language: str, label: str) -> None:
    with override(language):
        amount = money.format_amount(Decimal(12), "CHF")
        assert Moocher(identifier="any", title="Any").pay_label(amount) == label.format(amount)


@pytest.mark.parametrize(
    ("language", "label"),
    [
        ("de", "Weiter zur Zahlung"),
        ("fr", "Continuer vers le paiement"),
        ("it", "Continua verso il pagamento"),
    ],
)
def test_the_first_button_leads_on_and_does_not_pay(language: str, label: str) -> None:
    assert texts(catalog("widgets", language))["", "Continue to payment"] == [label]
