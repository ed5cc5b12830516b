"""Markup that htmx never sees, since Turbo, Unpoly, a modal or innerHTML brought it to the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.charges import CARD, PAID, REVIEW, Charges
from e2e.conftest import SCRIPTED, Visit
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("build", SCRIPTED)

#: What these libraries do: fetch a page, and put a piece of it where a piece of this one was.
BRING = """async ([url, place]) => {
  const answer = await fetch(url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector(place).innerHTML = page.querySelector("main").innerHTML;
}"""


def bring(page: Page, url: str, place: str = "main") -> Charges:
    """Bring the content of another page into this one, behind the back of htmx."""
    page.evaluate(BRING, [url, place])
    return Charges(page)


def test_a_payment_can_be_chosen_and_paid(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, f"/hosts/other/?htmx={build}")
    bring(page, f"/hosts/one/?htmx={build}").begin()
    payment = page.url
    assert "/payments/" in payment
    page.goto(f"/hosts/other/?htmx={build}")
    charges = bring(page, payment).at(REVIEW)
    charges.way(CARD).check()
    charges.button("Choose").click()
    charges.pay_by_card().at(PAID)


def test_what_htmx_sees_needs_no_button(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?live&htmx={build}")
    charges = Charges(page).begin()
    expect(charges.button("Choose")).to_be_hidden()
    expect(charges.button("Pause updates")).to_be_visible()
    page.reload()
    charges.link("Continue this payment").click()
    charges.at(REVIEW)
    expect(charges.button("Choose")).to_be_hidden()


def test_nothing_can_be_paused_where_nothing_asks(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, f"/hosts/other/?htmx={build}")
    charges = bring(page, f"/hosts/one/?live&htmx={build}").at("To pay: CHF 36.00")
    expect(charges.button("Pause updates")).to_be_hidden()


def test_a_heartbeat_that_htmx_never_sees_silences_no_other(
    visit: Visit, owing: Person, build: str
) -> None:
    path = f"/hosts/one/?live&htmx={build}"
    page = visit(owing, path)
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<i id=first></i>')")
    bring(page, path, "#first")
    seen = Charges(page, root=page.get_by_role("region", name="Open items").nth(1))
    seen.at("To pay: CHF 36.00")
    owing.owes(("Contour sheet, A4", "1.31"))
    seen.at("To pay: CHF 37.31")
