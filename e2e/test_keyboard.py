"""The whole journey with a keyboard: where the focus is after each step, and never nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.charges import APPROVED, CARD, DECLINED, PAID, REVIEW, WALLET, Charges
from e2e.conftest import SCRIPTED, Visit
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("build", SCRIPTED)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, and expect to see that it has."""
    expect(target).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            break
    expect(target).to_be_focused()
    outline = target.evaluate(
        """node => {
          const holder = node.matches("input") ? node.closest("label") : node;
          return [node, holder].some((each) => getComputedStyle(each).outlineStyle !== "none");
        }"""
    )
    assert outline, f"the focus on {target} cannot be seen"


def press_until(page: Page, key: str, target: Locator) -> None:
    """Press a key until the target is picked."""
    for _ in range(10):
        if target.is_checked():
            break
        page.keyboard.press(key)
    expect(target).to_be_checked()


def test_from_the_list_to_the_receipt(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page)
    tab_to(page, charges.button("Continue to payment"))
    page.keyboard.press("Enter")
    expect(charges.heading(REVIEW)).to_be_focused()
    tab_to(page, charges.way(CARD))
    page.keyboard.press("Space")
    expect(charges.card(APPROVED)).to_be_visible()
    expect(charges.way(CARD)).to_be_focused()
    page.keyboard.press("Tab")
    expect(charges.card(APPROVED)).to_be_focused()
    press_until(page, "ArrowDown", charges.card(DECLINED))
    page.keyboard.press("Enter")
    expect(charges.problem).to_be_focused()
    # The form comes back as it was filled in.
    tab_to(page, charges.card(DECLINED))
    press_until(page, "ArrowUp", charges.card(APPROVED))
    tab_to(page, charges.button("Pay CHF 36.00"))
    page.keyboard.press("Enter")
    expect(charges.heading(PAID)).to_be_focused()
    # A refresh by itself moves nothing.
    page.evaluate("document.dispatchEvent(new CustomEvent('payments:changed'))")
    page.wait_for_timeout(500)
    expect(charges.heading(PAID)).to_be_focused()
    tab_to(page, charges.link("Back to your items"))
    page.keyboard.press("Enter")
    expect(charges.heading("Nothing to pay")).to_be_focused()


def test_arrow_keys_choose_a_way_to_pay(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    charges.way(CARD).focus()
    page.keyboard.press("Space")
    expect(charges.card(APPROVED)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(charges.way(WALLET)).to_be_checked()
    expect(charges.root.get_by_text("You will be redirected to the sandbox")).to_be_visible()
    expect(charges.way(WALLET)).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    expect(charges.way(CARD)).to_be_focused()
    expect(charges.card(APPROVED)).to_be_visible()


def test_focus_survives_news_of_any_kind(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card(DECLINED).focus()
    page.keyboard.press("Space")
    owing.owes(("Contour sheet, A4", "1.31"))
    expect(charges.button("Add to this payment")).to_be_visible()
    expect(charges.card(DECLINED)).to_be_focused()
    expect(charges.card(DECLINED)).to_be_checked()
    charges.button("Add to this payment").focus()
    page.keyboard.press("Enter")
    expect(charges.heading(REVIEW)).to_be_focused()


def test_giving_up_says_so_at_the_list(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    tab_to(page, charges.button("Cancel this payment"))
    page.keyboard.press("Enter")
    expect(charges.heading("To pay: CHF 36.00")).to_be_focused()
    expect(charges.root.get_by_text("Nothing was charged.")).to_be_visible()


def test_ticking_nothing_leads_to_what_is_wrong(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page)
    tab_to(page, charges.link("Pay only some items"))
    page.keyboard.press("Enter")
    expect(charges.heading("Choose what to pay now")).to_be_focused()
    tab_to(page, charges.button("Continue to payment"))
    page.keyboard.press("Enter")
    expect(charges.problem).to_be_focused()
