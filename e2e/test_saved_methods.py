"""Saved cards: kept while one pays or without a payment, paid with by one press, and removed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.charges import PAID, STRIPE, VISA, Charges
from e2e.conftest import RELEASED, RELEASED_OR_NONE, Visit
from e2e.stage import Person
from e2e.test_faults import no_busy_state_is_left
from payments_ui.testing.psp import SandboxPSP

on_scripted_builds = pytest.mark.parametrize("build", RELEASED)
on_all_builds = pytest.mark.parametrize("build", RELEASED_OR_NONE)

SAVED = "Visa ending 4242"
#: Its bank asks for every payment.
ASKING, SAVED_ASKING = "4000002760003184", "Visa ending 3184"
YES = "Yes, it is me"


def saved(page: Page) -> Locator:
    """The list of saved payment methods."""
    return page.get_by_role("region", name="Payment methods")


def save_while_paying(charges: Charges, number: str = VISA, *, build: str) -> Charges:
    """Pay with a card that is kept for the next payments."""
    charges.begin().choose(STRIPE)
    charges.root.get_by_role("checkbox", name="Save this payment method").check()
    if build == "none":
        charges.button("Pay CHF").click()
        charges.link("Continue with Stripe").click()
        charges.page.get_by_label("Payment method", exact=True).select_option("Visa ending in 4242")
        charges.page.get_by_role("button", name="Pay", exact=True).click()
    else:
        charges.enter(number).button("Pay CHF").click()
    return charges


@on_all_builds
def test_card_that_was_saved_pays_with_one_press(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    save_while_paying(Charges(page), build=build).at(PAID)
    owing.owes(("Contour sheet, A4", "1.31"))
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    expect(charges.way(SAVED)).to_be_checked()
    expect(page.locator("iframe")).to_have_count(0)
    charges.button("Pay CHF 1.31").click()
    charges.at(PAID)
    assert owing.states == ["charged", "charged"]


@on_scripted_builds
def test_card_is_not_saved_unless_one_says_so(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(STRIPE)
    expect(
        charges.root.get_by_role("checkbox", name="Save this payment method")
    ).not_to_be_checked()
    charges.enter(VISA).button("Pay CHF").click()
    charges.at(PAID)
    page.goto("/account/")
    expect(saved(page).get_by_role("heading", name="No payment method saved")).to_be_visible()


@on_scripted_builds
def test_bank_may_ask_about_a_saved_card_too(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = save_while_paying(Charges(page), ASKING, build=build)
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)
    owing.owes(("Contour sheet, A4", "1.31"))
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    expect(charges.way(SAVED_ASKING)).to_be_checked()
    charges.button("Pay CHF 1.31").click()
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)
    expect(charges.heading(PAID)).to_be_focused()


@on_scripted_builds
def test_another_card_can_be_used_instead(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    save_while_paying(Charges(page), build=build).at(PAID)
    owing.owes(("Contour sheet, A4", "1.31"))
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    charges.way(re.compile("^Stripe")).check()
    charges.enter("5555555555554444").button("Pay CHF 1.31").click()
    charges.at(PAID)


@on_scripted_builds
def test_card_that_has_expired_is_marked_and_not_chosen(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    save_while_paying(Charges(page), build=build).at(PAID)
    for method in psp.stripe.account.find("payment_method"):
        if method["customer"]:
            psp.stripe.payment_methods.expire(method["id"], year=2020, month=1)
    assert psp.deliver_webhooks()
    page.goto("/account/")
    expect(saved(page).get_by_text("Expired 01/2020")).to_be_visible()
    owing.owes(("Contour sheet, A4", "1.31"))
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    expect(charges.way(SAVED)).to_be_disabled()
    charges.pay_at_stripe().at(PAID)


@on_all_builds
def test_card_is_added_without_a_payment_and_removed_again(
    visit: Visit, person: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(person, "/account/", htmx=build)
    region = saved(page)
    region.get_by_role("link", name="Add a payment method").click()
    expect(region.get_by_role("heading", name="Add a payment method")).to_be_visible()
    if build == "none":
        region.get_by_role("button", name="Save this payment method").click()
        region.get_by_role("link", name="Continue with Stripe").click()
        page.get_by_label("Payment method", exact=True).select_option("Visa ending in 4242")
        page.get_by_role("button", name="Save", exact=True).click()
    else:
        Charges(page, root=region).enter(VISA)
        region.get_by_role("button", name="Save this payment method").click()
    expect(region.get_by_text(SAVED).first).to_be_visible()
    no_busy_state_is_left(page)
    kept = [one for one in psp.stripe.account.find("payment_method") if one["customer"]]
    region.get_by_role("link", name=f"Remove {SAVED}").click()
    region.get_by_role("button", name=f"Remove {SAVED}").click()
    expect(region.get_by_role("heading", name="No payment method saved")).to_be_visible()
    still = [one for one in psp.stripe.account.find("payment_method") if one["customer"]]
    assert len(still) == len(kept) - 1


@on_scripted_builds
def test_bank_asks_before_a_card_is_added(
    visit: Visit, person: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(person, "/account/", htmx=build)
    region = saved(page)
    region.get_by_role("link", name="Add a payment method").click()
    charges = Charges(page, root=region).enter(ASKING)
    region.get_by_role("button", name="Save this payment method").click()
    charges.bank.get_by_role("button", name=YES).click()
    expect(region.get_by_text(SAVED_ASKING).first).to_be_visible()
    no_busy_state_is_left(page)
