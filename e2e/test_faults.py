"""When something goes wrong between the browser and the site: nothing is lost, and it is said."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.charges import APPROVED, CARD, PAID, REVIEW, Charges
from e2e.conftest import RELEASED, SCRIPTED, Visit
from e2e.held import held
from e2e.stage import Person
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

on_scripted_builds = pytest.mark.parametrize("build", RELEASED)

SESSION, CSRF = "hillshade_session", "hillshade_csrf"
PAY = "**/moochers/sandbox/"


#: When a request of htmx is lost, and when a widget says something next.
TIME_WHAT_IS_SAID = """() => {
  for (const name of ["htmx:sendError", "htmx:error"])
    document.addEventListener(name, () => { window.lost ??= performance.now() });
  const live = document.querySelector("[role=status][data-pui-live]");
  const hear = () => { if (live.textContent.trim()) window.said ??= performance.now() };
  new MutationObserver(hear).observe(live, { childList: true });
}"""


def no_busy_state_is_left(page: Page) -> None:
    """Nothing on the page says that it is busy, or is disabled."""
    left = page.locator("[aria-busy], [aria-disabled], button[disabled], .htmx-request")
    expect(left).to_have_count(0)


@on_scripted_builds
def test_session_that_ends_leaves_the_page_alone_and_is_said_once(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    # It shows itself once htmx has found what can be paused.
    expect(charges.button("Pause updates")).to_be_visible()
    title, before = page.title(), body_of(page)
    page.context.clear_cookies(name=SESSION)
    expect(charges.status).to_contain_text("signed out")
    asked = len(watch.sent("GET", "/heartbeat/"))
    page.wait_for_timeout(2500)
    assert len(watch.sent("GET", "/heartbeat/")) == asked
    assert (page.title(), body_of(page)) == (title, before)


@on_scripted_builds
def test_action_after_the_session_has_ended_leads_to_the_sign_in(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    watch.allow_status(403)
    page = visit(owing, htmx=build)
    charges = Charges(page)
    page.context.clear_cookies(name=SESSION)
    charges.button("Continue to payment").click()
    expect(charges.heading("You are signed out")).to_be_focused()
    charges.link("Sign in").click()
    page.get_by_label("Username").fill(owing.username)
    page.get_by_label("Password").fill("hillshade")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    charges.at("To pay: CHF 36.00")
    expect(page).to_have_url(f"{owing.site.url}/dashboard/")


@on_scripted_builds
def test_csrf_cookie_that_is_gone_keeps_the_form_and_is_said(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow_status(403)
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card(APPROVED).check()
    page.context.clear_cookies(name=CSRF)
    charges.button("Pay CHF").click()
    expect(charges.status).to_contain_text("Reload the page")
    expect(charges.card(APPROVED)).to_be_checked()
    no_busy_state_is_left(page)
    page.reload()
    charges.link("Continue this payment").click()
    charges.pay_by_card().at(PAID)


@on_scripted_builds
@pytest.mark.parametrize("status", [404, 500])
def test_error_of_the_server_keeps_the_widget(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str, status: int
) -> None:
    watch.allow_status(status)
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card(APPROVED).check()
    page.route(PAY, lambda route: route.fulfill(status=status, body="<h1>Broken</h1>"), times=1)
    charges.button("Pay CHF").click()
    expect(charges.status).not_to_be_empty()
    expect(page.get_by_text("Broken")).to_have_count(0)
    expect(charges.card(APPROVED)).to_be_checked()
    no_busy_state_is_left(page)
    charges.button("Pay CHF").click()
    charges.at(PAID)


@on_scripted_builds
def test_answer_of_somebody_else_is_never_swapped_in(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page)
    title = page.title()
    page.route(
        "**/payments/",
        lambda route: route.fulfill(
            status=200, content_type="text/html", body="<title>Wifi</title><h1>Buy Wifi</h1>"
        ),
        times=1,
    )
    charges.button("Continue to payment").click()
    expect(charges.status).not_to_be_empty()
    expect(page.get_by_text("Buy Wifi")).to_have_count(0)
    assert page.title() == title
    charges.begin()


@on_scripted_builds
def test_offline_is_said_and_over_when_the_network_is_back(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED|htmx:sendError|Failed to fetch|NetworkError")
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card(APPROVED).check()
    page.context.set_offline(True)
    charges.button("Pay CHF").click()
    expect(charges.status).to_contain_text("You are offline")
    expect(charges.card(APPROVED)).to_be_checked()
    no_busy_state_is_left(page)
    page.context.set_offline(False)
    expect(charges.status).not_to_contain_text("You are offline")
    charges.button("Pay CHF").click()
    charges.at(PAID)
    assert len(owing.payments[0]["attempts"]) == 1


@on_scripted_builds
def test_a_request_that_is_lost_while_the_browser_is_online_is_said_late(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    watch.allow("ERR_FAILED|htmx:sendError|Failed to fetch")
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    page.route("**/payments/", lambda route: route.abort())
    page.evaluate(TIME_WHAT_IS_SAID)
    charges.button("Continue to payment").click()
    no_busy_state_is_left(page)
    expect(charges.status).to_contain_text("You are offline")
    # By the page's own clock: whoever looks may be late himself.
    assert page.evaluate("window.said - window.lost") >= 1000


@on_scripted_builds
def test_slow_payment_is_never_hidden_by_a_refresh(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card("Card with a slow bank").check()
    changed(page)
    charges.button("Pay CHF").click()
    expect(charges.button("Paying")).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        changed(page)
        owing.owes(("Contour sheet, A4", "1.31"))
        page.wait_for_timeout(300)
    charges.at(PAID)
    changed(page)
    page.wait_for_timeout(500)
    charges.at(PAID)
    no_busy_state_is_left(page)
    assert len(owing.payments[0]["attempts"]) == 1


@on_scripted_builds
def test_refresh_that_is_on_its_way_when_one_pays_does_not_hide_the_result(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    charges.card(APPROVED).check()
    with held(page, "**/payments/*/?news=1*") as refreshes:
        with page.expect_request("**/payments/*/?news=1*"):
            owing.owes(("Contour sheet, A4", "1.31"))
            changed(page)
        charges.button("Pay CHF").click()
        charges.at(PAID)
        assert refreshes.requests
    page.wait_for_timeout(500)
    charges.at(PAID)


@on_scripted_builds
def test_older_answer_never_replaces_a_newer_one(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    old = page.request.get(
        "/billing/charges/?news=1&w=pui-1", headers={"HX-Request": "true"}
    ).text()
    assert 'data-pui-v="' in old
    owing.owes(("Contour sheet, A4", "1.31"))
    charges.at("To pay: CHF 37.31")
    answered: list[Route] = []

    def answer_late(route: Route) -> None:
        answered.append(route)
        route.fulfill(
            status=200, content_type="text/html", headers={"X-Payments-UI": "1"}, body=old
        )

    page.route("**/charges/?news=1*", answer_late)
    with page.expect_response("**/charges/?news=1*"):
        changed(page)
    page.wait_for_timeout(500)
    assert answered
    charges.at("To pay: CHF 37.31")


#: Tells the widgets, right after a new body has come into the page, that something has changed:
#: htmx has not found yet what listens in there.
TELL_TOO_EARLY = """() => {
  let isTold = false;
  const tell = () => {
    if (isTold || !document.querySelector("[data-pui-body][data-pui-step=payment]")) return;
    isTold = true;
    setTimeout(() => document.dispatchEvent(new CustomEvent("payments:changed")));
  };
  for (const name of ["htmx:afterSwap", "htmx:before:settle"])
    document.addEventListener(name, tell);
}"""


@pytest.mark.parametrize("build", SCRIPTED)
def test_what_a_widget_is_told_before_it_listens_is_not_lost(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?htmx={build}")

    def answer(route: Route) -> None:
        made = route.fetch()
        owing.owes(("Contour sheet, A4", "1.31"))
        route.fulfill(response=made)

    page.route("**/payments/", answer, times=1)
    page.evaluate(TELL_TOO_EARLY)
    charges = Charges(page).begin()
    expect(charges.button("Add to this payment")).to_be_visible()


@pytest.mark.parametrize("build", SCRIPTED)
def test_what_a_widget_is_told_while_it_asks_is_not_lost(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?htmx={build}")
    charges = Charges(page).at("To pay: CHF 36.00")

    def answer(route: Route) -> None:
        made = route.fetch()
        owing.owes(("Contour sheet, A4", "1.31"))
        changed(page)
        route.fulfill(response=made)

    page.route("**/charges/?news=1*", answer, times=1)
    changed(page)
    charges.at("To pay: CHF 37.31")


@on_scripted_builds
def test_what_is_chosen_before_htmx_has_come_is_not_lost(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    Charges(page).begin()
    page.reload()
    path = Charges(page).link("Continue this payment").get_attribute("href")
    with held(page, "**/*htmx*.js"):
        page.goto(f"{owing.site.url}{path}", wait_until="commit")
        charges = Charges(page).at(REVIEW)
        charges.way(CARD).check()
        expect(charges.button("Choose")).to_be_visible()
    expect(charges.card(APPROVED)).to_be_visible()
    expect(charges.button("Choose")).to_be_hidden()
    charges.pay_by_card().at(PAID)


def changed(page: Page) -> None:
    """Tell the widgets of a page that something has changed."""
    page.evaluate("document.dispatchEvent(new CustomEvent('payments:changed'))")


def body_of(page: Page) -> str:
    """The page without what only screen readers hear of, and without the heartbeat's element."""
    html: str = page.evaluate(
        """() => {
          const copy = document.body.cloneNode(true);
          copy.querySelectorAll("[data-pui-live], [data-pui-heartbeat]").forEach(e => e.remove());
          return copy.innerHTML.replaceAll(/\\s+/g, " ");
        }"""
    )
    return html
