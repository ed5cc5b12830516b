"""Requests that are on their way for as long as a test says: no race is left to chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from re import Pattern

from playwright.sync_api import BrowserContext, Page, Request, Route

Address = str | Pattern[str] | Callable[[str], bool]


class Held:
    """Requests to an address of a page, from when they are held until they are let go."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self._is_open = False

    @property
    def requests(self) -> list[Request]:
        """Those that are, or were, held."""
        return [route.request for route in self.routes]

    def take(self, route: Route) -> None:
        """Hold a request; once they are let go, none is."""
        if self._is_open:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        """Let all of them go on, and those that come."""
        self._is_open = True
        for route in self.routes:
            route.continue_()


@contextmanager
def held(page: Page | BrowserContext, address: Address) -> Iterator[Held]:
    """Hold the requests to an address; at the end they go on."""
    holding = Held()
    page.route(address, holding.take)
    yield holding
    holding.let_go()
