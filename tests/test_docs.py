"""The reference says what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from payments_ui import conf, exceptions, urls
from payments_ui.core import audit as auditing
from payments_ui.core.rules import RULES
from payments_ui.core.triggers.compiler import EVENTS

DOCS = Path(__file__).parent.parent / "docs"


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
