"""Which language our texts are in, whatever the page's is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.contrib.auth.models import User
from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import deactivate_all, get_language_info, gettext, override
from pytest_django import Settings

from payments_ui import languages, money
from payments_ui.core.mails.states import MailKind
from payments_ui.core.models import LineItem
from payments_ui.flows.mails.send import compose
from payments_ui.flows.mails.texts import Text
from tests.dom import Node, parse
from tests.shopping import IN_PLACE

Site = Callable[..., None]


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Site:
    """Give the site a catalog of its own in a language, with these texts."""
    settings.LANGUAGES = [(code, code) for code in ("en", "de", "de-ch", "fr", "he", "ar", "tlh")]
    settings.LOCALE_PATHS = [str(tmp_path)]

    def speak(language: str, texts: Iterable[str], prefix: str = "") -> None:
        catalog = Catalog(locale="he" if language == "tlh" else language.replace("-", "_"))
        for text in texts:
            catalog.add(text, (prefix or f"{language}: ") + text)
        folder = tmp_path / language.replace("-ch", "_CH") / "LC_MESSAGES"
        folder.mkdir(parents=True)
        with (folder / "django.mo").open("wb") as file:
            write_mo(file, catalog)
        # Django forgets what it has read.
        settings.LOCALE_PATHS = [str(tmp_path)]

    return speak


def spoken(language: str | None) -> str:
    with override(language):
        return languages.spoken()


@pytest.mark.parametrize("language", ["en", "en-gb", "de", "de-at", "de-ch", "fr", "fr-ca", "it"])
def test_what_is_translated_is_said_in_the_active_language(language: str) -> None:
    assert spoken(language) == language


@pytest.mark.parametrize("language", ["he", "ar", "ja", "xx-strange", None])
def test_what_is_not_translated_is_english(language: str | None) -> None:
    assert spoken(language) == "en"


def test_what_is_not_translated_is_in_the_sites_language(settings: Settings, site: Site) -> None:
    settings.LANGUAGE_CODE = "de"
    site("fr", [])
    assert spoken("he") == "de"
    assert spoken("de-ch") == "de-ch"
    assert spoken("en") == "en", "Django falls back to no other language there"
    settings.LANGUAGE_CODE = "he"
    site("ar", [])
    assert spoken("he") == "en"
    assert spoken("de") == "de"


@pytest.mark.parametrize("room", [languages.WIDGETS, languages.CORE], ids=["widgets", "core"])
def test_a_site_may_bring_a_language_of_its_own(site: Site, room: tuple[str, ...]) -> None:
    site("he", room)
    assert spoken("he") == "he"


def test_a_few_texts_make_no_language(site: Site) -> None:
    site("he", languages.WIDGETS[:2])
    with override("he"):
        assert gettext(languages.WIDGETS[0]).startswith("he: ")
        assert languages.spoken() == "en"


def test_most_texts_make_a_language(site: Site) -> None:
    site("he", languages.WIDGETS[:4])
    assert spoken("he") == "he"


@pytest.mark.parametrize("language", ["de", "de-ch"])
def test_a_site_that_says_some_texts_otherwise_changes_no_language(
    site: Site, language: str
) -> None:
    site("de", languages.WIDGETS[:1])
    with override(language):
        assert gettext(languages.WIDGETS[0]).startswith("de: ")
        assert languages.spoken() == language


def test_a_site_that_translates_nothing_is_english(settings: Settings) -> None:
    settings.USE_I18N = False
    settings.LANGUAGE_CODE = "de"
    assert languages.spoken() == "en"


def test_no_language_is_english() -> None:
    with override("de"):
        deactivate_all()
        assert languages.spoken() == "en"


@pytest.mark.parametrize(
    ("language", "tag"),
    [("de", "de"), ("de-ch", "de-CH"), ("zh-hans", "zh-Hans"), ("sr-latn", "sr-Latn")],
)
def test_a_language_is_named_as_in_html(language: str, tag: str) -> None:
    assert languages.tag(language) == tag


@pytest.mark.parametrize("language", ["he", "ar", "fa", "de", "fr"])
def test_the_direction_is_djangos(language: str) -> None:
    assert languages.is_rtl(language) == get_language_info(language)["bidi"]


def test_numbers_of_the_other_direction_are_not_put_between_our_texts(site: Site) -> None:
    with override("he"):
        assert money.format_amount(Decimal(12), "CHF") == "CHF\u00a012.00"
    # The same direction: people keep the numbers they know.
    with override("da"):
        assert money.format_amount(Decimal(12), "CHF") == "12,00\u00a0CHF"
    site("he", languages.WIDGETS)
    with override("he"):
        assert "\u200f" in money.format_amount(Decimal(12), "CHF")


def roots(page: Node) -> list[tuple[str, str]]:
    shown = [node for node in page if "lang" in node.attrs]
    return [(node.attrs["lang"], node.attrs["dir"]) for node in shown]


WIDGETS = [
    *("pending_charges", "pay_button", "charges_badge", "payment_history", "payment_methods"),
    'pending_charges anonymous="Please sign in"',
]


@pytest.mark.django_db
@pytest.mark.parametrize("tag", WIDGETS)
@pytest.mark.parametrize(
    ("language", "said"),
    [("he", ("en", "ltr")), ("de-ch", ("de-CH", "ltr")), ("fr", ("fr", "ltr"))],
)
def test_the_root_and_the_body_say_the_language_of_their_texts(
    user: User, tag: str, language: str, said: tuple[str, str]
) -> None:
    LineItem.objects.record(user=user, title="Use", amount="5")
    request = RequestFactory().get("/")
    request.user = user
    with override(language):
        template = Template(f"{{% load payments_ui %}}{{% {tag} %}}")
        page = parse(template.render(RequestContext(request, {})))
    assert roots(page) == [said, said]


@pytest.mark.django_db
def test_so_do_fragments_and_whole_pages(user: User, settings: Settings, site: Site) -> None:
    client = Client(headers={"accept-language": "he"})
    client.force_login(user)
    LineItem.objects.record(user=user, title="Use", amount="5")
    path = reverse("payments_ui:charges")
    hebrew, english = ("he", "rtl"), ("en", "ltr")
    fragment = IN_PLACE
    assert set(roots(parse(client.get(path, {"w": "pui-1"}, headers=fragment).text))) == {english}
    assert set(roots(parse(client.get(path).text))) >= {english}
    site("he", languages.WIDGETS)
    assert set(roots(parse(client.get(path, {"w": "pui-1"}, headers=fragment).text))) == {hebrew}
    assert hebrew in roots(parse(client.get(path).text))


def test_a_date_in_a_template_is_in_that_language() -> None:
    source = "<p {% pui_language %}>{{ day|pui_date }}{{ no|pui_date }}</p>"
    template = Template("{% load pui %}" + source)
    with override("he"):
        shown = template.render(Context({"day": dt.date(2026, 11, 27), "no": None}))
    assert shown == '<p lang="en" dir="ltr">November 27, 2026</p>'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said", "way"),
    [("he", "en", "ltr"), ("de-ch", "de-CH", "ltr"), ("fr", "fr", "ltr")],
)
def test_a_mail_says_the_language_of_its_texts(
    user: User, settings: Settings, language: str, said: str, way: str
) -> None:
    settings.LANGUAGE_CODE = language
    message = compose(
        MailKind.RECEIPT, user, "ada@example.com", lambda: Text(subject="", paragraphs=[])
    )
    assert message.extra_headers["Content-Language"] == said
    content: Any = message.alternatives[0]
    assert roots(parse(str(content.content))) == [(said, way)]
