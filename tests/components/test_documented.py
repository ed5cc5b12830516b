"""The widget of the page "Write your own widget" works as the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.checks import run_checks
from django.template import Library
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from payments_ui.components import registry, tag
from payments_ui.components.base import Component
from payments_ui.core.on_demand import TAG
from tests.counting import reads
from tests.dom import Node, parse

from .conftest import Owe, RenderTag

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LOAD = "{% load shop_widgets %}"


@pytest.fixture(autouse=True)
def library(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Install the example as a site's app would; return a folder of the site's templates."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "libraries": {"shop_widgets": "shop_widgets"}}
    folders = [EXAMPLES / "templates", tmp_path]
    settings.TEMPLATES = [{**engine, "DIRS": folders, "OPTIONS": options}]
    return tmp_path


@pytest.fixture
def used(owe: Owe) -> None:
    owe("1.50", "0.50", title="API calls")
    owe("12", title="Storage")


@pytest.mark.usefixtures("used")
def test_the_tag_renders_the_component(page: RenderTag) -> None:
    shown = page(LOAD + '{% recent_usage title="This week" days=7 limit=1 %}')
    (root,) = shown.with_attr("data-pui")
    assert "pui-recent-usage" in root.attrs["class"]
    assert shown.text == "This week Last 7 days StorageCHF 12.00"
    assert page(LOAD + "{% recent_usage %}", of=AnonymousUser()).children == []


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("htmx", [False, True])
def test_the_component_has_a_url_that_keeps_its_parameters(
    htmx: bool, page: RenderTag, user: User, client: Client
) -> None:
    (asks,) = page(LOAD + "{% recent_usage days=7 %}").with_attr("data-pui-bg")
    client.force_login(user)
    headers: dict[str, Any] = {"HX-Request": "true"} if htmx else {}
    response = client.get(asks.attrs["hx-get"], headers=headers)
    shown: Node = parse(response.content.decode())
    assert len(shown.all("section")) == (0 if htmx else 1)
    assert ("Last 7 days" if htmx else "Last 30 days") in shown.text
    assert "API callsCHF 2.00" in shown.text


def test_a_visitor_of_the_url_is_asked_to_sign_in(client: Client) -> None:
    response = client.get(reverse("payments_ui:widget", args=["recent-usage"]))
    assert response.status_code == 302
    assert "login" in response["Location"]


@pytest.mark.parametrize("name", ["no-such-widget", "receipt"])
def test_a_name_without_a_tag_is_not_found(name: str, client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get(reverse("payments_ui:widget", args=[name])).status_code == 404


def test_an_error_of_the_widget_never_breaks_the_page(
    page: RenderTag, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(LOAD + "{% recent_usage %}")
    found = registry.find("recent-usage")
    assert found is not None
    monkeypatch.setattr(found, "get_context_data", lambda self: 1 / 0)
    shown = page(LOAD + "before {% recent_usage %} after")
    assert (shown.text[:6], shown.text[-5:]) == ("before", "after")
    assert shown.one("a").attrs["href"] == reverse("payments_ui:widget", args=["recent-usage"])


def test_the_system_check_knows_its_parameters(library: Path) -> None:
    library.joinpath("right.html").write_text(LOAD + "{% recent_usage days=7 %}")
    library.joinpath("wrong.html").write_text(LOAD + "{% recent_usage dais=7 %}")
    (message,) = run_checks(tags=[TAG])
    assert "wrong.html, line 1, does not take 'dais'" in message.msg
    assert "'days'" in str(message.hint)


@pytest.mark.usefixtures("used")
def test_its_queries_do_not_grow(page: RenderTag, owe: Owe) -> None:
    for number in range(20):
        owe("1", title=f"Other use {number}")
    with reads(2):
        page(LOAD + "{% recent_usage %}")


def test_two_components_of_one_name_are_refused() -> None:
    class Twin(Component):
        name = "pay-button"
        body_template_name = "shop/recent_usage.html"

        def get_context_data(self) -> dict[str, Any]:
            return {}

    assert registry.find("pay-button")
    with pytest.raises(ValueError, match="Two components are named 'pay-button'"):
        tag.add(Library(), Twin)
