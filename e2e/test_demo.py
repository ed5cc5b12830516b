"""The demo as a stranger starts it: something is paid within the first minute."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import PAID, PATIENCE, TRANSFER, Charges
from e2e.pictures import TAKEN, keep
from e2e.stage import ROOT
from e2e.watch import Watch
from tests.ports import free_port


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """Start `manage.py demo`, which is what `make demo` does, and return its address."""
    port = free_port(following=1)
    command = [sys.executable, "example_project/manage.py", "demo", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if key[:6] != "DJANGO"}
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        env=environment | {"HILLSHADE_VAR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "Quit the server" not in said and (line := process.stdout.readline()):
        said += line
    assert process.poll() is None, said
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture
def first_visitor(browser: Browser, demo: str) -> Iterator[Page]:
    """Somebody who opens the demo, and complains of nothing."""
    watch = Watch()
    context = browser.new_context(base_url=demo, device_scale_factor=1.5)
    context.set_default_timeout(PATIENCE)
    watch.over(context)
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()
    assert watch.problems == []


def test_guided_tour_leads_to_something_paid(first_visitor: Page) -> None:
    page = first_visitor
    tour = page.get_by_role("complementary", name="Guided tour")
    tour.get_by_role("link", name="Render a sheet").click()
    page.get_by_label("Name").fill("Piz Nirgendwo")
    page.get_by_role("button", name="Render and add to my items").click()
    expect(page.get_by_role("heading", name="Piz Nirgendwo is ready")).to_be_focused()
    page.goto("/dashboard/")
    charges = Charges(page)
    expect(charges.root.get_by_role("rowheader", name="Contour sheet")).not_to_have_count(0)
    charges.begin().pay_by_card().at(PAID)
    expect(tour.get_by_text("You have finished the tour.")).to_be_visible()


def test_the_bank_plays_a_transfer_that_comes_short_and_one_that_is_too_much(
    first_visitor: Page,
) -> None:
    page = first_visitor
    page.goto("/dashboard/")
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    for arrives in ("about half of it", "and 1.00 too much"):
        page.get_by_text("Let a bank transfer arrive").click()
        choice = page.get_by_label("Of your next bank transfer arrives")
        option = choice.get_by_role("option", name=arrives)
        choice.select_option(option.get_attribute("value"))
        page.get_by_role("button", name="Let it arrive").click()
        expect(page.get_by_text("It has arrived.")).to_be_visible()
        if arrives == "about half of it":
            expect(page.get_by_text("is missing").first).to_be_visible()
    page.goto("/account/")
    expect(page.get_by_text("CHF 1.00 too much").first).to_be_visible()
    keep(page.get_by_role("region", name=re.compile("^Payments")), "surplus")


def test_stripe_is_played_without_an_account_and_a_network(first_visitor: Page) -> None:
    page = first_visitor
    page.goto("/dashboard/")
    Charges(page).begin().pay_at_stripe().at(PAID)
    page.goto("/showroom/stripe/")
    expect(page.get_by_text("A stand-in on this machine plays Stripe now")).to_be_visible()


def test_a_team_has_items_of_its_own(first_visitor: Page) -> None:
    page = first_visitor
    page.set_viewport_size({"width": 1080, "height": 720})
    page.goto("/dashboard/")
    page.get_by_role("button", name="The team").click()
    expect(Charges(page).root.get_by_role("rowheader", name="Contour sheet, A2")).to_be_visible()
    keep(page, "team")


def test_the_clerk_imports_the_banks_statement(first_visitor: Page) -> None:
    page = first_visitor
    page.set_viewport_size({"width": 1080, "height": 720})
    page.goto("/dashboard/")
    charges = Charges(page).begin().choose(TRANSFER)
    charges.button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    page.goto("/account/")
    page.get_by_text("Let a bank transfer arrive").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="download the bank").click()
    become(page, "Clara")
    page.goto("/admin/payments_core/suspenseitem/statement/")
    page.get_by_label("Statement").set_input_files(waiting.value.path())
    page.get_by_role("button", name="Import a bank statement").click()
    reports = page.locator(".messagelist")
    expect(reports).to_contain_text("Booked: CHF")
    expect(reports).to_contain_text("Unexpected: CHF 12.00 from Carla Rossi")
    expect(reports).to_contain_text("Ignored: CHF 950.00")
    keep(page, "statement")


def become(page: Page, name: str) -> None:
    """Be a clerk, by the demo's panel, which leads to the admin."""
    page.goto("/account/")
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("banner")).to_contain_text(f"Welcome, {name}")


@pytest.mark.skipif(not TAKEN, reason="PAYMENTS_UI_PICTURES=1")
def test_picture_for_the_readme(first_visitor: Page) -> None:
    page = first_visitor
    page.set_viewport_size({"width": 1080, "height": 720})
    page.goto("/dashboard/")
    Charges(page).at("To pay: CHF")
    keep(page, "pending-charges")
