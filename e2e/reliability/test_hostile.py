"""A real browser reads hostile texts, and is used by somebody else afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import PAID, REVIEW, TRANSFER, Charges
from e2e.conftest import SCRIPTED, Visit
from e2e.stage import Person, Site
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP
from tests.reliability.frame import FULL, Trial
from tests.reliability.web.texts import PAYLOADS

from .conftest import told

#: A script that runs is a complaint, which the fixture ``watch`` fails on.
TELL = "for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => console.error(name)"


ALIEN = (
    'main :is(script:not([src^="/static/"]), iframe, object, math, base, svg[onload], img[onerror],'
    " [onmouseover], [onfocus], [hx-trigger=load][hx-get^=http])"
)


@told(
    38,
    "Text attacks in Chromium",
    provoked="30 texts of markup and scripts at once in titles, names and e-mail, in every step "
    "and on the pages of history, receipt and admin, with every htmx build, under a strict Content "
    "Security Policy",
    promised="nothing runs, no violation of the policy, no request leaves the site, and the texts "
    "are read as they were written",
)
@pytest.mark.parametrize("build", SCRIPTED if FULL else SCRIPTED[:1])
def test_hostile_texts_are_read_and_never_run(
    visit: Visit,
    browser: Browser,
    site: Site,
    psp: SandboxPSP,
    watch: Watch,
    trial: Trial,
    build: str,
) -> None:
    clerk = site.person(is_staff=True).owes(*((text, "1.00") for text in PAYLOADS))
    site.direct("rename", username=clerk.username, text=PAYLOADS[3])
    page = visit(clerk, "/prices/", htmx=build, using=browser)
    page.context.add_init_script(TELL)
    for name in journey(page, clerk):
        trial.tried(len(PAYLOADS))
        shown = spaces(page.locator("body").inner_text())
        if name == "receipt":
            missing = [text for text in PAYLOADS if spaces(text) not in shown]
            trial.check(not missing, f"not read as written: {missing}")
        alien = page.locator(ALIEN).count()
        trial.check(not alien, f"{name}: {alien} elements that nobody wrote")
    trial.check(not watch.problems, f"the browser complains: {watch.problems}")


def spaces(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def journey(page: Page, clerk: Person) -> Iterator[str]:
    """Every step, then what is left of it."""
    charges = Charges(page)
    for path in ("/dashboard/", "/billing/charges/", "/billing/charges/?page=2"):
        page.goto(path)
        charges.at("To pay: CHF 30.00")
        yield path
    page.goto("/billing/charges/?select=1")
    charges.at("Choose what to pay now")
    yield "select"
    page.goto("/dashboard/")
    charges.begin()
    yield "review"
    charges.pay_by_card("Card that is declined")
    expect(charges.problem).to_be_visible()
    yield "declined"
    charges.choose(TRANSFER).button("Get the transfer details").click()
    expect(charges.link("Use another payment method")).to_be_visible()
    yield "transfer"
    charges.link("Use another payment method").click()
    charges.at("Use another payment method?").button("Use another payment method").click()
    charges.at(REVIEW).pay_by_card().at(PAID)
    yield "paid"
    charges.link("View receipt").click()
    expect(page.get_by_role("heading", name="Paid: CHF 30.00")).to_be_visible()
    yield "receipt"
    for path in ("/account/", "/admin/payments_core/payment/", "/admin/payments_core/lineitem/"):
        page.goto(path)
        yield path
    page.goto(f"/admin/payments_core/payment/{clerk.payments[-1]['id']}/change/")
    expect(page.locator("#payment_form")).to_be_visible()
    yield "admin: payment"


STORED = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, await caches.keys(), await indexedDB.databases(),
])"""


@told(
    39,
    "The next person at the same browser",
    provoked="somebody pays, reads the receipt and signs out; the next one presses Back "
    "again and again, and looks into the browser's storage, with every htmx build",
    promised="no page of the kit shows what the former one owed or paid, and nothing is stored",
)
@pytest.mark.parametrize("build", SCRIPTED if FULL else SCRIPTED[:1])
def test_back_button_after_signing_out_shows_nothing(
    visit: Visit, person: Person, psp: SandboxPSP, trial: Trial, build: str
) -> None:
    person.owes(("Secret island", "47.11"), ("Secret harbour", "8.15"))
    page = visit(person, "/billing/charges/", htmx=build)
    charges = Charges(page).at("To pay: CHF 55.26")
    charges.begin().pay_by_card().at(PAID)
    charges.link("View receipt").click()
    expect(page.get_by_text("Secret island")).to_be_visible()
    page.goto("/billing/payments/")
    expect(page.get_by_role("cell", name="CHF 55.26")).to_be_visible()
    trial.check("55.26" not in page.evaluate(STORED), "stored while signed in")
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    for _ in range(4):
        trial.tried()
        page.go_back()
        path, shown = page.url, page.locator("body").inner_text()
        told = any(text in shown for text in ("Secret", "47.11", "55.26", person.username))
        trial.check("/billing/" not in path or not told, f"{path} shows the former one's")
        stored = page.evaluate(STORED)
        trial.check(not re.search("Secret|47.11|55.26", stored), f"{path}: {stored}")
