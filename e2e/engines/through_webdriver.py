"""Windows of the system's own Firefox and WebKit, driven through WebDriver."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.service import Service as WebKitService

from e2e.engines.window import PATIENCE, Window

SIZE = (1280, 1000)
LOADED = "() => !window.isLeft && document.readyState === 'complete'"


class WebDriverWindow(Window):
    """The only window of a browser: WebKit takes a second one for hidden, where widgets rest."""

    passing: ClassVar[tuple[type[Exception], ...]] = (WebDriverException,)

    def __init__(self, driver: WebDriver) -> None:
        self._driver = driver

    def sign_in(self, url: str, cookies: dict[str, str]) -> None:
        """Forget all cookies of a site, and have these: from a page there, as WebDriver wants."""
        self.open(f"{url}/static/hillshade/icon.svg")
        self._driver.delete_all_cookies()
        for name, value in cookies.items():
            self._driver.add_cookie({"name": name, "value": value})

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded: not every driver does."""
        self.run("() => { window.isLeft = true }")
        self._driver.get(url)
        self.wait(lambda: bool(self.run(LOADED)), url)

    def back(self) -> None:
        """Go back once this call is over: a driver's own waits for a load that may not come."""
        self._driver.execute_script("setTimeout(() => history.back())")

    def run(self, function: str, *arguments: Any) -> Any:
        """What a JavaScript function answers in the page."""
        return self._driver.execute_script(f"return ({function})(...arguments)", *arguments)

    def click(self, path: str) -> None:
        """Click the first element in sight."""
        found = self._driver.find_elements(By.XPATH, path)
        next(element for element in found if element.is_displayed()).click()

    def take(self, picture: Path) -> None:
        """Take a picture of what is in sight."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        self._driver.save_screenshot(str(picture))

    def close(self) -> None:
        """Leave the page; the browser closes after the last test."""
        self._driver.get("about:blank")


@contextmanager
def firefox(browser: Path, driver: Path) -> Iterator[WebDriver]:
    """A Firefox that needs no display; ``driver`` is its geckodriver."""
    options = webdriver.FirefoxOptions()
    options.binary_location = str(browser)
    options.add_argument("-headless")
    service = FirefoxService(executable_path=str(driver), log_output=subprocess.DEVNULL)
    with _closing(webdriver.Firefox(options=options, service=service)) as running:
        yield running


@contextmanager
def webkit(browser: Path, driver: Path) -> Iterator[WebDriver]:
    """WebKitGTK's MiniBrowser; ``driver`` is its WebKitWebDriver."""
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(browser)
    options.add_argument("--automation")
    # Its driver loses pages that are kept for Back; without them, Back is a load as any other.
    options.add_argument("--enable-page-cache=false")
    options.page_load_strategy = "none"
    with display() as name:
        service = WebKitService(
            executable_path=str(driver),
            log_output=subprocess.DEVNULL,
            env={**os.environ, "DISPLAY": name, "GDK_BACKEND": "x11"},
        )
        service.start()
        try:
            # webdriver.WebKitGTK connects in a way that selenium itself warns of.
            connection = RemoteConnection(
                client_config=ClientConfig(service.service_url, timeout=2 * int(PATIENCE))
            )
            # Where another site answers, its driver waits for what has long come: look again.
            with _closing(webdriver.Remote(connection, options=options), 2) as running:
                yield running
        finally:
            service.stop()


@contextmanager
def display() -> Iterator[str]:
    """The name of an X display: the machine's, or one that nobody sees."""
    if name := os.environ.get("DISPLAY"):
        yield name
        return
    reader, writer = os.pipe()
    width, height = SIZE
    server = subprocess.Popen(  # noqa: S603 - a known program
        [
            shutil.which("Xvfb") or "Xvfb",
            "-displayfd",
            str(writer),
            "-screen",
            "0",
            f"{width}x{height}x24",
        ],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _closing(driver: WebDriver, patience: float = PATIENCE) -> Iterator[WebDriver]:
    try:
        driver.set_window_size(*SIZE)
        driver.set_page_load_timeout(patience)
        yield driver
    finally:
        driver.quit()
