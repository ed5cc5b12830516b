"""Giving up, resuming, taking in, paying a part; two tabs, two devices, impatient fingers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.charges import APPROVED, CARD, PAID, REVIEW, TRANSFER, Charges
from e2e.conftest import RELEASED, RELEASED_OR_NONE, Visit
from e2e.held import held
from e2e.stage import Person
from e2e.test_faults import PAY
from e2e.test_paying import taken
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

on_all_builds = pytest.mark.parametrize("build", RELEASED_OR_NONE)
on_scripted_builds = pytest.mark.parametrize("build", RELEASED)


@on_all_builds
def test_giving_up_charges_nothing_and_returns_the_charges(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).begin()
    charges.button("Cancel this payment").click()
    charges.at("To pay: CHF 36.00")
    assert owing.facts == {"unbound": 2, "payments": []}
    charges.begin().pay_by_card().at(PAID)


@on_all_builds
def test_new_charges_can_be_taken_in(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page).begin()
    owing.owes(("Contour sheet, A4", "1.31"))
    if build == "none":
        page.reload()
    expect(
        charges.root.get_by_role("paragraph").get_by_text("You have 1 new item: CHF 1.31.")
    ).to_be_visible()
    charges.button("Add to this payment").click()
    expect(charges.root.get_by_role("cell", name="CHF 37.31")).to_be_visible()
    charges.pay_by_card().at(PAID)
    assert [payment["amount"] for payment in owing.payments] == ["37.31"]


@on_all_builds
def test_pay_only_these(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow_status(422)
    charges = Charges(visit(owing, htmx=build))
    charges.link("Pay only some items").click()
    charges.at("Choose what to pay now")
    charges.button("Continue to payment").click()
    expect(charges.problem).to_contain_text("Select at least one item.")
    charges.root.get_by_role("checkbox", name="Print and postage").check()
    charges.begin()
    expect(charges.root.get_by_role("cell", name="CHF 24.00")).to_have_count(2)
    charges.pay_by_card().at(PAID)
    charges.link("Back to your items").click()
    charges.at("To pay: CHF 12.00")
    assert [payment["amount"] for payment in owing.payments] == ["24.00"]


@on_all_builds
def test_resume_on_another_page_and_on_another_device(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    page = visit(owing, htmx=build)
    Charges(page).begin()
    page.goto("/dashboard/")
    charges = Charges(page)
    expect(charges.root.get_by_text("Not finished: CHF 36.00")).to_be_visible()
    elsewhere = Charges(visit(owing, htmx=build))
    elsewhere.link("Continue this payment").click()
    elsewhere.at(REVIEW).pay_by_card().at(PAID)
    assert owing.states == ["charged"]


@on_all_builds
def test_second_tab_resumes_the_same_payment(visit: Visit, owing: Person, build: str) -> None:
    page = visit(owing, htmx=build)
    first = Charges(page).at("To pay: CHF 36.00")
    other = page.context.new_page()
    # What the second tab shows stays as it is until it is used: it hears of nothing.
    other.route("**/heartbeat/**", lambda route: route.fulfill(status=204))
    other.goto("/dashboard/")
    second = Charges(other).at("To pay: CHF 36.00")
    first.begin()
    second.begin()
    assert owing.states == ["pending"]
    assert owing.facts["unbound"] == 0


@on_scripted_builds
def test_double_click_sends_one_request_and_pays_once(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page)
    # The second click is never late.
    with held(page, "**/payments/"):
        charges.button("Continue to payment").dblclick()
    charges.at(REVIEW).choose(CARD).card(APPROVED).check()
    with held(page, PAY):
        charges.button("Pay CHF").dblclick()
    charges.at(PAID)
    assert len(watch.sent("POST")) == 2
    assert len(owing.payments[0]["attempts"]) == 1


@on_scripted_builds
def test_enter_twice_sends_one_request_and_pays_once(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    page = visit(owing, htmx=build)
    charges = Charges(page)
    charges.button("Continue to payment").focus()
    with held(page, "**/payments/"):
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    charges.at(REVIEW).choose(CARD).card(APPROVED).focus()
    with held(page, PAY):
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    charges.at(PAID)
    assert len(watch.sent("POST")) == 2
    assert len(owing.payments[0]["attempts"]) == 1


def test_double_click_without_javascript_pays_once(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    charges = Charges(visit(owing, htmx="none"))
    charges.button("Continue to payment").dblclick()
    charges.at(REVIEW).choose(CARD).card(APPROVED).check()
    charges.button("Pay CHF").dblclick()
    charges.at(PAID)
    assert owing.states == ["charged"]
    assert taken(psp, owing) == [3600]


def test_form_that_is_posted_again_shows_what_became_of_the_first(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch
) -> None:
    page = visit(owing, htmx="none")
    Charges(page).begin().pay_by_card().at(PAID)
    first = watch.sent("POST", "/moochers/sandbox/")[0]
    again = page.request.post(
        first.url, headers=first.all_headers(), data=first.post_data_buffer or b""
    )
    assert PAID in again.text()
    assert len(owing.payments[0]["attempts"]) == 1


def test_back_after_paying_shows_no_form_to_pay_again(
    visit: Visit, owing: Person, psp: SandboxPSP
) -> None:
    page = visit(owing, htmx="none")
    charges = Charges(page).begin().pay_by_card().at(PAID)
    page.go_back()
    charges.at(PAID)


def test_payment_paid_on_another_device_meanwhile_is_not_paid_again(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch
) -> None:
    watch.allow_status(409)
    page = visit(owing, htmx="none")
    charges = Charges(page).begin().choose(CARD)
    other = visit(owing, htmx="none")
    elsewhere = Charges(other)
    elsewhere.link("Continue this payment").click()
    elsewhere.pay_by_card().at(PAID)
    charges.button("Pay CHF").click()
    charges.at(PAID)
    assert len(owing.payments[0]["attempts"]) == 1


@on_all_builds
def test_amount_that_differs_from_the_one_seen_is_not_charged(
    visit: Visit, owing: Person, psp: SandboxPSP, watch: Watch, build: str
) -> None:
    watch.allow_status(409)
    page = visit(owing, htmx=build)
    charges = Charges(page).begin().choose(CARD)
    expect(charges.button("Pay CHF 36.00")).to_be_visible()
    page.locator("input[name=pui-amount]").evaluate("field => { field.value = '0.01' }")
    charges.button("Pay CHF").click()
    expect(charges.problem).to_be_visible()
    assert (owing.states, owing.payments[0]["attempts"]) == (["pending"], [])
    charges.pay_by_card().at(PAID)
    assert owing.payments[0]["amount"] == "36.00"


@on_all_builds
def test_another_way_to_pay_after_the_transfer_details(
    visit: Visit, owing: Person, psp: SandboxPSP, build: str
) -> None:
    charges = Charges(visit(owing, htmx=build)).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer").link("Use another payment method").click()
    charges.at("Use another payment method?").button("Use another payment method").click()
    charges.at(REVIEW).pay_by_card().at(PAID)
    assert [one["state"] for one in owing.payments[0]["attempts"]] == ["cancelled", "settled"]


def test_somebody_elses_payment_is_not_found(
    visit: Visit, owing: Person, person: Person, watch: Watch
) -> None:
    watch.allow_status(404)
    stranger = owing.site.person()
    Charges(visit(owing)).begin()
    pk = owing.payments[0]["id"]
    page = visit(stranger)
    for path in ("", "receipt/", "moochers/sandbox/"):
        answer = page.request.get(f"/billing/payments/{pk}/{path}")
        assert answer.status == 404, path
        assert "36.00" not in answer.text()
