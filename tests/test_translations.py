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
from django.utils.translation import gettext, ngettext, override

import payments_ui
from payments_ui import exceptions, languages, money
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
        said = [ngettext("item to pay", "items to pay", number) for number in (0, 1, 2)]
    assert said == [zero, one, two]


@every_catalog
def test_what_is_compiled_is_what_is_written(folder: str, language: str) -> None:
    with path_of(folder, language).with_suffix(".mo").open("rb") as file:
        assert texts(read_mo(file)) == texts(catalog(folder, language))


@every_catalog
def test_customers_are_addressed_politely(folder: str, language: str) -> None:
    spoken = " ".join(text for m in messages(folder, language) for text in forms(m.string))
    assert re.findall(FAMILIAR[language], spoken, re.IGNORECASE) == []


#: What one language says of one thing in many texts, and what it said before: by the glossary of
#: docs/howto/translate.md.
NOT_OURS = {
    "de": r"Rückerstatt|Zahlungsmittel|Zahlungsanfechtung|Rückbuchung|\bTotal\b|Kundschaft",
    "fr": r"\bfrais\b|monnaie|débitée? à nouveau|rien ne vous sera débité|échéance"
    r"|ouvrables bancaires|indications",
    "it": r"addebiti\b|importi da pagare|verrà addebitato nulla due volte|lavorativi bancari"
    r"|uno-tre|pagabile",
}
#: What is to be seen in print where the language does it otherwise than English.
WRONG_SIGNS = {
    # An ellipsis for what is left out stands alone; quotation marks are „these“.
    "de": r"\w…|[«»”]",
    # A space that does not break before high signs and inside quotation marks.
    "fr": r"[^\u00a0\u202f\s][?!;»](?!\w)|[^\u00a0\u202f]:(?=\s|$)| [:;?!»]|«[^\u00a0\u202f]",
    "it": r"\w …| [:;?!]",
}
#: With ss in Swiss German only: ß stands behind a long vowel.
SHARP_S = r"schliess|aussen|ausser|massnahm|gross|strasse|weiss\b|heiss|regelmäss|gemäss|gruss"


@every_catalog
def test_one_thing_has_one_word(folder: str, language: str) -> None:
    spoken = [text for m in messages(folder, language) for text in forms(m.string)]
    assert [t for t in spoken if re.search(NOT_OURS[language], t, re.IGNORECASE)] == []


@every_catalog
def test_signs_are_set_as_the_language_sets_them(folder: str, language: str) -> None:
    spoken = [text for m in messages(folder, language) for text in forms(m.string)]
    assert [text for text in spoken if re.search(WRONG_SIGNS[language], text)] == []
    # Two texts were once run together where both had nearly the same English.
    assert [text for text in spoken if re.search(r"[a-zà-ÿ]{2}[.?!][A-ZÀ-Ý]", text)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_german_has_its_sharp_s(folder: str) -> None:
    spoken = [text for m in messages(folder, "de") for text in forms(m.string)]
    assert [text for text in spoken if re.search(SHARP_S, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_swiss_german_is_what_differs_from_german(folder: str) -> None:
    swiss, german = texts(catalog(folder, "de_CH")), texts(catalog(folder, "de"))
    assert {text for text in swiss if swiss[text] == german[text]} == set()
    for message, shown in german.items():
        said = swiss.get(message, shown)
        assert not re.search("ß|[„“]|Gesamtbetrag|Bankarbeitstag", " ".join(said)), message


def test_swiss_german_says_the_rest_as_german_does() -> None:
    with override("de-ch"):
        assert gettext("Total") == "Total"
        assert gettext("Close without action") == "Ohne Massnahme abschliessen"
        assert gettext("Review and pay") == "Prüfen und bezahlen"
        assert ngettext("item to pay", "items to pay", 2) == "Posten zu bezahlen"
    with override("de"):
        assert gettext("Total") == "Gesamtbetrag"
        assert gettext("Close without action") == "Ohne Maßnahme abschließen"


def test_every_text_is_collected() -> None:
    """Texts of a function that has another name are in no catalog: gettext knows ``_`` only."""
    renamed = re.compile(r"import \w*gettext\w* as (?!_\b)")
    sources = PACKAGE.rglob("*.py")
    assert [path.name for path in sources if renamed.search(path.read_text("utf-8"))] == []


def test_what_tells_the_language_is_in_the_catalogs() -> None:
    """``payments_ui.languages`` asks these texts which catalog answers."""
    widgets, core = texts(catalog("widgets", "de")), texts(catalog("core", "de"))
    assert {("", text) for text in languages.WIDGETS} <= widgets.keys()
    assert {("", text) for text in languages.CORE} <= core.keys()


#: Corrections of people who speak it: each was once said otherwise.
CORRECTIONS = [
    ("de", "Total", "Gesamtbetrag"),
    ("de", "One moment…", "Einen Moment\u00a0…"),
    ("de", "Please complete one more step. Nothing is charged.", "schließen Sie noch"),
    ("de", "This payment is already paid. It was not charged again.", "Der Betrag wurde nicht"),
    ("de", "You left before paying. Try again whenever you like.", "Sie haben die Seite vor dem"),
    ("de", "Refund a charged payment", "Eine eingegangene Zahlung erstatten"),
    ("de", "Mark as charged", "Als bezahlt markieren"),
    ("de", "Settle these items", "Diese Posten verrechnen"),
    ("fr", "Continue to payment", "Passer au paiement"),
    ("fr", "Payable to", "Bénéficiaire"),
    ("fr", "Nothing was lost, and you will not be charged twice.", "vous ne serez pas débité deux"),
    ("fr", "Your card has expired. Try another card.", "Votre carte a expiré."),
    ("fr", "currency", "devise"),
    ("fr", "Get the transfer details", "coordonnées de virement"),
    (
        "fr",
        "From your banking app; takes one to three bank working days.",
        "trois jours ouvrables.",
    ),
    ("fr", "Refunded %(shown)s on %(date)s", "Remboursement de %(shown)s le %(date)s"),
    ("it", "Payable to", "Beneficiario"),
    ("it", "Continue to payment", "Procedi al pagamento"),
    ("it", "Payment successful", "Abbiamo ricevuto il Suo pagamento"),
    (
        "it",
        "Nothing was lost, and you will not be charged twice.",
        "importo non Le verrà addebitato due volte",
    ),
    ("it", "Review and pay", "Verifica e pagamento"),
    ("it", "From your banking app; takes one to three bank working days.", "da uno a tre giorni"),
]


@pytest.mark.parametrize(("language", "text", "said"), CORRECTIONS)
def test_people_who_speak_it_would_say_so(language: str, text: str, said: str) -> None:
    with override(language):
        assert said in gettext(text)


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
        ("fr", "Passer au paiement"),
        ("it", "Procedi al pagamento"),
    ],
)
def test_the_first_button_leads_on_and_does_not_pay(language: str, label: str) -> None:
    assert texts(catalog("widgets", language))["", "Continue to payment"] == [label]
