"""What a screen reader is given after each change: the focus with its description, or the news."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import (
    CARD,
    DECLINED,
    PAID,
    PATIENCE,
    REFUSED,
    REVIEW,
    SECURED,
    TRANSFER,
    Charges,
)
from e2e.conftest import RELEASED, Visit
from e2e.engines.window import WaitedInVainError
from e2e.stage import Person, Site
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("build", RELEASED)

LISTEN = """
window.said = [];
document.addEventListener("DOMContentLoaded", () => {
  for (const region of document.querySelectorAll("[role=status][data-pui-live]"))
    new MutationObserver(() => {
      const text = region.textContent.trim();
      if (text) window.said.push(text);
    }).observe(region, { childList: true, characterData: true, subtree: true });
});
"""


@dataclass
class Ear:
    """Hears a page as a screen reader does: by its accessibility tree and its live regions."""

    page: Page

    @property
    def focus(self) -> str:
        """Name and description of what has the focus; nothing while it is on its way."""
        session = self.page.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        focused = [
            node
            for node in nodes
            if any(
                p["name"] == "focused" and p["value"]["value"] for p in node.get("properties", ())
            )
            and node["role"]["value"] != "RootWebArea"
        ]
        parts = [
            node.get(part, {}).get("value", "")
            for node in focused
            for part in ("name", "description")
        ]
        return " ".join(" ".join(parts).split())

    @property
    def news(self) -> list[str]:
        """What the live regions have said so far."""
        return [" ".join(text.split()) for text in self.page.evaluate("window.said")]

    def hears(self, *texts: str) -> None:
        """Expect the focus to say all these, and the live regions to say nothing twice.

        It comes a moment after the answer.
        """
        heard = ""
        for _ in range(PATIENCE // 100):
            heard = self.focus
            if all(text in heard for text in texts):
                break
            self.page.wait_for_timeout(100)
        else:
            raise WaitedInVainError(f"Not {texts}, but {heard}")
        assert self.news == []


@pytest.fixture
def listen(visit: Visit, browser: Browser, build: str) -> Visit:
    """Open a page and listen from the start."""

    def open_page(person: Person, path: str = "/dashboard/") -> Page:
        page = visit(person, path, htmx=build, using=browser)
        page.context.add_init_script(LISTEN)
        page.reload()
        return page

    return open_page


def test_a_declined_payment_and_an_expired_form(
    listen: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = listen(owing)
    charges = Charges(page).begin().pay_by_card(DECLINED)
    expect(charges.problem).to_be_focused()
    Ear(page).hears("There is a problem", "Nothing was charged", "Reference")
    page.eval_on_selector_all("[name=pui-token]", "all => all.forEach(one => one.value = 'old')")
    charges.pay_by_card()
    expect(charges.problem).to_contain_text("expired")
    expect(charges.problem).to_be_focused()
    Ear(page).hears("There is a problem", "This form has expired. Nothing was charged.")


def test_an_empty_selection(listen: Visit, owing: Person) -> None:
    page = listen(owing)
    charges = Charges(page)
    charges.link("Pay only some items").click()
    charges.at("Choose what to pay now").button("Continue to payment").click()
    expect(charges.problem).to_be_focused()
    Ear(page).hears("There is a problem", "Select at least one item.")


def test_items_that_are_added_and_a_cancelled_payment(listen: Visit, owing: Person) -> None:
    page = listen(owing, "/hosts/one/")
    charges = Charges(page).begin()
    owing.owes(("Contour sheet, A4", "1.31"))
    page.evaluate("document.dispatchEvent(new CustomEvent('payments:changed'))")
    expect(charges.status).to_have_text("You have 1 new item: CHF 1.31.")
    page.evaluate("window.said = []")
    charges.button("Add to this payment").click()
    expect(charges.root.get_by_text("are part of this payment now")).to_be_visible()
    Ear(page).hears(REVIEW, "The new items are part of this payment now.", "CHF 37.31")
    charges.button("Cancel this payment").click()
    charges.at("To pay: CHF 37.31")
    Ear(page).hears("To pay", "Nothing was charged. Your items are back in your list.")


def test_a_pay_button_says_what_was_cancelled(listen: Visit, owing: Person) -> None:
    page = listen(owing, "/hosts/many/")
    button = Charges(page, root=page.locator("#pui-quick"))
    button.button("Continue to payment").click()
    button.at(REVIEW).button("Cancel this payment").click()
    expect(button.root.get_by_text("Nothing was charged.")).to_be_visible()
    Ear(page).hears("Nothing was charged. Your items are back in your list.")


def test_who_calls_a_transfer_off_hears_not_to_pay_again(listen: Visit, owing: Person) -> None:
    page = listen(owing)
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer").link("Cancel this payment").click()
    charges.at("Cancel this payment?")
    Ear(page).hears("Cancel this payment?", "do not pay again")
    charges.button("Cancel this payment").click()
    charges.at("To pay: CHF 36.00")
    Ear(page).hears("To pay", "do not pay again")


def test_a_payment_method_that_becomes_the_default(
    listen: Visit, site: Site, owing: Person
) -> None:
    cards = [{"brand": "visa", "last_four": four} for four in ("4242", "1881")]
    site.direct("keep", username=owing.username, cards=cards)
    page = listen(owing, "/billing/methods/")
    page.get_by_role("button", name="Set as default").click()
    expect(page.get_by_text("is now your default.")).to_be_visible()
    Ear(page).hears("Your saved payment methods", "is now your default.")


def test_the_steps_of_stripe(listen: Visit, owing: Person, psp: SandboxPSP) -> None:
    page = listen(owing)
    charges = Charges(page).begin().pay_at_stripe(REFUSED)
    expect(charges.problem).to_be_focused()
    Ear(page).hears("There is a problem", "Nothing was charged", "Reference")
    charges.pay_at_stripe(SECURED)
    charges.bank.get_by_role("button", name="No, refuse").click()
    expect(charges.problem).to_contain_text("confirm that it was you")
    expect(charges.problem).to_be_focused()
    Ear(page).hears("There is a problem", "Nothing was charged")
    charges.pay_at_stripe(SECURED)
    charges.bank.get_by_role("button", name="Yes, it is me").click()
    expect(charges.heading(PAID)).to_be_focused()
    Ear(page).hears(PAID)


def test_a_step_of_stripe_that_waits_for_its_customer(
    listen: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = listen(owing)
    charges = Charges(page).begin().pay_at_stripe(SECURED)
    expect(charges.bank.get_by_role("button", name="Yes, it is me")).to_be_visible()
    page.reload()
    charges.link("Continue this payment").click()
    expect(charges.heading("One more step")).to_be_focused()
    expect(charges.button("Confirm with your bank")).to_be_visible()
    Ear(page).hears("One more step", "Your bank asks you to confirm this.")
    charges.button("Use another payment method").click()
    expect(charges.heading(REVIEW)).to_be_focused()
    Ear(page).hears(REVIEW, "Nothing was charged. Please choose how to pay.")


def test_who_was_signed_out_hears_it_and_that_nothing_was_charged(
    listen: Visit, owing: Person
) -> None:
    # Without a heartbeat, which might say it first.
    page = listen(owing, "/hosts/one/")
    page.context.clear_cookies(name="hillshade_session")
    charges = Charges(page)
    charges.button("Continue to payment").click()
    expect(charges.heading("You are signed out")).to_be_focused()
    Ear(page).hears("You are signed out", "Please sign in again", "you were not charged")


def both(page: Page) -> tuple[Charges, Charges]:
    """The two lists on a page with many widgets, each at the same payment."""
    regions = (page.get_by_role("region", name=name) for name in ("Left", "Right"))
    left, right = (Charges(page, root=region) for region in regions)
    left.begin()
    right.link("Continue this payment").click()
    right.at(REVIEW)
    return left, right


def test_news_are_said_once_and_by_one_of_several_widgets(listen: Visit, owing: Person) -> None:
    page = listen(owing, "/hosts/many/?live")
    for widget in both(page):
        widget.choose(CARD)
    page.evaluate("window.said = []")
    owing.owes(("Contour sheet, A4", "1.31"))
    for root in ("Left", "Right"):
        region = page.get_by_role("region", name=root)
        expect(region.get_by_role("button", name="Add to this payment")).to_be_visible()
    page.wait_for_timeout(2500)  # two heartbeats
    assert Ear(page).news == ["You have 1 new item: CHF 1.31."]


def test_what_happens_elsewhere_is_named_once(
    listen: Visit, visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = listen(owing, "/hosts/many/?live")
    left, right = both(page)
    page.evaluate("window.said = []")
    phone = visit(owing, htmx=build)
    Charges(phone).link("Continue this payment").click()
    Charges(phone).pay_by_card().at(PAID)
    for widget in (left, right):
        widget.at(PAID)
    page.wait_for_timeout(2500)
    # A heartbeat may see the payment while the phone waits for the PSP, which is said, too.
    *before, last = Ear(page).news
    assert last == "Paid: CHF 36.00"
    assert before in ([], ["Your payment is being processed"])


def test_an_echo_of_ones_own_action_is_silent(
    listen: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = listen(owing, "/hosts/many/?live")
    left, right = both(page)
    page.evaluate("window.said = []")
    left.pay_by_card().at(PAID)
    right.at(PAID)
    page.wait_for_timeout(2500)
    Ear(page).hears(PAID)
