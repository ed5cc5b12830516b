"""The reference says what the code does."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType

import pytest
from django.dispatch import Signal
from django.urls import get_resolver
from django.utils.module_loading import import_string

from payments_ui import conf, exceptions, urls
from payments_ui.core import audit as auditing
from payments_ui.core import models, signals
from payments_ui.core.rules import RULES
from payments_ui.core.triggers.compiler import EVENTS
from payments_ui.moochers.stripe import events as stripe_events

DOCS = Path(__file__).parent.parent / "docs"
IMPORTED = re.compile(r"^ *from (payments_ui[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
DOTTED = re.compile(r"[`\"'](payments_ui(?:\.\w+){2,})")
#: Names that are the kit's own: they stand in INSTALLED_APPS, MIDDLEWARE and the like, or are rows
#: that nobody but the kit reads.
ELSEWHERE = re.compile(r"\.(middleware|apps|context_processors|templatetags)\.|\.(Pace|MailStart)$")


def rows(page: str) -> dict[str, str]:
    """Return the second cell of each row of a page's tables by its first, without backquotes."""
    found = re.findall(r"^\| `(.+?)` \| `?(.+?)`? \|", (DOCS / page).read_text(), re.MULTILINE)
    return dict(found)


def test_every_setting_is_in_the_reference_with_its_default(settings: object) -> None:
    settings.PAYMENTS_UI = {}  # type: ignore[attr-defined]
    assert {name: str(getattr(conf.settings, name)) for name in conf.KNOWN} == {
        name: default.strip('"') for name, default in rows("reference/settings.md").items()
    }


def test_every_error_is_in_the_reference_with_its_code() -> None:
    errors = {
        name: error.code
        for name, error in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(error, exceptions.PaymentsUIError) and error is not exceptions.PaymentsUIError
    }
    assert errors == rows("reference/errors.md")


def test_every_url_is_in_the_reference() -> None:
    resolver = get_resolver(urls)  # type: ignore[arg-type]
    names = {name for name in resolver.reverse_dict if isinstance(name, str)}
    assert names == set(rows("reference/urls.md"))


def test_everything_that_triggers_refuse_is_explained() -> None:
    page = (DOCS / "explanation/triggers.md").read_text()
    explained = re.findall(r"^\| `(\w+)` \| (.+\.) \| `(\w+)` \|$", page, re.MULTILINE)
    refused = [rule for rule in RULES if any(map(rule.refused, EVENTS))]
    assert explained == [(rule.name, rule.promise, rule.error.__name__) for rule in refused]


def test_every_rule_of_the_audit_is_explained() -> None:
    rules = (*auditing.RULES, *auditing.PSP_RULES)
    assert rows("howto/audit.md") == {rule.name: rule.promise for rule in rules}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_events_that_stripe_is_to_send_are_in_its_guide() -> None:
    text = (DOCS / "howto/stripe.md").read_text()
    listed = text.partition("Choose these events")[2].partition("Only the names")[0]
    assert re.findall(r"`([a-z_.]+)`", listed) == list(stripe_events.TYPES)


def public_names() -> Iterator[tuple[str, str]]:
    """Each name that a site is told to import, with the module in which it is written."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        for module, names in IMPORTED.findall(text):
            for name in re.findall(r"(\w+)(?: as \w+)?", names):
                yield from written(f"{module}.{name}")
        for path in DOTTED.findall(text):
            yield from written(path)
    for name in conf.KNOWN:
        for path in DOTTED.findall(repr(getattr(conf.settings, name))):
            yield from written(path)
    for name in models.__all__:
        yield from written(f"payments_ui.core.models.{name}")


def written(path: str) -> Iterator[tuple[str, str]]:
    """The module that defines what this path names, where it is a class or a function of ours."""
    with suppress(ImportError):
        found: object = import_string(path)
        module = getattr(found, "__module__", "")
        if module.startswith("payments_ui.") and isinstance(found, type | FunctionType):
            yield path, module


def test_whatever_a_site_is_told_to_import_is_in_the_reference() -> None:
    shown = re.findall(r"automodule:: (\S+)", (DOCS / "reference/api.md").read_text("utf-8"))
    # A package with `:imported-members:` shows what its modules define.
    packages = [module for module in shown if module.startswith("payments_ui.moochers.")]
    packages.append("payments_ui.testing.contracts")
    missing = {
        path
        for path, module in public_names()
        if module not in shown
        and not any(module.startswith(f"{package}.") for package in packages)
        and not ELSEWHERE.search(path)
    }
    assert sorted(missing) == []


def test_signals_and_verbs_that_the_reference_leaves_to_the_code_have_words() -> None:
    source = inspect.getsource(signals)
    for name, found in vars(signals).items():
        if isinstance(found, Signal):
            assert re.search(rf"#: [^\n]+\n{name} = Signal", source), name
