"""What a host's style sheet says of bare tags changes nothing in a widget."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import TRANSFER, Charges
from e2e.conftest import Visit
from e2e.stage import Person

#: As sites have them; the letters stay as large, the root's do not.
HOSTS = {
    "labels": "label { flex-direction: column; text-align: right } section { display: flex }",
    "padding": "body * { padding: 7px } p { text-indent: 2em } li { float: left }",
    "tables": "td, th { font-size: 30px; display: block } dl { grid-template-columns: 1fr 1fr }",
    "roots": "html { font-size: 10px } body { font-size: 16px } button { width: 100% }",
}
#: Name, place in the widget and size of everything in it that is shown.
GEOMETRY = """() => {
  const root = document.querySelector("section.pui[data-pui]");
  root.style.inlineSize = "560px";
  root.style.padding = "0";
  const from = root.getBoundingClientRect();
  return [...root.querySelectorAll("*")].flatMap((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    if (!width || !height) return [];
    const at = [x - from.x, y - from.y, width, height].map(Math.round);
    return [`${element.tagName} ${element.className.baseVal ?? element.className} ${at}`];
  });
}"""


def geometry(page: Page) -> list[str]:
    found: list[str] = page.evaluate(GEOMETRY)
    return found


@pytest.mark.parametrize("css", HOSTS.values(), ids=HOSTS)
@pytest.mark.parametrize("step", ["list", "select", "review", "transfer"])
def test_bare_tags_change_nothing(visit: Visit, owing: Person, step: str, css: str) -> None:
    options: dict[str, Any] = {"bypass_csp": True}
    page = visit(owing, "/billing/charges/", **options)
    charges = Charges(page)
    if step == "select":
        page.goto("/billing/charges/?select=1")
    elif step != "list":
        charges.begin()
    if step == "transfer":
        charges.choose(TRANSFER).button("Get the transfer details").click()
        charges.at("Waiting for your transfer")
    # Once htmx has found the form, its button hides itself.
    expect(charges.button("Choose")).to_be_hidden()
    page.add_style_tag(content="body { font-size: 16px }")
    before = geometry(page)
    page.add_style_tag(content=css)
    assert geometry(page) == before


def test_targets_stay_large_where_the_root_is_small(visit: Visit, owing: Person) -> None:
    page = visit(owing, "/billing/charges/", bypass_csp=True)
    Charges(page).begin()
    page.add_style_tag(content=HOSTS["roots"])
    heights = page.evaluate(
        """() => [...document.querySelectorAll(".pui :is(button, .pui-link, .pui-option)")]
             .filter((element) => element.checkVisibility())
             .map((element) => element.getBoundingClientRect().height)"""
    )
    assert heights
    assert min(heights) >= 44
