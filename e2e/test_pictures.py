"""Pictures for the documents, taken while somebody pays: PAYMENTS_UI_PICTURES=1."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.charges import MOLLIE, PAID, SECURED, STRIPE, TRANSFER, VISA, Charges
from e2e.conftest import Visit
from e2e.pictures import TAKEN, keep
from e2e.stage import Person, Site
from payments_ui.testing.psp import SandboxPSP

DISPUTED = "4000000000000259"

pytestmark = pytest.mark.skipif(not TAKEN, reason="PAYMENTS_UI_PICTURES=1")


def test_pictures_of_paying_at_stripe(visit: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = visit(owing, device_scale_factor=1.5, viewport={"width": 900, "height": 760})
    charges = Charges(page).begin().choose(STRIPE)
    charges.root.get_by_role("checkbox", name="Save this payment method").check()
    charges.enter(VISA)
    keep(charges.root, "stripe-fields")
    charges.enter(SECURED).button("Pay CHF").click()
    expect(charges.bank.get_by_role("button", name="Yes, it is me")).to_be_visible()
    keep(page, "stripe-3d-secure")
    charges.bank.get_by_role("button", name="Yes, it is me").click()
    charges.at(PAID)
    page.goto("/account/")
    keep(page.get_by_role("region", name="Payment methods"), "payment-methods")
    owing.owes(("Print and postage", "24.00"))
    page.goto("/dashboard/")
    charges = Charges(page).begin()
    expect(charges.button("Pay CHF 24.00")).to_be_visible()
    keep(charges.root, "saved-card")


def test_picture_of_paying_at_mollie(visit: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = visit(owing, device_scale_factor=1.5, viewport={"width": 900, "height": 760})
    charges = Charges(page).begin().choose(MOLLIE)
    charges.way(MOLLIE).scroll_into_view_if_needed()
    expect(charges.button("Pay CHF 36.00")).to_be_visible()
    keep(charges.root, "mollie")


def test_pictures_of_a_short_transfer(visit: Visit, owing: Person, site: Site) -> None:
    page = visit(owing, device_scale_factor=1.5, viewport={"width": 900, "height": 900})
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    owing.transfers("16.00")
    charges.at("We received CHF 16.00; CHF 20.00 is missing")
    keep(charges.root, "short-transfer")
    clerk = visit(site.person(is_staff=True), viewport={"width": 1000, "height": 900})
    clerk.goto("/admin/payments_core/payment/?state=processing")
    clerk.locator("#result_list tbody th a").first.click()
    clerk.get_by_role("link", name="Record a payment received").click()
    expect(clerk.get_by_label("Bank reference")).to_be_visible()
    keep(clerk.locator("#content"), "record-payment")


def test_pictures_of_a_dispute(visit: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = visit(owing, device_scale_factor=1.5, viewport={"width": 900, "height": 760})
    Charges(page).begin().pay_at_stripe(DISPUTED).at(PAID)
    assert psp.deliver_webhooks()
    page.goto("/account/")
    history = page.get_by_role("region", name=re.compile("^Payments"))
    expect(history.get_by_role("cell").first).to_be_visible()
    keep(history, "dispute")
