"""What can be measured of a look: outlines of what has the focus, and words that stay whole."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import CARD, DECLINED, PAID, Charges
from e2e.conftest import Visit
from e2e.looks import NARROW
from e2e.stage import Person, Site
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("look", ["plain", "bootstrap", "tailwind"])

#: Contrast (WCAG 2.2, 1.4.11) of the outline to what is behind it; 0 where there is none.
CONTRAST = """() => {
  const paper = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colors) => {
    paper.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      paper.fillStyle = color;
      paper.fillRect(0, 0, 1, 1);
    }
    return [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return 0;
  const behind = [];
  for (let node = focused.parentElement; node; node = node.parentElement)
    behind.unshift(getComputedStyle(node).backgroundColor);
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  const isDark = scheme === "dark" ||
    (scheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches);
  const canvas = [isDark ? "#121212" : "#fff", ...behind];
  const [one, other] = [over(canvas), over([...canvas, style.outlineColor])].map(luminance);
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""

#: The spacing of WCAG 2.2, 1.4.12.
SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* {
    line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important;
  }`);
  document.adoptedStyleSheets = [sheet];
}"""
#: Words of dates that are not on one line.
BROKEN = """() => [...document.querySelectorAll(".pui time")].flatMap((time) => {
  const walker = document.createTreeWalker(time, NodeFilter.SHOW_TEXT);
  const broken = [];
  while (walker.nextNode())
    for (const { 0: word, index } of walker.currentNode.data.matchAll(/[^\\s]+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1)
        broken.push(word);
    }
  return broken;
})"""


#: What of the widgets is cut off, or has to be scrolled to.
TOO_WIDE = """() => [...document.querySelectorAll("main .pui *")].flatMap((node) => {
  const { left, right, width } = node.getBoundingClientRect();
  const isSeen = width > 1 && !node.closest(".pui-hidden");
  return isSeen && (left < -1 || right > innerWidth + 1) ? [node.outerHTML.slice(0, 160)] : [];
})"""


def rings(page: Page) -> dict[str, float]:
    """Press Tab through the widget; return the contrast of each outline, by what has the focus."""
    page.locator("#pui-1-title").focus()
    found = {}
    for _ in range(40):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "() => document.activeElement.closest('.pui') && document.activeElement.outerHTML"
        )
        if not inside:
            break
        found[inside[:160]] = page.evaluate(CONTRAST)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_has_the_focus_is_seen(
    visit: Visit, owing: Person, psp: SandboxPSP, look: str, theme: str
) -> None:
    page = visit(owing, "/billing/charges/", look=look, theme=theme, color_scheme=theme)
    charges = Charges(page).at("To pay: CHF 36.00")
    seen = rings(page)
    charges.begin().choose(CARD)
    expect(charges.card(DECLINED)).to_be_visible()
    seen |= rings(page)
    charges.card(DECLINED).check()
    page.keyboard.press("Enter")
    expect(charges.problem).to_be_focused()
    seen["the problem"] = page.evaluate(CONTRAST)
    assert len(seen) >= 8
    assert {name: ratio for name, ratio in seen.items() if ratio < 3} == {}


#: How resets take outlines away: outside of all layers, and with all their might.
RESETS = ("*, ::before, ::after { outline: 0 }", ":focus-visible { outline: none !important }")
#: Loads the other build of the same sheet, and waits for it.
OTHER_BUILD = """(name) => new Promise((resolve) => {
  const link = document.querySelector("link[href*='/payments_ui.']");
  link.onload = () => resolve();
  link.href = link.href.replace(/payments_ui[^/]*[.]css/, name);
})"""


@pytest.mark.parametrize("build", ["payments_ui.min.css", "payments_ui.layer.min.css"])
def test_no_reset_takes_the_focus_out_of_sight(
    visit: Visit, owing: Person, look: str, build: str
) -> None:
    page = visit(owing, "/billing/charges/", look=look, bypass_csp=True)
    Charges(page).begin()
    page.evaluate(OTHER_BUILD, f"{build}?again")
    for reset in RESETS:
        page.add_style_tag(content=reset)
        seen = rings(page)
        assert len(seen) >= 3
        assert {name: ratio for name, ratio in seen.items() if ratio < 3} == {}


@pytest.mark.parametrize("locale", ["en", "de"])
def test_no_month_breaks_in_a_narrow_window_with_wide_letters(
    visit: Visit, site: Site, owing: Person, psp: SandboxPSP, look: str, locale: str
) -> None:
    page = visit(owing, look=look, viewport=NARROW, locale="en")
    Charges(page).begin().pay_by_card().at(PAID)
    owing.owes(("Contour sheet, A3", "1234.00"), ("Contour sheet, A4", "1.31"))
    page = visit(owing, look=look, viewport=NARROW, locale=locale)
    paths = ("charges/", "charges/?select=1&currency=CHF", "payments/")
    for path in paths:
        page.goto(f"/billing/{path}")
        page.evaluate(SPACING)
        assert page.locator(".pui time").count()
        assert page.evaluate(BROKEN) == [], path
        assert page.evaluate(TOO_WIDE) == [], path


#: Names in the gallery that are wider than the tile that they are in.
OVERFLOWING = """() => [...document.querySelectorAll("main li > a")].flatMap((tile) => {
  const range = document.createRange();
  range.selectNodeContents(tile);
  const edge = tile.getBoundingClientRect().right + 1;
  return range.getBoundingClientRect().right > edge ? [tile.innerText] : [];
})"""


def test_no_name_in_the_gallery_touches_its_neighbour(
    visit: Visit, owing: Person, look: str
) -> None:
    page = visit(owing, "/sheets/new/", look=look, viewport={"width": 1000, "height": 900})
    page.get_by_label("Name").fill("Schattenhornwestgratvorgipfel")
    page.get_by_role("button", name="Render and add to my items").click()
    expect(page.get_by_role("heading", name="Schattenhorn")).to_be_focused()
    page.goto("/dashboard/")
    expect(page.get_by_role("link", name="Schattenhorn")).to_be_visible()
    assert page.evaluate(OVERFLOWING) == []
