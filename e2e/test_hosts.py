"""Hosts that are hard on the kit: hostile attributes, strict policies, resets, right to left."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from e2e.charges import DECLINED, PAID, Charges
from e2e.conftest import SCRIPTED, Visit
from e2e.stage import Person
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

#: The host's htmx, and how its attributes reach ours there.
HOSTILE = [("2", "2"), ("4", "4"), ("4", "implicit"), ("4", "compat"), ("beta", "4")]
SHEETS = ("plain", "bootstrap", "tailwind", "preflight", "naive")
CONTROLS = ("Continue to payment", "Pay only some items")
STRUCTURE = """node => {
  const { paddingBlock, paddingInline, borderBlockWidth, borderInlineWidth, borderBlockStyle,
    minBlockSize, display } = getComputedStyle(node);
  const { width, height } = node.getBoundingClientRect();
  return { paddingBlock, paddingInline, borderBlockWidth, borderInlineWidth, borderBlockStyle,
    minBlockSize, display, big: width >= 24 && height >= 24 };
}"""


@pytest.mark.parametrize(("build", "spelling"), HOSTILE)
def test_hostile_attributes_of_the_host_change_nothing(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str, spelling: str
) -> None:
    path = f"/hosts/one/?live&htmx={build}&hostile={spelling}"
    page = visit(owing, path)
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    charges = Charges(page).begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    charges.pay_by_card().at(PAID)
    charges.link("Back to your items").click()
    owing.owes(("Contour sheet, A4", "1.31"))
    charges.at("To pay: CHF 1.31")
    assert asked == []
    assert page.url.endswith(path)
    kinds = {request.headers["content-type"] for request in watch.sent("POST")}
    assert {kind.partition(";")[0] for kind in kinds} == {"application/x-www-form-urlencoded"}
    expect(page.locator("#elsewhere")).to_be_empty()


@pytest.mark.parametrize("build", SCRIPTED)
def test_strict_policy_of_nonces_alone_is_enough(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = Charges(visit(owing, f"/hosts/one/?live&htmx={build}"))
    charges.begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    charges.pay_by_card().at(PAID)


@pytest.mark.parametrize("build", ["4", "beta"])
def test_debugging_script_of_django_htmx_finds_nothing_to_replace(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?live&debug&htmx={build}")
    charges = Charges(page).begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    charges.pay_by_card().at(PAID)
    expect(page.get_by_role("heading", name="One")).to_be_visible()


def test_without_htmx_the_widgets_post_and_redirect(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing, "/hosts/one/?htmx=none", java_script_enabled=True)
    charges = Charges(page).begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    charges.pay_by_card().at(PAID)


def test_buttons_have_one_shape_on_every_host(visit: Visit, owing: Person) -> None:
    page = visit(owing, "/hosts/one/")
    expected = shapes(page)
    assert all(shape["big"] for shape in expected.values())
    found: dict[str, dict[str, Any]] = {}
    for sheet in SHEETS:
        for order in ("", "&ours_first"):
            page.goto(f"/hosts/one/?sheet={sheet}{order}")
            found[f"{sheet}{order}"] = shapes(page)
    assert found == dict.fromkeys(found, expected)


def shapes(page: Page) -> dict[str, Any]:
    """Computed padding, border and size of our controls."""
    charges = Charges(page).at("To pay: CHF 36.00")
    controls = (charges.button(CONTROLS[0]), charges.link(CONTROLS[1]))
    return dict(zip(CONTROLS, (control.evaluate(STRUCTURE) for control in controls), strict=True))


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize(("width", "text"), [(320, "100%"), (640, "200%")])
def test_no_sideways_scrolling_when_narrow_or_large(
    visit: Visit, owing: Person, psp: SandboxPSP, direction: str, width: int, text: str
) -> None:
    language = {"ltr": "en", "rtl": "he"}[direction]
    viewport = {"width": width, "height": 800}
    page = visit(owing, "/hosts/one/?live", locale=language, viewport=viewport)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
    charges = Charges(page).at("To pay:")
    fits(page)
    charges.begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    fits(page)
    charges.choose("Bank transfer").button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    fits(page)


def fits(page: Page) -> None:
    """Nothing is wider than the window, and nothing to press is smaller than 24 pixels."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll("[data-pui] :is(button, a, label, summary)")]
          .filter((node) => node.checkVisibility() && !node.closest("p.pui-text"))
          .filter((node) => {
            const { width, height } = node.getBoundingClientRect();
            return width < 24 || height < 24;
          })
          .map((node) => node.outerHTML)"""
    )
    assert small == []
