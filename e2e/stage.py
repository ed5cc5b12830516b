"""The site under test and the people on it, directed over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from payments_ui.testing.psp import SandboxPSP

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "e2e" / "output"
API_KEY = "sandbox-key-of-the-journeys"
WEBHOOK_SECRET = "sandbox-secret-of-the-journeys"


def environment(psp: SandboxPSP, var: Path) -> dict[str, str]:
    """Return the environment of the site's own process."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "e2e.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
        "PYTHONUNBUFFERED": "1",
        "HILLSHADE_VAR": str(var),
        "HILLSHADE_SANDBOX_URL": psp.url,
        "E2E_API_KEY": API_KEY,
        "E2E_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


class Site:
    """The site in a process of its own; it ends when the tests do."""

    def __init__(self, psp: SandboxPSP, var: Path) -> None:
        self.psp = psp
        self.log = var / "site.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2e.serve"],
                cwd=ROOT,
                env=environment(psp, var),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.stop()
            raise RuntimeError(f"The site did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        """End the process by closing its input."""
        self._process.communicate(timeout=20)

    def direct(self, act: str, **arguments: Any) -> dict[str, Any]:
        """Have one of the director's acts done."""
        request = Request(  # noqa: S310 - our own server
            f"{self.url}/director/{act}/",
            data=json.dumps(arguments).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer

    def rest(self) -> None:
        """Wait until the site is asked nothing."""
        end = time.monotonic() + 60
        while self.direct("asked")["requests"]:
            assert time.monotonic() < end, "The site never comes to rest."
            time.sleep(0.02)

    def person(self, *, is_staff: bool = False) -> Person:
        """Return somebody new, who owes nothing."""
        return Person(self, **self.direct("person", is_staff=is_staff))


@dataclass
class Person:
    """Somebody who uses the site, and what the books say of them."""

    site: Site
    username: str
    session: str

    def owes(self, *items: tuple[str, str] | tuple[str, str, str]) -> Person:
        """Charge them: title, amount, and currency if it is not CHF."""
        charged = [[*item, "CHF"][:3] for item in items]
        self.site.direct("charge", username=self.username, items=charged)
        return self

    @property
    def facts(self) -> dict[str, Any]:
        """What the books say: ``unbound`` line items and ``payments``."""
        return self.site.direct("facts", username=self.username)

    @property
    def payments(self) -> list[dict[str, Any]]:
        """Their payments, the oldest first."""
        found: list[dict[str, Any]] = self.facts["payments"]
        return found

    @property
    def states(self) -> list[str]:
        """The states of their payments."""
        return [payment["state"] for payment in self.payments]

    def has_saved(self, *cards: dict[str, Any]) -> None:
        """Let them have saved these cards."""
        self.site.direct("keep", username=self.username, cards=list(cards))

    def was_declined(self, *, word: str = "insufficient_funds") -> None:
        """Let a night try to charge all that they owe to their saved card, in vain."""
        self.site.direct("decline", username=self.username, word=word)

    def link(self, *, days_ago: int = 0) -> str:
        """The path in a mail about their only payment that they got so many days ago."""
        path: str = self.site.direct("link", username=self.username, days_ago=days_ago)["path"]
        return path

    def transfers(self, amount: str, currency: str = "CHF") -> None:
        """Let the transfer arrive that their payment waits for."""
        self.site.direct("book", username=self.username, amount=amount, currency=currency)
