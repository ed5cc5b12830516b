"""What a customer does: order prints, look whether anything changed, and pay."""

from __future__ import annotations

import html
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task

PEOPLE: list[dict[str, Any]] = json.loads(Path(os.environ["LOAD_PEOPLE"]).read_text())
#: Django takes a token that equals the cookie.
CSRF = "c" * 32
IN_PLACE = {"HX-Request": "true"}
PAYMENT = "/billing/payments/<id>/"


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the kit's forms on a page: token, amount, whose charges."""
    return dict(re.findall(r'name="(pui-\w+|w-payer)" value="([^"]+)"', page))


class Customer(FastHttpUser):
    """One of them, in a browser of their own."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        person = PEOPLE.pop()
        self.sheet = f"/sheets/{person['sheet']}/"
        cookies = f"hillshade_session={person['session']}; hillshade_csrf={CSRF}"
        self.headers = {"Cookie": cookies, "X-CSRFToken": CSRF}
        self.beat = "w=pui-1"

    @task(6)
    def poll(self) -> None:
        """The page's heartbeat."""
        path = f"/billing/heartbeat/?{self.beat}"
        answer = self.ask("GET", path, "/billing/heartbeat/", {200, 204}, headers=IN_PLACE)
        if found := re.search(r"/heartbeat/\?([^\"]+)", answer):
            self.beat = html.unescape(found[1])

    @task(3)
    def record(self) -> None:
        """Order a print, which is charged for."""
        order = {"token": str(uuid.uuid4()), "destination": "ch"}
        self.ask("POST", self.sheet, "/sheets/<id>/", {302}, data=order)

    @task(2)
    def pay(self) -> None:
        """Pay what is owed by card, if anything is."""
        charges = self.ask("GET", "/billing/charges/", "/billing/charges/", {200})
        # Nothing to pay is a conflict.
        page = self.ask(
            "POST", "/billing/payments/", "/billing/payments/", {303, 409}, data=hidden(charges)
        )
        if not page.startswith("/"):
            return
        form = self.ask("GET", f"{page}?moocher=sandbox", PAYMENT, {200})
        path, name = f"{page}moochers/sandbox/", f"{PAYMENT}moochers/sandbox/"
        paid = {**hidden(form), "card": "card_approve"}
        page = self.ask("POST", path, name, {303}, data=paid)
        self.ask("GET", page, f"{PAYMENT} paid", {200}, says="Payment successful")

    def ask(
        self,
        method: str,
        path: str,
        name: str,
        expected: set[int],
        *,
        headers: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
        says: str = "",
    ) -> str:
        """The page, or where it leads; anything else than expected is a failure."""
        with self.rest_of(method, path, name, {**self.headers, **(headers or {})}, data) as reply:
            text = str(reply.text or "")
            if reply.status_code not in expected or says not in text:
                reply.failure(f"{reply.status_code}: {text[:200]}")
                return ""
            reply.success()
            return str((reply.headers or {}).get("Location", "")) or text

    def rest_of(self, method: str, path: str, name: str, headers: Any, data: Any) -> Any:
        return self.client.request(
            method,
            path,
            name=name,
            headers=headers,
            data=data,
            allow_redirects=False,
            catch_response=True,
        )
