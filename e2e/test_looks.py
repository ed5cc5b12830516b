"""Every state in every look: axe finds nothing, nothing is too wide, and pictures are taken."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import (
    CARD,
    DECLINED,
    PAID,
    REFUSED,
    REVIEW,
    SECURED,
    STRIPE,
    TRANSFER,
    WALLET,
    Charges,
)
from e2e.conftest import Visit
from e2e.looks import Album
from e2e.stage import Person, Site
from payments_ui.testing.psp import SandboxPSP

LOOKS = ("plain", "bootstrap", "tailwind")

pytestmark = pytest.mark.parametrize("look", LOOKS)


@pytest.fixture
def album(look: str) -> Album:
    return Album(look)


def nothing_is_wrong(album: Album) -> None:
    """Compare what was found with nothing."""
    assert album.violations == {}
    assert album.too_wide == []


def test_paying(visit: Visit, owing: Person, psp: SandboxPSP, look: str, album: Album) -> None:
    page = visit(owing, look=look, theme="system")
    charges = Charges(page).at("To pay: CHF 36.00")
    album.look_at(page, "01-list")
    charges.link("Pay only some items").click()
    charges.at("Choose what to pay now").button("Continue to payment").click()
    expect(charges.problem).to_be_visible()
    album.look_at(page, "02-select")
    charges.link("Back to all items").click()
    charges.at("To pay: CHF 36.00").begin()
    album.look_at(page, "03-review")
    owing.owes(("Contour sheet, A4", "1.31"))
    expect(charges.button("Add to this payment")).to_be_visible()
    charges.pay_by_card(DECLINED)
    expect(charges.problem).to_be_visible()
    album.look_at(page, "04-declined-and-news")
    charges.pay_by_card().at(PAID)
    album.look_at(page, "05-charged")
    charges.link("View receipt").click()
    expect(page.get_by_role("heading", name="Paid: CHF 36.00")).to_be_visible()
    album.look_at(page, "06-receipt")
    page.goto("/account/")
    album.look_at(page, "07-history")
    nothing_is_wrong(album)


def test_amounts_end_on_one_line(visit: Visit, owing: Person, look: str) -> None:
    charges = Charges(visit(owing, look=look)).at("To pay: CHF 36.00").begin()
    amounts = charges.root.locator(".pui-facts .pui-amount, .pui-table .pui-amount")
    ends = amounts.evaluate_all(
        "all => all.filter((each) => each.checkVisibility())"
        ".map((each) => Math.round(each.getBoundingClientRect().right))"
    )
    assert len(ends) >= 4
    assert len(set(ends)) == 1


def test_waiting(visit: Visit, owing: Person, psp: SandboxPSP, look: str, album: Album) -> None:
    page = visit(owing, look=look, theme="system")
    charges = Charges(page).begin().choose(TRANSFER)
    album.look_at(page, "11-transfer")
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    album.look_at(page, "12-waiting")
    page.goto("/dashboard/")
    album.look_at(page, "13-under-way")
    charges.link("View status").click()
    charges.link("Use another payment method").click()
    charges.at("Use another payment method?")
    album.look_at(page, "13b-calling-off")
    charges.button("Use another payment method").click()
    charges.at(REVIEW).choose(WALLET).button("Pay CHF").click()
    expect(page.get_by_role("button", name="Pay now")).to_be_visible()
    page.goto("/dashboard/")
    charges.link("Continue this payment").click()
    charges.at("One more step")
    album.look_at(page, "14-one-more-step")
    charges.button("Use another payment method").click()
    charges.at(REVIEW)
    page.goto("/dashboard/")
    expect(charges.link("Continue this payment")).to_be_visible()
    album.look_at(page, "15-resume")
    charges.link("Continue this payment").click()
    charges.pay_by_card("Card that is charged some seconds later")
    charges.at("Your payment is being processed")
    album.look_at(page, "16-processing")
    nothing_is_wrong(album)


@pytest.mark.crashes
def test_edges(
    visit: Visit, site: Site, owing: Person, psp: SandboxPSP, look: str, album: Album
) -> None:
    page = visit(site.person(), look=look, theme="system")
    Charges(page).at("Nothing to pay")
    album.look_at(page, "21-empty")
    page = visit(owing, look=look, theme="system")
    charges = Charges(page).begin()
    psp.plan.add("error_before", on="fetch", times=50)
    charges.pay_by_card("Card that is charged, but the answer gets lost")
    charges.at("We are checking your payment")
    album.look_at(page, "22-unknown")
    nothing_is_wrong(album)


def test_long_lists_and_other_currencies(
    visit: Visit, person: Person, look: str, album: Album
) -> None:
    person.owes(
        *[(f"Sheet number {number} of a rather long edition", "1.2500") for number in range(30)]
    )
    person.owes(("Print and postage, European Union", "29.00", "EUR"), ("Credit note", "-3.00"))
    page = visit(person, look=look, theme="system")
    charges = Charges(page).at("To pay: CHF 34.50")
    album.look_at(page, "31-long-list")
    charges.link("Older").click()
    expect(charges.link("Newer")).to_be_visible()
    album.look_at(page, "32-next-page")
    charges.link("Also open: €29.00").click()
    charges.at("To pay: €29.00")
    album.look_at(page, "33-other-currency")
    nothing_is_wrong(album)


def test_history_with_a_refund_in_a_narrow_german_window(
    visit: Visit, site: Site, owing: Person, psp: SandboxPSP, look: str, album: Album
) -> None:
    page = visit(owing, look=look, theme="system")
    Charges(page).begin().pay_by_card().at(PAID)
    site.direct("refund", username=owing.username, amount="12.50")
    page = visit(owing, "/account/", look=look, theme="system", locale="de")
    expect(page.get_by_text("erstattet")).to_be_visible()
    album.look_at(page, "08-history-refunded")
    nothing_is_wrong(album)


def test_saved_payment_methods(
    visit: Visit, site: Site, owing: Person, look: str, album: Album
) -> None:
    page = visit(owing, "/billing/methods/", look=look, theme="system")
    methods = Charges(page, root=page.get_by_role("region", name="Payment methods"))
    methods.at("No payment method saved")
    album.look_at(page, "51-none-saved")
    today = dt.date.today()
    cards: list[dict[str, Any]] = [
        {"brand": "visa", "last_four": "4242", "expires_year": 2099, "expires_month": 7},
        {"brand": "amex", "last_four": "0005", "expires_year": 2020, "expires_month": 1},
        {
            "brand": "mastercard",
            "last_four": "1881",
            "expires_year": today.year,
            "expires_month": today.month,
            "unattended_text": "Charge it.",
        },
    ]
    site.direct("keep", username=owing.username, cards=cards)
    page.reload()
    methods.at("Your saved payment methods")
    album.look_at(page, "52-saved")
    methods.link("Remove Mastercard ending 1881").click()
    methods.at("Remove Mastercard ending 1881?")
    album.look_at(page, "53-removal")
    methods.link("Keep it").click()
    methods.at("Your saved payment methods").link("Add a payment method").click()
    methods.at("Add a payment method")
    album.look_at(page, "54-adding")
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    expect(page.get_by_role("radio", name="Visa ending 4242")).to_be_checked()
    expect(page.get_by_role("radio", name="American Express ending 0005")).to_be_disabled()
    expect(charges.button("Pay CHF 36.00")).to_be_visible()
    album.look_at(page, "55-review-with-saved")
    nothing_is_wrong(album)


def test_stripe(visit: Visit, owing: Person, psp: SandboxPSP, look: str, album: Album) -> None:
    page = visit(owing, look=look, theme="system")
    charges = Charges(page).begin().choose(STRIPE)
    expect(charges.fields.get_by_label("Card number")).to_be_visible()
    album.look_at(page, "61-stripe")
    charges.button("Pay CHF").click()
    expect(charges.alert).not_to_be_empty()
    album.look_at(page, "62-stripe-incomplete")
    charges.root.get_by_role("checkbox", name="Save this payment method").check()
    charges.enter(REFUSED).button("Pay CHF").click()
    expect(charges.problem).to_be_visible()
    expect(charges.fields.get_by_label("Card number")).to_be_visible()
    # A frame that is out of sight is not painted, not even for a picture of the whole page.
    charges.button("Pay CHF").scroll_into_view_if_needed()
    album.look_at(page, "63-stripe-declined")
    charges.enter(SECURED).button("Pay CHF").click()
    expect(charges.bank.get_by_role("button", name="Yes, it is me")).to_be_visible()
    album.look_at(page, "64-stripe-bank")
    page.reload()
    charges.link("Continue this payment").click()
    charges.at("One more step")
    album.look_at(page, "65-stripe-step")
    nothing_is_wrong(album)


def test_host_with_several_widgets(visit: Visit, owing: Person, look: str, album: Album) -> None:
    sheet = look if look != "plain" else "naive"
    page: Page = visit(owing, f"/hosts/many/?sheet={sheet}", look=look, theme="system")
    left = Charges(page, root=page.get_by_role("region", name="Left")).begin()
    left.choose(CARD)
    album.look_at(page, "41-several-widgets")
    nothing_is_wrong(album)
