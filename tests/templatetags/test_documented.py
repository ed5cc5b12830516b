"""The tags work from Jinja2 as their reference says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template import engines
from pytest_django import Settings

from tests.components.conftest import Owe, RequestOf
from tests.dom import parse

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(autouse=True)
def jinja(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the site write its pages in Jinja2."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    backend: dict[str, Any] = {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "OPTIONS": {"environment": "shop_jinja.environment"},
    }
    settings.TEMPLATES = [backend, *settings.TEMPLATES]


def test_a_jinja_page_has_a_widget_with_its_parameters(
    user: User, request_of: RequestOf, owe: Owe
) -> None:
    owe("12.50", title="Storage & more")
    page = engines["jinja2"].from_string(
        "{{ payments_ui('payments_ui_assets', htmx=2) }}"
        "{{ payments_ui('pending_charges', title='Owed <here>', heading=3) }}"
    )
    shown = parse(page.render({}, request_of(user)))
    assert [heading.text for heading in shown.all("h3")] == ["Owed <here>"]
    assert "Storage & more" in shown.text
    assert "CHF 12.50" in shown.text
    assert any("htmx" in script.attrs.get("src", "") for script in shown.all("script"))


def test_a_visitor_of_a_jinja_page_sees_nothing(request_of: RequestOf) -> None:
    page = engines["jinja2"].from_string("{{ payments_ui('charges_badge') }}")
    assert page.render({}, request_of(AnonymousUser())) == ""
