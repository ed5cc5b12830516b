"""The review and the receipt as each engine paints them, for people to look at."""

from __future__ import annotations

import pytest

from e2e.charges import APPROVED, PAID
from e2e.engines.conftest import Look
from e2e.stage import OUTPUT, Person
from payments_ui.testing.psp import SandboxPSP

#: How choices of the widget are painted: by our sheet, since WebKit fills those not made.
PAINTED = """() => [...document.querySelectorAll("[data-pui] .pui-option input")].map((choice) => {
  const { appearance, backgroundColor, colorScheme } = getComputedStyle(choice);
  const isFilled = backgroundColor !== "rgba(0, 0, 0, 0)";
  return `${appearance} ${colorScheme} ${isFilled === choice.checked}`;
})"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(look: Look, owing: Person, psp: SandboxPSP, engine: str, theme: str) -> None:
    folder = OUTPUT / engine
    charges = look(owing, theme=theme).begin().choose("Card").choose(APPROVED)
    charges.window.take(folder / f"review-{theme}.png")
    assert set(charges.window.run(PAINTED)) == {f"none {theme} true"}
    charges.press("Pay CHF").at(PAID)
    charges.window.take(folder / f"paid-{theme}.png")
