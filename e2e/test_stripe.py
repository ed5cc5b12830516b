"""Paying at Stripe, whose script, frames and API are played on this machine."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import CARD, PAID, REFUSED, REVIEW, SECURED, STRIPE, VISA, Charges
from e2e.conftest import RELEASED, SCRIPTED, Visit
from e2e.held import held
from e2e.stage import Person
from e2e.test_faults import changed, no_busy_state_is_left
from e2e.test_keyboard import tab_to
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

on_scripted_builds = pytest.mark.parametrize("build", RELEASED)
#: Where our element is upgraded, which the beta of htmx does in its own order.
on_every_build = pytest.mark.parametrize("build", SCRIPTED)

STEP = "One more step"
YES, NO = "Yes, it is me", "No, refuse"
CONFIRM = "Confirm with your bank"
SCRIPT = "**/endive/stripe.js"


def attempts(person: Person) -> list[str]:
    """How the attempts of somebody's only payment ended."""
    return [attempt["state"] for attempt in person.payments[0]["attempts"]]


def at_the_bank(charges: Charges) -> Charges:
    """Pay with a card whose bank asks first, and wait for its page."""
    charges.pay_at_stripe(SECURED)
    expect(charges.bank.get_by_role("button", name=YES)).to_be_visible()
    return charges


@on_every_build
def test_declined_then_paid(visit: Visit, owing: Person, psp: SandboxPSP, build: str) -> None:
    charges = Charges(visit(owing, htmx=build)).begin()
    charges.pay_at_stripe(REFUSED)
    expect(charges.problem).to_contain_text("Nothing was charged.")
    expect(charges.problem).to_be_focused()
    expect(charges.way(STRIPE)).to_be_checked()
    charges.pay_at_stripe().at(PAID)
    expect(charges.heading(PAID)).to_be_focused()
    assert attempts(owing) == ["failed", "settled"]
    no_busy_state_is_left(charges.page)


@on_scripted_builds
def test_what_is_missing_is_said_in_the_frame_and_asks_nobody(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).begin().choose(STRIPE)
    expect(charges.fields.get_by_label("Card number")).to_be_visible()
    charges.button("Pay CHF").click()
    expect(charges.alert).to_have_text("Please check what you entered. Nothing was charged.")
    expect(charges.fields.get_by_label("Card number")).to_be_focused()
    no_busy_state_is_left(charges.page)
    assert watch.sent("POST", "/moochers/stripe/") == []
    charges.pay_at_stripe().at(PAID)


@on_every_build
def test_bank_that_asks_and_is_told_yes(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = at_the_bank(Charges(visit(owing, htmx=build)).begin())
    assert owing.states == ["processing"]
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)
    expect(charges.heading(PAID)).to_be_focused()
    assert (owing.states, attempts(owing)) == (["charged"], ["settled"])
    no_busy_state_is_left(charges.page)


@on_scripted_builds
def test_bank_that_asks_and_is_told_no(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = at_the_bank(Charges(visit(owing, htmx=build)).begin())
    charges.bank.get_by_role("button", name=NO).click()
    expect(charges.problem).to_contain_text("Nothing was charged.")
    expect(charges.problem).to_be_focused()
    assert owing.states == ["pending"]
    charges.pay_at_stripe().at(PAID)
    assert attempts(owing) == ["failed", "settled"]


@on_scripted_builds
def test_reload_in_the_middle_goes_on_where_one_was(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    at_the_bank(Charges(page).begin())
    page.reload()
    charges = Charges(page)
    charges.link("Continue this payment").click()
    charges.at(STEP)
    # Nothing opens by itself: the customer has not asked for it here.
    expect(page.locator("iframe")).to_have_count(0)
    charges.button(CONFIRM).click()
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)
    assert attempts(owing) == ["settled"]


@on_scripted_builds
def test_bank_that_is_left_alone_takes_nothing(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    at_the_bank(Charges(page).begin())
    page.goto("/dashboard/")
    charges = Charges(page)
    charges.link("Continue this payment").click()
    charges.at(STEP).button("Use another payment method").click()
    charges.at(REVIEW).pay_by_card().at(PAID)
    assert attempts(owing) == ["cancelled", "settled"]
    newest = next(iter(psp.stripe.account.find("payment_intent")))
    assert newest["status"] == "canceled"


@on_scripted_builds
def test_second_tab_opens_no_second_page_of_the_bank(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    first = Charges(page).begin()
    other = page.context.new_page()
    other.goto("/dashboard/")
    second = Charges(other)
    second.link("Continue this payment").click()
    second.at(REVIEW)
    at_the_bank(first)
    second.at(STEP)
    expect(other.locator("iframe")).to_have_count(0)
    first.bank.get_by_role("button", name=YES).click()
    first.at(PAID)
    second.at(PAID)
    assert attempts(owing) == ["settled"]


@on_scripted_builds
def test_two_tabs_that_pay_at_once_pay_once(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    first = Charges(page).begin().choose(STRIPE).enter(VISA)
    other = page.context.new_page()
    other.route("**/?news=1*", lambda route: route.fulfill(status=204))
    other.goto("/dashboard/")
    second = Charges(other)
    second.link("Continue this payment").click()
    second.at(REVIEW).choose(STRIPE).enter(VISA)
    first.button("Pay CHF").click()
    first.at(PAID)
    second.button("Pay CHF").click()
    second.at(PAID)
    assert attempts(owing) == ["settled"]


@on_scripted_builds
def test_impatient_fingers_send_one_request_and_pay_once(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(STRIPE).enter(VISA)
    with held(page, "**/v1/confirmation_tokens"):
        charges.button("Pay CHF").dblclick()
    charges.at(PAID)
    assert len(watch.sent("POST", "/moochers/stripe/")) == 1
    assert len(watch.sent("POST", "/v1/confirmation_tokens")) == 1


@on_scripted_builds
def test_with_a_keyboard(visit: Visit, owing: Person, psp: SandboxPSP, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    charges.way(CARD).focus()
    page.keyboard.press("ArrowDown")
    expect(charges.way(STRIPE)).to_be_focused()
    number = charges.fields.get_by_label("Card number")
    expect(number).to_be_visible()
    expect(charges.way(STRIPE)).to_be_focused()
    page.keyboard.press("Tab")
    expect(number).to_be_focused()
    for text in (SECURED, "1234", "123"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    tab_to(page, charges.button("Pay CHF"))
    page.keyboard.press("Enter")
    yes = charges.bank.get_by_role("button", name=YES)
    expect(yes).to_be_visible()
    for _ in range(20):
        if yes.evaluate("node => node === document.activeElement && document.hasFocus()"):
            break
        page.keyboard.press("Tab")
    expect(yes).to_be_focused()
    page.keyboard.press("Enter")
    expect(charges.heading(PAID)).to_be_focused()


@on_every_build
def test_going_to_and_fro_leaves_one_form_that_no_refresh_touches(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    for _ in range(3):
        charges.choose(CARD)
        expect(page.locator("iframe")).to_have_count(0)
        charges.choose(STRIPE)
        expect(charges.fields.get_by_label("Card number")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(1)
    charges.enter(VISA)
    owing.owes(("Contour sheet, A4", "1.31"))
    changed(page)
    expect(charges.button("Add to this payment")).to_be_visible()
    expect(charges.fields.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    charges.button("Pay CHF 36.00").click()
    charges.at(PAID)


@on_scripted_builds
def test_script_is_loaded_where_stripe_is_chosen_only(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).begin().choose(CARD)
    assert watch.sent("GET", "/endive/") == []
    charges.pay_at_stripe().at(PAID)
    assert len(watch.sent("GET", "/endive/stripe.js")) == 1


@on_scripted_builds
def test_secrets_are_in_no_address_and_no_memory(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    charges = at_the_bank(Charges(visit(owing, htmx=build)).begin())
    page = charges.page
    kept = "JSON.stringify({ ...sessionStorage, ...localStorage, state: history.state })"
    assert "_secret_" not in page.content() + page.evaluate(kept)
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)
    assert "_secret_" not in page.content() + page.evaluate(kept) + page.url
    ours = [request.url for request in watch.requests if request.url.startswith(owing.site.url)]
    assert not any("_secret_" in url or "ctoken_" in url for url in ours)
    assert "_secret_" not in owing.site.log.read_text()
    numbers = [
        request for request in watch.requests if "4000002500003155" in str(request.post_data)
    ]
    assert {request.url for request in numbers} == {f"{psp.stripe.url}/v1/confirmation_tokens"}


@on_every_build
def test_strict_policy_needs_what_the_moocher_names_and_no_more(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = Charges(visit(owing, f"/hosts/one/?live&htmx={build}")).begin()
    charges.pay_at_stripe(REFUSED)
    expect(charges.problem).to_be_visible()
    at_the_bank(charges).bank.get_by_role("button", name=YES).click()
    charges.at(PAID)


def test_without_htmx_the_answer_is_a_page_that_opens_nothing_by_itself(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch
) -> None:
    watch.allow("ERR_FAILED|Failed to load resource")
    page = visit(owing)
    page.route("**/htmx-*.js", lambda route: route.abort())
    page.reload()
    charges = Charges(page).begin().pay_at_stripe(SECURED).at(STEP)
    expect(page.locator("iframe")).to_have_count(0)
    charges.button(CONFIRM).click()
    charges.bank.get_by_role("button", name=YES).click()
    charges.at(PAID)


@on_scripted_builds
def test_fields_follow_the_look_of_the_page(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build, theme="system", color_scheme="light")
    charges = Charges(page).begin().choose(STRIPE)
    body = charges.fields.locator("main")
    expect(body).to_have_css("background-color", backdrop(charges))
    before = backdrop(charges)
    page.emulate_media(color_scheme="dark")
    assert backdrop(charges) != before
    expect(body).to_have_css("background-color", backdrop(charges))
    charges.enter(VISA).button("Pay CHF").click()
    charges.at(PAID)


def backdrop(charges: Charges) -> str:
    """The first colour behind the widget that is not see-through."""
    colour: str = charges.root.evaluate(
        """node => {
          for (let at = node; at; at = at.parentElement) {
            const { backgroundColor } = getComputedStyle(at);
            if (!/, 0\\)$/.test(backgroundColor)) return backgroundColor;
          }
        }"""
    )
    return colour


@on_scripted_builds
def test_script_that_does_not_come_leads_to_stripes_own_page(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow("ERR_FAILED|Failed to load resource")
    page = visit(owing, htmx=build)
    page.route(SCRIPT, lambda route: route.abort())
    charges = Charges(page).begin().choose(STRIPE)
    expect(charges.alert).to_contain_text("Press the button to enter them on Stripe")
    no_busy_state_is_left(page)
    charges.button("Pay CHF").click()
    pay_on_stripes_page(page)
    charges.at(PAID)
    assert attempts(owing) == ["settled"]


def pay_on_stripes_page(page: Page, method: str = "Visa ending in 4242") -> None:
    """Pay on the page that Stripe itself shows."""
    page.get_by_label("Payment method", exact=True).select_option(method)
    page.get_by_role("button", name="Pay", exact=True).click()


def test_without_javascript_stripes_own_page_takes_the_card(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing, htmx="none")
    charges = Charges(page).begin().choose(STRIPE)
    expect(charges.root.get_by_text("You enter your payment details on Stripe")).to_be_visible()
    charges.button("Pay CHF").click()
    charges.at(STEP).link("Continue with Stripe").click()
    page.get_by_role("button", name="Cancel and go back").click()
    # Stripe keeps its page open for who comes back to it.
    charges.at(STEP).button("Use another payment method").click()
    charges.at(REVIEW).choose(STRIPE).button("Pay CHF").click()
    charges.at(STEP).link("Continue with Stripe").click()
    pay_on_stripes_page(page)
    charges.at(PAID)
    assert attempts(owing) == ["cancelled", "settled"]


@on_scripted_builds
def test_press_before_the_fields_are_there_waits_for_them(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    with held(page, SCRIPT):
        charges = Charges(page).begin().choose(STRIPE)
        expect(charges.root.get_by_text("The fields are loading")).to_be_visible()
        charges.button("Pay CHF").click()
        expect(charges.button("Paying")).to_have_attribute("aria-disabled", "true")
    expect(charges.alert).to_have_text("Please check what you entered. Nothing was charged.")
    charges.pay_at_stripe().at(PAID)


@on_scripted_builds
def test_api_that_does_not_answer_is_said_and_tried_again(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow("ERR_FAILED|Failed to load resource")
    page = visit(owing, htmx=build)
    page.route("**/v1/confirmation_tokens", lambda route: route.abort(), times=1)
    charges = Charges(page).begin().pay_at_stripe()
    expect(charges.alert).to_contain_text("could not be reached. Nothing was charged.")
    no_busy_state_is_left(page)
    assert owing.payments[0]["attempts"] == []
    charges.button("Pay CHF").click()
    charges.at(PAID)


@on_scripted_builds
def test_back_to_the_form_finds_it_usable(
    visit: Visit, owing: Person, psp: SandboxPSP, remembering: Browser, build: str
) -> None:
    page = visit(owing, htmx=build, using=remembering)
    charges = Charges(page).begin().choose(STRIPE).enter(VISA)
    page.goto("/prices/")
    # Playwright's own go_back() waits for a load that never comes.
    page.evaluate("history.back()")
    charges.at(REVIEW)
    no_busy_state_is_left(page)
    charges.button("Pay CHF").click()
    charges.at(PAID)
    assert attempts(owing) == ["settled"]
