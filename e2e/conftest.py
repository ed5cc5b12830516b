"""One browser, one site and one card company for each run; people and devices for each test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from e2e import second_try
from e2e.browser import LAUNCH_ARGUMENTS, find
from e2e.charges import PATIENCE
from e2e.devices import Devices
from e2e.stage import API_KEY, OUTPUT, WEBHOOK_SECRET, Person, Site
from e2e.watch import Watch
from payments_ui.testing.psp import SandboxPSP

#: What drives the widgets: htmx 2, htmx 4, the beta of it that django-htmx ships, or nothing.
BUILDS = ("2", "4", "beta", "none")
SCRIPTED = BUILDS[:3]
#: Without the beta, where a journey asks nothing of htmx that those in test_paying, test_live,
#: test_keyboard, test_hosts and test_unseen do not ask of it, too. EVERY_BUILD=1 asks all the same.
HAS_EVERY_BUILD = os.environ.get("EVERY_BUILD") == "1"
RELEASED = SCRIPTED if HAS_EVERY_BUILD else ("2", "4")
RELEASED_OR_NONE = BUILDS if HAS_EVERY_BUILD else ("2", "4", "none")

Visit = Callable[..., Page]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that the journeys use, and give them a second try."""
    config.pluginmanager.register(second_try)
    config.addinivalue_line("markers", "crashes: the site meets an error, on purpose")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def launch(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    """Return a way to start the browser that e2e/browser.py finds; without one, tests fail."""
    path = find()
    if path is None:
        pytest.fail("No browser to test with. `python -m e2e.browser` installs one.", pytrace=False)
    started: list[Browser] = []

    def start(**options: Any) -> Browser:
        arguments = [*LAUNCH_ARGUMENTS]
        browser = playwright.chromium.launch(executable_path=path, args=arguments, **options)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Browser:
    """The browser of all tests that need no other."""
    return launch()


@pytest.fixture(scope="session")
def remembering(launch: Callable[..., Browser]) -> Browser:
    """A browser that keeps pages for Back, as people's browsers do and Playwright's do not."""
    return launch(ignore_default_args=["--disable-back-forward-cache"])


@pytest.fixture(scope="session")
def company() -> Iterator[SandboxPSP]:
    """The offline card company; its ledger tells what was really taken."""
    with SandboxPSP(api_key=API_KEY, webhook_secret=WEBHOOK_SECRET) as psp:
        yield psp


@pytest.fixture(scope="session")
def site(company: SandboxPSP, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of e2e/settings.py."""
    site = Site(company, tmp_path_factory.mktemp("site"))
    company.stripe.listen(f"{site.url}/billing/webhooks/stripe/")
    yield site
    site.stop()


@pytest.fixture
def psp(company: SandboxPSP) -> Iterator[SandboxPSP]:
    """The card company, with nothing planned."""
    company.plan.clear()
    yield company
    company.plan.clear()


@pytest.fixture
def person(site: Site) -> Person:
    """Somebody new, who owes nothing yet."""
    return site.person()


@pytest.fixture
def owing(person: Person) -> Person:
    """Somebody who owes CHF 36.00."""
    return person.owes(("Contour sheet, A3", "12.00"), ("Print and postage", "24.00"))


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    """What the browsers complain of; the test fails if it expected none of it."""
    watch = Watch()
    yield watch
    assert watch.problems == []


@pytest.fixture(autouse=True)
def no_traceback(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which the site met an error, unless it says so (``crashes``)."""
    if "site" not in request.fixturenames:
        yield
        return
    site: Site = request.getfixturevalue("site")
    log = site.log
    before = log.stat().st_size
    yield
    # What pages have asked before they were closed goes wrong, if it does, in their own test.
    site.rest()
    said = log.read_bytes()[before:].decode()
    if not request.node.get_closest_marker("crashes"):
        assert "Traceback" not in said, said


@pytest.fixture(scope="session")
def devices(browser: Browser, site: Site) -> Devices:
    """What people use the site on, one after the other."""
    return Devices(browser, site.url, site.psp.url)


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, devices: Devices, site: Site, watch: Watch
) -> Iterator[Visit]:
    """Return a way to open the site on a device of its own.

    ``using`` a browser, it is a new one, to which a test may do what cannot be undone.
    """
    contexts: list[BrowserContext] = []
    lent: list[BrowserContext] = []

    def open_page(
        person: Person | None = None,
        path: str = "/dashboard/",
        *,
        htmx: str = "2",
        look: str = "plain",
        theme: str = "light",
        using: Browser | None = None,
        **options: Any,
    ) -> Page:
        scripted: dict[str, Any] = {"base_url": site.url, "java_script_enabled": htmx != "none"}
        options = scripted | options
        if using is None:
            page = devices.lend(**options)
            lent.append(page.context)
            watch.listen(page.context)
        else:
            context = using.new_context(**options)
            watch.over(context)
            page = context.new_page()
        context = page.context
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        cookies = {"showroom": urlencode({"look": look, "htmx": htmx, "theme": theme})}
        if person:
            cookies["hillshade_session"] = person.session
        context.add_cookies(
            [{"name": name, "value": value, "url": site.url} for name, value in cookies.items()]
        )
        page.goto(path)
        return page

    yield open_page
    has_failed = getattr(request.node, "failed", False)
    if has_failed:
        _keep(request.node.name, contexts)
    for context in contexts:
        if context in lent and not has_failed:
            devices.take_back(context)
            watch.leave(context)
        else:
            context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know that their test has failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report


def _keep(name: str, contexts: list[BrowserContext]) -> None:
    folder = OUTPUT / "failed"
    for number, page in enumerate(page for context in contexts for page in context.pages):
        path = folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{number}.png"
        page.screenshot(path=path, full_page=True)
