"""Devices that one journey after the other uses: a new one costs a browser a second of its time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from e2e.watch import TELL_VIOLATIONS


class Devices:
    """Contexts of a browser that remember nothing of who had them before.

    ``origins`` are the sites that may have stored something there.
    """

    def __init__(self, browser: Browser, *origins: str) -> None:
        self._browser = browser
        self._origins = origins
        self._free: dict[str, list[BrowserContext]] = defaultdict(list)
        self._kinds: dict[BrowserContext, str] = {}
        # An empty page keeps the browser from ending what it would then start anew.
        self._anchors: set[Page] = set()

    def lend(self, **options: Any) -> Page:
        """An empty page on a device with these options, which tells of violations of a policy."""
        kind = repr(sorted(options.items()))
        if not self._free[kind]:
            context = self._browser.new_context(**options)
            context.add_init_script(TELL_VIOLATIONS)
            self._kinds[context] = kind
            self._anchors.add(context.new_page())
            return context.new_page()
        page = self._free[kind].pop().new_page()
        session = page.context.new_cdp_session(page)
        session.send("Network.clearBrowserCache")
        for origin in self._origins:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()
        return page

    def take_back(self, context: BrowserContext) -> None:
        """Undo what was done to the device."""
        for page in context.pages:
            if page not in self._anchors:
                page.close()
        context.unroute_all(behavior="ignoreErrors")
        context.set_offline(False)
        context.clear_cookies()
        context.clear_permissions()
        self._free[self._kinds[context]].append(context)
