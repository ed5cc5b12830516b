"""Paying, being declined, resuming, leaving, and Back, in every engine."""

from __future__ import annotations

import pytest

from e2e.charges import APPROVED, DECLINED, PAID, REVIEW
from e2e.engines.charges import button, heading
from e2e.engines.conftest import Look
from e2e.stage import Person
from payments_ui.testing.psp import SandboxPSP

BUILDS = ("2", "4")
NEVER_LIVE = "/hosts/one/?htmx={}"
#: Remembers in the tab what the widgets say, so that the next page can tell of it.
LISTEN = """() => {
  const live = document.querySelector("[data-pui-live]");
  const hear = () => sessionStorage.setItem("said", live.textContent);
  sessionStorage.setItem("said", "");
  new MutationObserver(hear).observe(live, { childList: true });
}"""
#: Firefox keeps no page for Back that listens to this; the others are started without that.
KEEP_NOT = """() => {
  const script = document.createElement("script");
  script.nonce = document.querySelector("script").nonce;
  script.textContent = "addEventListener('unload', () => {})";
  document.head.append(script);
}"""


@pytest.mark.parametrize("build", BUILDS)
def test_declined_then_paid_and_the_receipt(
    look: Look, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = look(owing, htmx=build).at("To pay: CHF 36.00").begin()
    charges.pay_by_card(DECLINED).says("Nothing was charged.")
    assert owing.states == ["pending"]
    charges.pay_by_card(APPROVED).at(PAID)
    assert owing.states == ["charged"]
    charges.follow("View receipt").at("Paid: CHF 36.00")


@pytest.mark.parametrize("build", BUILDS)
def test_resumed_at_a_company_that_leads_away_and_back(
    look: Look, owing: Person, psp: SandboxPSP, build: str
) -> None:
    look(owing, htmx=build).begin()
    charges = look(owing, htmx=build).follow("Continue this payment").at(REVIEW)
    charges.choose("Wallet").press("Pay CHF 36.00").press("Pay now").at(PAID)
    assert owing.states == ["charged"]


def test_back_from_the_company_finds_a_page_that_works(
    look: Look, owing: Person, psp: SandboxPSP
) -> None:
    charges = look(owing).begin().choose("Wallet").press("Pay CHF 36.00")
    charges.window.see(button("Pay now"))
    charges.window.back()
    charges.follow("Continue this payment").at("One more step")
    assert owing.states == ["processing"]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "loaded"])
def test_back_shows_what_is_owed_now(look: Look, owing: Person, build: str, is_kept: bool) -> None:
    charges = look(owing, NEVER_LIVE.format(build)).at("To pay: CHF 36.00")
    if not is_kept:
        charges.window.run(KEEP_NOT)
    charges.follow("Another page").at("Other")
    owing.owes(("Contour sheet, A4", "1.31"))
    charges.window.back()
    charges.at("To pay: CHF 37.31")


@pytest.mark.parametrize("build", BUILDS)
def test_leaving_during_a_charge_is_no_lost_connection(
    look: Look, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = look(owing, NEVER_LIVE.format(build)).begin().choose("Card")
    charges.choose("Card with a slow bank")
    charges.window.run(LISTEN)
    charges.press("Pay CHF")
    charges.window.wait(lambda: bool(owing.payments[0]["attempts"]), "attempt")
    charges.follow("Another page").at("Other")
    assert charges.window.run("() => sessionStorage.getItem('said')") == ""
    psp.deliver_webhooks()
    look(owing)
    charges.window.wait(lambda: owing.states == ["charged"], "charged payment")


def test_a_choice_without_htmx_is_paid_with_buttons(
    look: Look, owing: Person, psp: SandboxPSP
) -> None:
    charges = look(owing, htmx="none").begin()
    charges.choose("Card").press("Choose").choose(APPROVED).press("Pay CHF").at(PAID)
    charges.window.back()
    assert charges.window.see(heading(PAID))
    assert owing.states == ["charged"]
