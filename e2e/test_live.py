"""Widgets that look for news by themselves, and when they do not."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Response, expect

from e2e.charges import APPROVED, CARD, PAID, REVIEW, Charges
from e2e.conftest import SCRIPTED, Visit
from e2e.held import held
from e2e.stage import Person
from e2e.test_faults import changed
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.parametrize("build", SCRIPTED)

BEAT, LIST = "/heartbeat/", "/charges/"
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  const state = hidden ? "hidden" : "visible";
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
#: How often the heartbeat has asked, and how old the page is.
BEATS = f"""() => [
  performance.getEntriesByType("resource").filter(({{ name }}) => name.includes("{BEAT}")).length,
  performance.now() / 1000,
]"""
#: Comes back to a tab; whether something is asked at once, long before the next tick.
COME_BACK = f"""async () => {{
  let asked = false;
  const ask = (event) => (asked ||= !event.defaultPrevented);
  for (const name of ["htmx:beforeRequest", "htmx:before:request"])
    document.addEventListener(name, ask);
  ({HIDE})(false);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return asked;
}}"""


def region(page: Page, name: str) -> Charges:
    """One of several widgets on a page."""
    return Charges(page, root=page.get_by_role("region", name=name))


def test_news_from_another_device_arrive_without_moving_the_focus(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    badge = page.get_by_role("navigation").get_by_role("link", name="Dashboard")
    expect(badge).to_contain_text("2 items to pay")
    charges.button("Continue to payment").focus()
    owing.owes(("Contour sheet, A4", "1.31"))
    charges.at("To pay: CHF 37.31")
    expect(badge).to_contain_text("3 items to pay")
    expect(charges.button("Continue to payment")).to_be_focused()


def test_many_widgets_ask_once_for_all_and_unchanged_answers_are_empty(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    region(page, "Left").at("To pay: CHF 36.00")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if BEAT in answer.url else None)
    lists = len(watch.sent("GET", LIST))
    for _ in range(3):
        with page.expect_response(lambda answer: BEAT in answer.url):
            pass
    assert {answer.status for answer in answers} == {204}
    assert len(watch.sent("GET", LIST)) == lists
    # One a second, by the page's own clock: never one for each widget.
    asked, seconds = page.evaluate(BEATS)
    assert asked <= seconds + 1


def test_each_widget_refreshes_once_when_something_changed(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    region(page, "Left").at("To pay: CHF 36.00")
    owing.owes(("Contour sheet, A4", "1.31"))
    for name in ("Left", "Right"):
        region(page, name).at("To pay: CHF 37.31")
    page.wait_for_timeout(2200)
    asked = sorted(request.url.split("w=")[1].split("&")[0] for request in watch.sent("GET", LIST))
    assert asked == sorted(set(asked))


def test_a_page_whose_token_has_ended_goes_on_asking_and_no_widget_refreshes(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    left = region(page, "Left").at("To pay: CHF 36.00")
    lists = len(watch.sent("GET", LIST))
    with page.expect_response(lambda answer: BEAT in answer.url and answer.status == 200):
        page.route(
            f"**{BEAT}*",
            lambda route: route.continue_(url=f"{route.request.url}&token=ended"),
            times=1,
        )
    with page.expect_response(lambda answer: BEAT in answer.url and answer.status == 204):
        pass
    assert len(watch.sent("GET", LIST)) == lists
    owing.owes(("Contour sheet, A4", "1.31"))
    left.at("To pay: CHF 37.31")


def test_hidden_tab_asks_nothing_and_once_when_it_is_back(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    region(page, "Left").at("To pay: CHF 36.00")
    page.evaluate(HIDE, True)
    page.wait_for_timeout(300)
    before = len(watch.requests)
    page.wait_for_timeout(3200)
    assert [request.url for request in watch.requests[before:]] == []
    with page.expect_request(f"**{BEAT}*"):
        assert page.evaluate(COME_BACK)


def test_a_widget_that_was_told_out_of_sight_asks_when_it_is_seen(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?htmx={build}")
    left = region(page, "Left").at("To pay: CHF 36.00")
    page.evaluate(HIDE, True)
    owing.owes(("Contour sheet, A4", "1.31"))
    changed(page)
    page.wait_for_timeout(200)
    left.at("To pay: CHF 36.00")
    page.evaluate(HIDE, False)
    for name in ("Left", "Right"):
        region(page, name).at("To pay: CHF 37.31")


def test_the_heartbeat_rests_until_an_action_is_over(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    left, right = region(page, "Left"), region(page, "Right")
    with page.expect_response(lambda answer: BEAT in answer.url):
        left.at("To pay: CHF 36.00")
    with held(page, "**/payments/"):
        left.button("Continue to payment").click()
        before = len(watch.sent("GET", BEAT))
        page.wait_for_timeout(2200)
        assert len(watch.sent("GET", BEAT)) == before
    left.at(REVIEW)
    expect(right.root.get_by_text("Not finished: CHF 36.00")).to_be_visible()
    with page.expect_request(f"**{BEAT}*"):
        pass


def test_pause_by_keyboard_survives_swaps_and_pages(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    pause = charges.button("Pause updates")
    pause.focus()
    page.keyboard.press("Enter")
    expect(pause).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".htmx-request")).to_have_count(0)
    before = len(watch.sent("GET", BEAT))
    owing.owes(("Contour sheet, A4", "1.31"))
    page.wait_for_timeout(2200)
    assert len(watch.sent("GET", BEAT)) == before
    charges.at("To pay: CHF 36.00")
    charges.begin()
    expect(pause).to_have_attribute("aria-pressed", "true")
    charges.button("Cancel this payment").click()
    charges.at("To pay: CHF 37.31")
    page.reload()
    expect(pause).to_have_attribute("aria-pressed", "true")
    owing.owes(("Contour sheet, A4", "1.31"))
    pause.focus()
    page.keyboard.press("Space")
    charges.at("To pay: CHF 38.62")
    expect(pause).to_have_attribute("aria-pressed", "false")


def test_own_payment_causes_no_echo(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    left, right = region(page, "Left"), region(page, "Right")
    left.begin()
    expect(right.root.get_by_text("Not finished: CHF 36.00")).to_be_visible()
    left.pay_by_card().at(PAID)
    right.at("Nothing to pay")
    page.wait_for_timeout(1500)
    left.at(PAID)
    own = left.root.get_attribute("id")
    asked = [request.url for request in watch.sent("GET", "news=1")]
    assert asked
    assert not [url for url in asked if f"w={own}" in url and LIST in url]


def test_choice_in_one_widget_leaves_the_other_alone(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?htmx={build}")
    left, right = region(page, "Left"), region(page, "Right")
    left.begin()
    expect(right.root.get_by_text("Not finished")).to_be_visible()
    nodes = right.root.evaluate_handle("root => [root, ...root.querySelectorAll('*')]")
    left.choose(CARD).card(APPROVED).check()
    same = "(nodes) => nodes.every((node) => node.isConnected)"
    assert page.evaluate(same, nodes)


def test_boosted_navigation_away_stops_the_requests_and_back_starts_them(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/one/?live&boost&htmx={build}")
    charges = Charges(page).at("To pay: CHF 36.00")
    page.evaluate("window.stillTheSameDocument = true")
    page.get_by_role("link", name="Another page").click()
    expect(page.get_by_role("heading", name="Other")).to_be_visible()
    assert page.evaluate("window.stillTheSameDocument")
    before = len(watch.requests)
    page.wait_for_timeout(3200)
    assert len(watch.requests) == before
    owing.owes(("Contour sheet, A4", "1.31"))
    page.get_by_role("link", name="Back to the charges").click()
    charges.at("To pay: CHF 37.31")
    owing.owes(("Contour sheet, A4", "1.31"))
    charges.at("To pay: CHF 38.62")
    charges.begin()


def test_back_to_a_page_that_is_loaded_anew_shows_what_is_owed_now(
    visit: Visit, owing: Person, watch: Watch, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?stored&htmx={build}")
    page.reload()  # with the cookies that Back comes with: the browser stores it for these
    region(page, "Left").at("To pay: CHF 36.00")
    page.goto(f"/hosts/other/?htmx={build}")
    owing.owes(("Contour sheet, A4", "1.31"))
    page.go_back()
    for name in ("Left", "Right"):
        region(page, name).at("To pay: CHF 37.31")
    expect(page.get_by_text("3 items to pay")).to_be_visible()
    assert watch.sent("GET", "news=1")


def test_live_region_is_one_node_that_hears_of_changes_only(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).at("To pay: CHF 36.00")
    page.evaluate(
        """() => {
          window.live = document.querySelector("[role=status][data-pui-live]");
          window.heard = [];
          const hear = () => window.live.textContent && window.heard.push(window.live.textContent);
          new MutationObserver(hear).observe(window.live, { childList: true, characterData: true });
        }"""
    )
    page.wait_for_timeout(2200)
    assert page.evaluate("window.heard") == []
    charges.begin().pay_by_card("Card that is declined")
    expect(charges.problem).to_be_visible()
    charges.pay_by_card().at(PAID)
    assert page.evaluate("window.live.isConnected")
    assert charges.status.evaluate("node => node === window.live")


def test_ids_stay_unique_with_several_widgets_in_several_steps(
    visit: Visit, owing: Person, build: str
) -> None:
    page = visit(owing, f"/hosts/many/?live&htmx={build}")
    left, right = region(page, "Left"), region(page, "Right")
    twice = """() => {
      const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
      return ids.filter((id, at) => ids.indexOf(id) !== at);
    }"""
    assert page.evaluate(twice) == []
    left.begin().choose(CARD)
    right.link("Continue this payment").click()
    right.at(REVIEW).choose(CARD)
    for charges in (left, right):
        expect(charges.card(APPROVED)).to_be_visible()
    assert page.evaluate(twice) == []
