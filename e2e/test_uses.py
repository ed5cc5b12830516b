"""What is opened in a list: the uses of a group, and the details of a transfer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.charges import TRANSFER, Charges
from e2e.conftest import BUILDS, SCRIPTED, Visit
from e2e.stage import Person


@pytest.mark.parametrize("build", BUILDS)
def test_a_group_opens_to_its_uses(visit: Visit, person: Person, build: str) -> None:
    person.owes(("Contour sheet, A3", "12.00"), ("Contour sheet, A3", "7.00"))
    page = visit(person, htmx=build)
    charges = Charges(page).at("To pay: CHF 19.00")
    charges.root.locator("summary", has_text="2 times").click()
    if build == "none":
        charges.link("Show each use").click()
        charges = Charges(page, root=page.get_by_role("region", name="Each use"))
    each = charges.root.get_by_role("listitem")
    expect(each).to_have_count(2)
    expect(each.filter(has_text="CHF 7.00")).to_be_visible()
    if build == "none":
        charges.link("Back to all items").click()
        Charges(page).at("To pay: CHF 19.00")
        return
    person.owes(("Print and postage", "1.00"))
    charges.at("To pay: CHF 20.00")
    # News do not close what was opened.
    expect(each.filter(has_text="CHF 7.00")).to_be_visible()


@pytest.mark.parametrize("build", SCRIPTED)
def test_news_leave_open_and_closed_what_the_customer_left_so(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer").link("Back to your items").click()
    details = charges.root.locator("summary", has_text="Account details")
    account = charges.root.get_by_role("term").filter(has_text="Account (IBAN)")
    details.click()
    expect(account).to_be_visible()
    owing.owes(("Contour sheet, A4", "1.00"))
    charges.at("To pay: CHF 37.00")
    expect(account).to_be_visible()
    details.click()
    expect(account).to_be_hidden()
    owing.owes(("Contour sheet, A5", "1.00"))
    charges.at("To pay: CHF 38.00")
    expect(account).to_be_hidden()
