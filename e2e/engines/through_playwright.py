"""Windows of the browsers that Playwright drives: its own builds, and any Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from e2e.engines.window import Window


class PlaywrightWindow(Window):
    """A page in a context of its own."""

    passing: ClassVar[tuple[type[Exception], ...]] = (PlaywrightError,)

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
        self._page = self._context.new_page()

    def sign_in(self, url: str, cookies: dict[str, str]) -> None:
        """Forget all cookies, and have these."""
        self._context.clear_cookies()
        self._context.add_cookies(
            [{"name": name, "value": value, "url": url} for name, value in cookies.items()]
        )

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self._page.goto(url)

    def back(self) -> None:
        """Go back; a page that was kept is not loaded again, so nothing is waited for."""
        self._page.evaluate("() => { setTimeout(() => history.back()) }")

    def run(self, function: str, *arguments: Any) -> Any:
        """What a JavaScript function answers in the page."""
        return self._page.evaluate(f"(given) => ({function})(...given)", list(arguments))

    def click(self, path: str) -> None:
        """Click the first element in sight."""
        self._page.locator(f"xpath={path}").locator("visible=true").first.click(timeout=2000)

    def take(self, picture: Path) -> None:
        """Take a picture of the whole page."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        self._page.screenshot(path=picture, full_page=True)

    def close(self) -> None:
        """Close the context."""
        self._context.close()
