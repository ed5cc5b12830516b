"""What a night's mails lead to: a page for one payment, signed out; and its words in the widget."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import PAID, REVIEW, Charges
from e2e.conftest import Visit
from e2e.looks import AXE, NARROW, RULES, RUN, WIDE
from e2e.stage import Person
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

with_and_without_javascript = pytest.mark.parametrize("build", ["2", "none"])
#: A card that is charged at night, where its user agreed.
VISA = {"brand": "visa", "last_four": "4242", "unattended_text": "Charge me each month."}
A_DATE = r"\w+ \d+, \d{4}|\d+ \w+ \d{4}"
FAILED = re.compile(rf"We could not charge CHF.36\.00 to Visa ending 4242 on ({A_DATE})\.")
AGAIN = re.compile(rf"We try again on ({A_DATE})\.")


@pytest.fixture
def declined(owing: Person) -> Person:
    """Somebody whose saved card was declined at night for CHF 36.00, and who owes more since."""
    owing.has_saved(VISA)
    owing.was_declined()
    return owing.owes(("Later use", "9.00"))


@with_and_without_javascript
def test_the_link_of_a_mail_shows_one_payment_to_who_is_signed_out_and_takes_it(
    visit: Visit, declined: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(None, declined.link(), htmx=build)
    charges = Charges(page).at(REVIEW)
    # The address that the browser keeps is not the one that lets in.
    assert "/links/" not in page.url
    expect(charges.root).to_contain_text(FAILED)
    expect(charges.root).to_contain_text(AGAIN)
    expect(page.get_by_role("main")).not_to_contain_text("Later use")
    # They see none of its owner's pages.
    expect(charges.link("Change the card")).to_have_count(0)
    charges.pay_by_card().at(PAID)
    assert declined.states == ["charged"]


@with_and_without_javascript
def test_once_it_is_paid_the_link_is_nobodys(
    visit: Visit, declined: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow_status(404)
    link = declined.link()
    Charges(visit(None, link, htmx=build)).at(REVIEW).pay_by_card().at(PAID)
    other = visit(None, link, htmx=build)
    expect(other.get_by_role("heading", level=1)).to_have_text("Not Found")


def test_a_link_that_has_expired_lets_nobody_in(
    visit: Visit, declined: Person, watch: Watch
) -> None:
    watch.allow_status(404)
    page = visit(None, declined.link(days_ago=8))
    expect(page.get_by_role("heading", level=1)).to_have_text("Not Found")
    page.goto("/dashboard/")
    expect(page.get_by_role("button", name="Sign in").first).to_be_visible()


@pytest.mark.parametrize("who", ["guest", "owner"])
def test_what_could_not_be_charged_is_said_to_everybody_and_on_every_screen(
    visit: Visit, declined: Person, who: str
) -> None:
    page = visit(None, declined.link()) if who == "guest" else visit(declined)
    expect(page.get_by_role("region", name="Open items")).to_contain_text(FAILED)
    examine(page)


@with_and_without_javascript
def test_the_widget_says_what_the_mail_says_and_leads_to_the_card(
    visit: Visit, declined: Person, build: str
) -> None:
    charges = Charges(visit(declined, htmx=build))
    expect(charges.root).to_contain_text(FAILED)
    expect(charges.root).to_contain_text(AGAIN)
    charges.link("Change the card").first.click()
    expect(charges.page.get_by_role("main")).to_contain_text("Visa ending 4242")


def test_the_widget_says_where_it_is_not_tried_again(visit: Visit, owing: Person) -> None:
    owing.has_saved(VISA)
    owing.was_declined(word="stolen_card")
    charges = Charges(visit(owing))
    expect(charges.root).to_contain_text(FAILED)
    expect(charges.root).to_contain_text("We do not try again by ourselves.")


def examine(page: Page) -> None:
    """In light and in dark, wide and as on a phone: axe finds nothing, nothing is cut off."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(AXE)
            assert page.evaluate(RUN, [RULES, True]) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
