"""Looking at a state: axe in each colour scheme, and pictures for people to look at."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page, ViewportSize

from e2e.stage import OUTPUT

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22a",
    "wcag22aa",
    "best-practice",
]
RUN = """async ([tags, contrast]) => {
  // Colours fade into those of another scheme: what is halfway there is seen by nobody for long.
  for (const animation of document.getAnimations())
    if (Number.isFinite(animation.effect.getComputedTiming().endTime)) animation.finish();
  const { violations } = await axe.run(document, {
    runOnly: { type: "tag", values: tags },
    rules: { "target-size": { enabled: true }, "color-contrast": { enabled: contrast } },
    resultTypes: ["violations"],
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}"""
#: How a page can be looked at: what the browser is asked to emulate.
MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=320, height=900)


class Album:
    """Pictures of all states in one look, and what axe found in them."""

    def __init__(self, name: str) -> None:
        self.folder = OUTPUT / name
        self.violations: dict[str, list[str]] = {}
        self.too_wide: list[str] = []

    def look_at(self, page: Page, state: str) -> None:
        """Look at a page in all modes."""
        for mode, media in MODES.items():
            page.emulate_media(**media)
            self._examine(page, state, mode)
        page.emulate_media(color_scheme="light", forced_colors="none")
        page.set_viewport_size(NARROW)
        self._take(page, f"{state}-narrow")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            self.too_wide.append(state)
        page.set_viewport_size(WIDE)

    def _examine(self, page: Page, state: str, mode: str) -> None:
        name = f"{state}-{mode}"
        self._take(page, name)
        page.evaluate(AXE)
        # Forced colours are chosen when painting: axe would compare those that were asked for.
        if found := page.evaluate(RUN, [RULES, mode != "forced"]):
            self.violations[name] = found

    def _take(self, page: Page, name: str) -> None:
        # Nobody looks at those of CI, and each costs as much as what axe finds.
        if os.environ.get("CI") == "true":
            return
        # Hiding the caret would leave style attributes, which htmx 2 then carries over.
        page.screenshot(path=self.folder / f"{name}.png", full_page=True, caret="initial")
