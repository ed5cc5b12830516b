"""A widget as people meet it: by roles, names and labels."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

#: The ways to pay that the site offers.
CARD, WALLET, TRANSFER, CLASSIC = "Card", "Wallet", "Bank transfer", "On account"
APPROVED = "Card that is approved"
DECLINED = "Card that is declined"

REVIEW = "Review and pay"
PAID = "Payment successful"


class Charges:
    """The pending charges on a page, with or without JavaScript."""

    def __init__(self, page: Page, *, root: Locator | None = None) -> None:
        self.page = page
        self.root = root or page.get_by_role("region", name="Pending charges")

    def heading(self, name: str) -> Locator:
        return self.root.get_by_role("heading", name=name)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def link(self, name: str) -> Locator:
        return self.root.get_by_role("link", name=name)

    @property
    def status(self) -> Locator:
        """What screen readers are told."""
        return self.root.get_by_role("status")

    @property
    def problem(self) -> Locator:
        return self.root.get_by_role("group", name="There is a problem")

    def at(self, heading: str) -> Charges:
        """Expect the step with this heading."""
        expect(self.heading(heading)).to_be_visible()
        return self

    def begin(self) -> Charges:
        """Go on to the payment."""
        self.button("Continue to payment").click()
        return self.at(REVIEW)

    def way(self, title: str) -> Locator:
        ways = self.root.get_by_role("group", name="How would you like to pay?")
        return ways.get_by_role("radio", name=title)

    def choose(self, title: str) -> Charges:
        """Pick a way to pay; without JavaScript a button follows."""
        self.way(title).check()
        choose = self.button("Choose")
        if choose.is_visible():
            choose.click()
        return self

    def card(self, label: str) -> Locator:
        return self.root.get_by_role("group", name="Test card").get_by_role("radio", name=label)

    def pay_by_card(self, label: str = APPROVED) -> Charges:
        """Choose a test card and pay."""
        self.choose(CARD)
        self.card(label).check()
        self.root.get_by_role("button", name=re.compile("^Pay .*CHF")).click()
        return self
