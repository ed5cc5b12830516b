"""What surrounds paying: receipts, history, print, the browser's own memory."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import APPROVED, CARD, DECLINED, PAID, REVIEW, WALLET, Charges
from e2e.conftest import BUILDS, SCRIPTED, Visit
from e2e.looks import NARROW
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP


@pytest.mark.parametrize("build", BUILDS)
def test_receipt_and_history_after_paying(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    Charges(page).begin().pay_by_card().at(PAID).link("View receipt").click()
    expect(page.get_by_role("heading", name="Paid: CHF 36.00")).to_be_visible()
    receipt = page.get_by_role("main")
    for fact in ("Hillshade GmbH", "3860 Meiringen", "Print and postage", "Card"):
        expect(receipt.get_by_text(fact).first).to_be_visible()
    page.goto("/account/")
    history = page.get_by_role("region", name="Payments")
    expect(history.get_by_role("cell", name="CHF 36.00")).to_be_visible()
    history.get_by_role("link", name="Receipt").click()
    expect(page.get_by_role("heading", name="Paid: CHF 36.00")).to_be_visible()


def test_receipt_prints_without_controls(visit: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = visit(owing)
    Charges(page).begin().pay_by_card().at(PAID).link("View receipt").click()
    heading = page.get_by_role("heading", name="Paid: CHF 36.00")
    expect(heading).to_be_visible()
    page.emulate_media(media="print")
    expect(heading).to_be_visible()
    widget = page.locator("[data-pui]").last
    expect(widget.get_by_role("button")).to_have_count(0)
    assert widget.evaluate("node => getComputedStyle(node).backgroundImage") == "none"


def test_no_motion_for_who_wants_none(visit: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = visit(owing, reduced_motion="reduce")
    charges = Charges(page).begin().choose(CARD)
    charges.card("Card with a slow bank").check()
    charges.button("Pay CHF").click()
    expect(charges.button("Paying")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    charges.at(PAID)


def test_htmx_2_keeps_no_amount_in_its_history(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing, "/hosts/one/?boost&htmx=2")
    Charges(page).begin().choose(CARD)
    page.get_by_role("link", name="Another page").click()
    expect(page.get_by_role("heading", name="Other")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="One")).to_be_visible()
    kept = page.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })")
    assert "36.00" not in kept
    assert "pui-token" not in kept


@pytest.mark.parametrize("build", SCRIPTED)
def test_boosted_back_and_forth_shows_how_it_stands(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?boost&htmx={build}")
    charges = Charges(page).at("To pay: CHF 36.00")
    page.get_by_role("link", name="Another page").click()
    expect(page.get_by_role("heading", name="Other")).to_be_visible()
    owing.owes(("Contour sheet, A4", "1.31"))
    page.go_back()
    charges.at("To pay: CHF 37.31").begin().pay_by_card().at(PAID)


@pytest.mark.parametrize("build", SCRIPTED)
def test_back_from_the_company_finds_a_usable_page(
    visit: Visit, owing: Person, psp: SandboxPSP, remembering: Browser, build: str
) -> None:
    page = visit(owing, htmx=build, using=remembering)
    page.evaluate(
        "addEventListener('pageshow', (event) => { window.remembered = event.persisted })"
    )
    charges = Charges(page).begin().choose(WALLET)
    charges.button("Pay CHF 36.00").click()
    expect(page.get_by_role("button", name="Pay now")).to_be_visible()
    # Playwright's own go_back() waits for a load that never comes.
    page.evaluate("history.back()")
    charges.at("One more step")
    assert page.evaluate("window.remembered")
    left = page.locator("[aria-busy], [aria-disabled], .htmx-request")
    expect(left).to_have_count(0)
    charges.button("Use another payment method").click()
    charges.at(REVIEW).choose(CARD).card(APPROVED).check()
    charges.button("Pay CHF").click()
    charges.at(PAID)
    assert [one["state"] for one in owing.payments[0]["attempts"]] == ["cancelled", "settled"]


def returned(page: Page) -> str:
    """Where the company's page leads back to, with the decision to pay made."""
    with page.expect_request("**/return/?**") as asked:
        page.get_by_role("button", name="Pay now").click()
    return asked.value.url


def test_return_without_a_session_tells_how_it_stands_and_nothing_else(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing)
    charges = Charges(page).begin().choose(WALLET)
    charges.button("Pay CHF 36.00").click()
    url = returned(page)
    charges.at(PAID)
    stranger = visit(None, htmx="none")
    stranger.goto(f"{url}&success=0&failed=1")
    expect(stranger.get_by_role("heading", name=PAID)).to_be_visible()
    expect(stranger.get_by_text("36.00")).to_have_count(0)
    expect(stranger.get_by_text("Ida")).to_have_count(0)


def test_success_in_the_address_proves_nothing(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing)
    charges = Charges(page).begin().choose(WALLET)
    charges.button("Pay CHF 36.00").click()
    expect(page.get_by_role("button", name="Pay now")).to_be_visible()
    pay_page = page.url
    page.goto("/dashboard/")
    charges.link("Continue this payment").click()
    charges.at("One more step")
    page.goto(pay_page)
    with page.expect_request("**/return/?**") as asked:
        page.get_by_role("button", name="Let it be declined").click()
    page.goto(f"{asked.value.url}&success=1&status=paid")
    expect(Charges(page).heading(PAID)).to_have_count(0)
    assert owing.states == ["pending"]


def test_without_javascript_choosing_leads_to_the_form_and_what_was_done_is_said(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing, htmx="none", viewport=NARROW)
    charges = Charges(page).begin().choose(CARD)
    expect(charges.card(APPROVED)).to_be_in_viewport()
    charges.pay_by_card(DECLINED)
    expect(charges.problem).to_be_focused()
    expect(charges.card(DECLINED)).to_be_checked()
    expect(page).to_have_title(re.compile("^Error: Review and pay"))
    charges.button("Cancel this payment").click()
    said = "Nothing was charged. Your items are back in your list."
    expect(charges.heading("To pay: CHF 36.00")).to_be_focused()
    expect(charges.heading("To pay: CHF 36.00")).to_have_accessible_description(said)
