"""A clerk's day: money with a slip in its reference, and a refund that is too much at first."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.charges import APPROVED, PAID, TRANSFER, Charges
from e2e.conftest import Visit
from e2e.looks import NARROW
from e2e.stage import Person, Site
from payments_ui.testing.psp import SandboxPSP


def test_a_transfer_with_two_digits_swapped_is_matched_by_one_press(
    visit: Visit, site: Site, owing: Person, psp: SandboxPSP
) -> None:
    customer = visit(owing)
    Charges(customer).begin().choose(TRANSFER).button("Get the transfer details").click()
    expect(customer.get_by_text("Waiting for your transfer").first).to_be_visible()
    item = site.direct("slip", username=owing.username, amount="36.00")["item"]
    page = visit(site.person(is_staff=True), "/admin/payments_core/suspenseitem/")
    page.locator(f'#result_list a[href*="/{item}/change/"]').first.click()
    proposal = page.get_by_role("listitem").filter(has_text="similar reference, same user")
    expect(proposal).to_contain_text(owing.username)
    page.set_viewport_size(NARROW)
    proposal.get_by_role("button", name="Match to CHF").click()
    expect(page.get_by_text("1 row updated.")).to_be_visible()
    expect(page.get_by_role("button", name="Match to CHF")).to_have_count(0)
    assert owing.states == ["charged"]


def test_a_refund_says_all_that_is_wrong_and_keeps_what_was_typed(
    visit: Visit, site: Site, owing: Person, psp: SandboxPSP
) -> None:
    Charges(visit(owing)).begin().pay_by_card(APPROVED).at(PAID)
    payment = owing.payments[0]["id"]
    clerk = site.person(is_staff=True)
    page = visit(clerk, f"/admin/payments_core/payment/{payment}/change/")
    page.get_by_role("link", name="Refund a charged payment").click()
    amount = page.get_by_label("Amount in CHF")
    expect(amount).to_have_value("36.00")
    amount.fill("360")
    page.get_by_role("button", name="Refund a charged payment").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Error: Refund a charged payment | Django site admin")
    summary.get_by_role("link", name="This is more than what is left to refund").click()
    expect(amount).to_be_focused()
    expect(amount).to_have_value("360")
    expect(summary.get_by_role("link", name="Reason: This field is required.")).to_be_visible()
    amount.fill("3.60")
    page.get_by_label("Reason").fill("One sheet was torn")
    page.get_by_role("button", name="Refund a charged payment").click()
    expect(page.get_by_text("The money has been refunded.")).to_be_visible()
    page.goto("/admin/payments_core/payment/?state=refunded")
    expect(page.get_by_role("cell", name="partly refunded").first).to_be_visible()
    expect(page.get_by_text("Total: CHF")).to_be_visible()
    page.goto(f"/admin/payments_core/journalentry/?payment_id={payment}")
    expect(page.get_by_role("cell", name=clerk.username).first).to_be_visible()
