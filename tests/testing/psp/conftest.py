"""A sandbox, a merchant's client, and a merchant's server, all over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from payments_ui.testing.psp import SandboxPSP

API_KEY = "the-key"
SECRET = "the-secret"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Client:
    """Whatever talks to the sandbox: a merchant, or a browser."""

    url: str
    keys: Iterator[int] = field(default_factory=lambda: count(1))

    def send(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 5, **headers: Any
    ) -> Reply:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, names)
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.headers), reply.read().decode())
        finally:
            connection.close()

    def call(self, method: str, path: str, data: object = None, **headers: Any) -> Reply:
        """Call the API as the merchant."""
        body = None if data is None else json.dumps(data).encode()
        key = f"Bearer {API_KEY}"
        return self.send(method, path, body, Authorization=key, **headers)

    def post(self, path: str, **fields: str) -> Reply:
        """Submit a form as a browser does."""
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", path, urlencode(fields).encode(), Content_Type=kind)

    def charge(self, card: str = "card_approve", key: str = "", **changes: Any) -> Reply:
        key = key or f"key-{next(self.keys)}"
        order = {"amount": 1200, "currency": "CHF", "reference": key, "method": "card"}
        order |= {"card": card, "return_url": "http://127.0.0.1:9/back"} | changes
        return self.call("POST", "/v1/charges", order, Idempotency_Key=key)

    def pay_page(self, **changes: Any) -> dict[str, Any]:
        """Open a charge of the redirect kind."""
        charge: dict[str, Any] = self.charge("", method="page", **changes).json
        return charge


@dataclass
class Merchant:
    """A server that takes webhooks, and answers with the given status codes, then with 200."""

    url: str
    received: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.received]


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key=API_KEY, webhook_secret=SECRET) as psp:
        yield psp


@pytest.fixture
def client(psp: SandboxPSP) -> Client:
    return Client(psp.url)


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.received.append((self.headers["Sandbox-Signature"], body))
            status = shop.answers.pop(0) if shop.answers else 200
            self.send_response(status)
            if status == 303:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop = Merchant(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        for _ in range(6000):
            if condition():
                return
            threading.Event().wait(0.01)
        pytest.fail("It did not happen in time.")

    return wait
