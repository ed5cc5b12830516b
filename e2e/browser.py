"""Find the browser that the end-to-end tests drive, or install one.

`python -m e2e.browser` prints its path; where there is none and none can be had, it says what to do
and fails. The order: the one that `PAYMENTS_UI_BROWSER` names, Playwright's own Chromium, one of
the system; then Playwright's installer, then the distribution's package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SETTING = "PAYMENTS_UI_BROWSER"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# A browser, and fonts that know Latin, Hebrew and Arabic: a bare server has none.
DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation")
# Playwright's own Node.js is linked against it, and a bare Debian lacks it.
DEBIAN_LIBRARY = "libatomic1"
INSTALL_SECONDS = 900

# A test talks to its own server only; what a browser tells its maker is none of its business.
LAUNCH_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


class NoBrowserError(Exception):
    """There is no browser to test with; the message says what to do."""


def find() -> Path | None:
    """Return the first browser that starts, None where there is none.

    Raise NoBrowserError where Playwright itself does not start, and where the explicit setting
    names something that does not: another browser than the one asked for would be a surprise.
    """
    if problem := _problem_of_playwright():
        raise NoBrowserError(f"Playwright does not start: {problem}")
    if named := os.environ.get(SETTING):
        if version(Path(named)):
            return Path(named)
        raise NoBrowserError(f"{SETTING}={named} does not start as a browser.")
    return next((path for path in _candidates() if version(path)), None)


def find_or_install() -> Path:
    """Return a browser that starts; install one where there is none, else raise NoBrowserError."""
    if _problem_of_playwright():
        _install_packages(DEBIAN_LIBRARY)
    if path := find():
        return path
    for install in (_install_by_playwright, _install_by_distribution):
        install()
        if path := find():
            return path
    raise NoBrowserError(
        "No browser was found, and none could be installed (see above).\n"
        f"Install Chromium or Chrome, or name one: {SETTING}=/path/to/chromium make test"
    )


def version(path: Path) -> str:
    """Return what the browser says of itself, "" where it does not start."""
    try:
        answer = subprocess.run(  # noqa: S603 - a path from the developer or the system
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        # What Ubuntu installs as chromium-browser without snap, for one.
        return ""
    return answer.stdout.strip()


def _candidates() -> Iterator[Path]:
    yield _path_of_playwright()
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            yield Path(found)
    yield from map(Path, MAC_PATHS)


def _problem_of_playwright() -> str:
    # Its version is told by the program that drives browsers, so this tries that, too.
    answer = subprocess.run(
        [sys.executable, "-m", "playwright", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if answer.returncode == 0 else answer.stderr.strip()


def _path_of_playwright() -> Path:
    # In a process of its own: Playwright's loop would make Django refuse its database here.
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return Path(answer.stdout.strip())


def _install_by_playwright() -> None:
    installed = _attempt(sys.executable, "-m", "playwright", "install", "chromium")
    if installed and not version(_path_of_playwright()) and _can_use_apt():
        _attempt(sys.executable, "-m", "playwright", "install-deps", "chromium")


def _install_by_distribution() -> None:
    _install_packages(*DEBIAN_PACKAGES)


def _install_packages(*names: str) -> None:
    if _can_use_apt() and _attempt("apt-get", "--quiet", "update"):
        _attempt("apt-get", "--quiet", "install", "--yes", "--no-install-recommends", *names)


def _can_use_apt() -> bool:
    return _is_root() and shutil.which("apt-get") is not None


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _attempt(*command: str) -> bool:
    _say(f"Trying: {' '.join(command)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(  # noqa: S603 - the known commands above
            command, env=environment, stdin=subprocess.DEVNULL, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"That failed: {error}")
        return False
    return done.returncode == 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> int:
    """Print the browser's path and version; 1 where there is none."""
    try:
        path = find_or_install()
    except NoBrowserError as error:
        _say(f"error: {error}")
        return 1
    sys.stdout.write(f"Browser: {path} ({version(path)})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
