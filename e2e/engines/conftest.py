"""An engine for each test, and what it must not complain of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Playwright

from e2e.engines.charges import Charges
from e2e.engines.found import ENGINES, NoEngineError, Opener, started
from e2e.stage import OUTPUT, Person, Site

Look = Callable[..., Charges]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def opener(engine: str, playwright: Playwright) -> Iterator[Opener]:
    """The engine, started; a machine without it skips, and says so, but CI fails."""
    with ExitStack() as stack:
        try:
            opener = stack.enter_context(started(engine, playwright))
        except NoEngineError as error:
            do_without(error)
        yield opener


def do_without(error: NoEngineError) -> NoReturn:
    """Skip what needs the engine, where it may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


@pytest.fixture
def look(request: pytest.FixtureRequest, engine: str, opener: Opener, site: Site) -> Iterator[Look]:
    """Return a way to open a page as somebody; no page may violate the site's strict policy."""
    site.direct("violations")
    window = opener()

    def open_page(
        person: Person,
        path: str = "/dashboard/",
        *,
        htmx: str = "4",
        look: str = "plain",
        theme: str = "light",
    ) -> Charges:
        seen = urlencode({"look": look, "htmx": htmx, "theme": theme})
        window.sign_in(site.url, {"showroom": seen, "hillshade_session": person.session})
        return Charges(window, site.url).go(path)

    yield open_page
    if getattr(request.node, "failed", False):
        window.take(OUTPUT / "failed" / f"{engine}-{request.node.originalname}.png")
    window.close()
    assert site.direct("violations") == {"violations": []}
