"""A widget as people meet it: by roles, names and labels."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

#: Milliseconds. Two cores that other programs use, too, can be slow; no test waits longer than it
#: has to.
PATIENCE = 20_000
#: The ways to pay that the site offers.
CARD, WALLET, TRANSFER, CLASSIC = "Card", "Wallet", "Bank transfer", "On account"
STRIPE, MOLLIE = "Stripe", "Mollie"
APPROVED = "Card that is approved"
DECLINED = "Card that is declined"

#: Stripe's test cards.
VISA, REFUSED, SECURED = "4242424242424242", "4000000000000002", "4000002500003155"

REVIEW = "Review and pay"
PAID = "Payment successful"

#: What htmx marks until it has found its attributes in what it has put into the page.
UNSETTLED = ".htmx-added, .htmx-settling, .htmx-swapping"


class Charges:
    """The pending charges on a page, with or without JavaScript."""

    def __init__(self, page: Page, *, root: Locator | None = None) -> None:
        self.page = page
        self.root = root or page.get_by_role("region", name="Open items")

    def heading(self, name: str) -> Locator:
        return self.root.get_by_role("heading", name=name)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def link(self, name: str) -> Locator:
        return self.root.get_by_role("link", name=name)

    @property
    def alert(self) -> Locator:
        """What is wrong in Stripe's part of the form."""
        return self.root.get_by_role("alert")

    @property
    def fields(self) -> FrameLocator:
        """Stripe's own fields, in its frame."""
        return self.page.frame_locator("iframe[title='Secure payment input frame']")

    @property
    def bank(self) -> FrameLocator:
        """The page of the customer's bank, in a frame above everything."""
        return self.page.frame_locator("iframe[title='3-D Secure']")

    @property
    def status(self) -> Locator:
        """What screen readers are told."""
        return self.root.get_by_role("status")

    @property
    def problem(self) -> Locator:
        return self.root.get_by_role("group", name="There is a problem")

    def at(self, heading: str) -> Charges:
        """Expect the step with this heading, as people do: no finger is as fast as htmx settles."""
        expect(self.heading(heading)).to_be_visible()
        expect(self.root.locator(UNSETTLED)).to_have_count(0)
        return self

    def begin(self) -> Charges:
        """Go on to the payment."""
        self.button("Continue to payment").click()
        return self.at(REVIEW)

    def way(self, title: str | re.Pattern[str]) -> Locator:
        ways = self.root.get_by_role("group", name="How would you like to pay?")
        return ways.get_by_role("radio", name=title)

    def choose(self, title: str) -> Charges:
        """Pick a way to pay; without JavaScript a button follows."""
        self.way(title).check()
        choose = self.button("Choose")
        if choose.is_visible():
            try:
                choose.click(timeout=PATIENCE / 4)
            except PlaywrightTimeoutError:
                # htmx has found the form meanwhile, and so needs no button.
                expect(choose).to_be_hidden()
        return self

    def card(self, label: str) -> Locator:
        return self.root.get_by_role("group", name="Test card").get_by_role("radio", name=label)

    def enter(self, number: str, expiry: str = "12 / 34") -> Charges:
        """Type a card into Stripe's fields."""
        self.fields.get_by_label("Card number").fill(number)
        self.fields.get_by_label("Expiration date").fill(expiry)
        self.fields.get_by_label("Security code").fill("123")
        return self

    def pay_at_stripe(self, number: str = VISA) -> Charges:
        """Choose Stripe, type a card there, and pay."""
        self.choose(STRIPE).enter(number).button("Pay CHF").click()
        return self

    def pay_by_card(self, label: str = APPROVED) -> Charges:
        """Choose a test card and pay."""
        self.choose(CARD)
        self.card(label).check()
        self.root.get_by_role("button", name=re.compile("^Pay .*CHF")).click()
        return self
