"""One browser for each run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from e2e.browser import LAUNCH_ARGUMENTS, find


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser that e2e/browser.py finds; where there is none, the tests fail."""
    path = find()
    if path is None:
        pytest.fail("No browser to test with. `python -m e2e.browser` installs one.", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*LAUNCH_ARGUMENTS])
        yield browser
        browser.close()
