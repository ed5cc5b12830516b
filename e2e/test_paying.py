"""Each way to pay, from the list to the receipt, on each build of htmx and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import CLASSIC, DECLINED, MOLLIE, PAID, TRANSFER, WALLET, Charges
from e2e.conftest import BUILDS, Visit
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP, Status

pytestmark = pytest.mark.parametrize("build", BUILDS)


def attempts(person: Person) -> list[str]:
    """How the attempts of somebody's only payment ended."""
    return [attempt["state"] for attempt in person.payments[0]["attempts"]]


def taken(psp: SandboxPSP, person: Person) -> list[int]:
    """Centimes that the card company has taken for somebody's payments, charge by charge.

    Of nobody else's: what is charged some seconds later may be charged during another test.
    """
    theirs = {one["reference"] for payment in person.payments for one in payment["attempts"]}
    return [
        charge.amount
        for charge in psp.ledger.charges.all()
        if charge.status == Status.SUCCEEDED and charge.description in theirs
    ]


def follow_by_hand(page: Page, build: str) -> None:
    """Without JavaScript nothing refreshes by itself."""
    if build == "none":
        page.reload()


def test_card_declined_then_approved(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).at("To pay: CHF 36.00")
    expect(charges.root.get_by_role("cell", name="CHF 24.00")).to_be_visible()
    charges.begin()
    expect(charges.root.get_by_role("definition").get_by_text("Hillshade GmbH")).to_be_visible()
    assert owing.states == ["pending"]
    charges.pay_by_card(DECLINED)
    expect(charges.problem).to_contain_text("Nothing was charged.")
    assert (owing.states, taken(psp, owing)) == (["pending"], [])
    charges.pay_by_card().at(PAID)
    expect(charges.root.get_by_role("cell", name="CHF 36.00")).to_be_visible()
    assert (owing.states, taken(psp, owing)) == (["charged"], [3600])
    assert attempts(owing) == ["failed", "settled"]


def test_wallet_leads_away_and_back(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(WALLET)
    charges.button("Pay CHF 36.00").click()
    follow_to_the_company(page, charges)
    page.get_by_role("button", name="Pay now").click()
    charges.at(PAID)
    assert (owing.states, taken(psp, owing)) == (["charged"], [3600])


def test_mollie_leads_away_and_back(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(MOLLIE)
    charges.button("Pay CHF 36.00").click()
    follow_to_the_company(page, charges)
    page.get_by_role("button", name="Pay now").click()
    charges.at(PAID)
    assert owing.states == ["charged"]


def test_wallet_cancelled_at_the_company_is_no_error(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(WALLET)
    charges.button("Pay CHF 36.00").click()
    follow_to_the_company(page, charges)
    page.get_by_role("button", name="Cancel and go back").click()
    charges.at("Review and pay")
    assert owing.states == ["pending"]
    charges.pay_by_card().at(PAID)


def test_card_with_3d_secure(visit: Visit, owing: Person, psp: SandboxPSP, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().pay_by_card("Card that asks for 3-D Secure")
    follow_to_the_company(page, charges)
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    page.get_by_role("button", name="Yes, it is me").click()
    charges.at(PAID)
    assert owing.states == ["charged"]


def test_card_that_is_charged_later(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().pay_by_card("Card that is charged some seconds later")
    charges.at("Your payment is being processed")
    expect(charges.button("Pay")).to_have_count(0)
    psp.advance(10)
    assert psp.deliver_webhooks()
    follow_by_hand(page, build)
    charges.at(PAID)


@pytest.mark.crashes
def test_answer_that_got_lost_is_asked_for_and_never_charged_twice(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    psp.plan.add("error_before", on="fetch", times=1)
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    charges.pay_by_card("Card that is charged, but the answer gets lost")
    # Its webhook may be faster than the page that says so.
    expect(
        charges.heading("We are checking your payment").or_(charges.heading(PAID))
    ).to_be_visible()
    assert psp.deliver_webhooks()
    follow_by_hand(page, build)
    charges.at(PAID)
    assert (owing.states, taken(psp, owing)) == (["charged"], [3600])


def test_bank_transfer_waits_until_it_is_booked(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    expect(charges.root.get_by_role("img", name="QR code")).to_be_visible()
    expect(charges.root.get_by_text("CH44 3199 9123 0008 8901 2")).to_be_visible()
    owing.transfers("36.00")
    follow_by_hand(page, build)
    charges.at(PAID)
    assert owing.states == ["charged"]


def test_a_transfer_that_comes_short_is_completed_by_another_and_too_much_is_said(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    owing.transfers("16.00")
    follow_by_hand(page, build)
    charges.at("We received CHF 16.00; CHF 20.00 is missing")
    expect(charges.root.get_by_role("img", name="QR code")).to_be_visible()
    expect(charges.root.get_by_text("Please transfer the missing amount")).to_be_visible()
    owing.transfers("21.00")
    follow_by_hand(page, build)
    charges.at(PAID)
    expect(charges.root.get_by_text("You paid CHF 1.00 too much.")).to_be_visible()
    charges.link("View receipt").click()
    expect(page.get_by_text("You paid CHF 1.00 too much.")).to_be_visible()
    assert owing.states == ["charged"]


def test_django_moochs_own_bank_transfer_works_unmodified(
    visit: Visit, owing: Person, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).begin().choose(CLASSIC)
    charges.button(CLASSIC).click()
    charges.at(PAID)
    assert owing.states == ["charged"]


def follow_to_the_company(page: Page, charges: Charges) -> None:
    """Without JavaScript a link leads to the company; else htmx goes there by itself."""
    onward, company = charges.link("Continue with"), page.get_by_text("Sandbox PSP")
    expect(onward.or_(company).first).to_be_visible()
    if onward.is_visible():
        onward.click()
    expect(company).to_be_visible()
