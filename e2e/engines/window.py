"""A window of any browser: what each driver can do, and waiting, which is the same for all."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

#: Two cores that other programs use, too, can be slow; no test waits longer than it has to.
PATIENCE = 15.0
#: The text of the first element in sight that an XPath finds, null where there is none.
TEXT = """(path) => {
  const kind = XPathResult.ORDERED_NODE_SNAPSHOT_TYPE;
  const found = document.evaluate(path, document, null, kind, null);
  for (let at = 0; at < found.snapshotLength; at += 1) {
    const element = found.snapshotItem(at);
    if (element.getClientRects().length) return element.innerText;
  }
  return null;
}"""

T = TypeVar("T")


class WaitedInVainError(AssertionError):
    """What was waited for did not come in time."""


class Window(ABC):
    """One window. Elements are named by XPath, which every driver understands."""

    #: What a driver raises while a page comes or a swap replaces what was found.
    passing: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def sign_in(self, url: str, cookies: dict[str, str]) -> None:
        """Forget all cookies of the site at ``url``, and have these."""

    @abstractmethod
    def open(self, url: str) -> None:
        """Go there, as if typed."""

    @abstractmethod
    def back(self) -> None:
        """Press the browser's Back."""

    @abstractmethod
    def run(self, function: str, *arguments: Any) -> Any:
        """What a JavaScript function answers in the page."""

    @abstractmethod
    def click(self, path: str) -> None:
        """Click the first element in sight."""

    @abstractmethod
    def take(self, picture: Path) -> None:
        """Take a picture of what is in sight."""

    @abstractmethod
    def close(self) -> None:
        """Close the window."""

    def text(self, path: str) -> str | None:
        """The text of the first element in sight; ``None`` where there is none."""
        text: str | None = self.run(TEXT, path)
        return text

    def see(self, path: str) -> str:
        """Wait for an element in sight; return its text."""
        return self.wait(lambda: self.text(path), path)

    def press(self, path: str) -> None:
        """Wait for an element in sight, and click it."""

        def clicked() -> bool:
            if self.text(path) is None:
                return False
            self.click(path)
            return True

        self.wait(clicked, path)

    def wait(self, look: Callable[[], T | None], what: str) -> T:
        """Look until there is something to see."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                seen = look()
            except self.passing:
                if time.monotonic() > end:
                    raise
                seen = None
            if seen is not None and seen is not False:
                return seen
            if time.monotonic() > end:
                page = self.run("() => document.body.innerText")
                raise WaitedInVainError(f"No {what} in:\n{page}")
            time.sleep(0.05)
