"""The sandbox as a server on this machine."""

from __future__ import annotations

import hmac
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from .api import Api
from .bank import Bank
from .control import Control
from .exchange import ApiError, Request, Response, Route, resolve, route
from .keys import Answer, Keys
from .ledger import Ledger
from .listener import Listener
from .markup import icon, message, stylesheet
from .pages import Pages
from .panel import Panel
from .plan import Plan
from .refund_api import RefundApi
from .store import Store
from .webhooks import Courier, Outbox, Sender
from .wire import Wire

_Result = TypeVar("_Result")
HOST = "127.0.0.1"
TICK = 0.1


class SandboxPSP:
    """An offline PSP, for tests and demonstrations: charges, pages and webhooks over real HTTP.

    It listens on 127.0.0.1 only; `port` 0 takes a free one. `ledger` is the file its books are
    kept in (a restart goes on with it), or ":memory:". Used as a context manager, or by `start`
    and `stop`; once stopped it cannot be started again. ValueError without a key and a secret.

    With a `sender` (URL, body, headers to HTTP status) webhooks are not sent over HTTP in the
    background, but handed to it whenever `delivered` is called, in that thread.

    `ledger` is the oracle, `plan` directs the next calls, `url` is where it listens. `calls`
    counts what it was asked, by operation ("create", "refund", "fetch", "cancel"), refused or not.
    """

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str,
        port: int = 0,
        ledger: str = ":memory:",
        account: str = "acct_sandbox",
        live: bool = False,
        sender: Sender | None = None,
    ) -> None:
        if not api_key or not webhook_secret:
            raise ValueError("The sandbox needs an API key and a webhook secret.")
        self._listener = Listener((HOST, port), self.respond)
        self.url = f"http://{HOST}:{self._listener.server_port}"
        self._store = self._open(ledger)
        self.ledger = Ledger(self._store, account=account, live=live)
        self.plan = Plan(self.ledger.clock)
        self.outbox = Outbox(self._store, self.ledger.clock, self.plan)
        self.bank = Bank(self.ledger, self.outbox, self.url)
        self._expected = f"Bearer {api_key}".encode()
        self.calls: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._routes = self._api_routes() + self._control_routes() + self._page_routes()
        self._courier = Courier(self.outbox, webhook_secret, sender)
        self._worker = threading.Thread(target=self._work, name="sandbox-worker", daemon=True)

    def start(self) -> None:
        """Listen, and work in the background."""
        self._listener.start()
        self._worker.start()

    def stop(self) -> None:
        """Answer what was asked, send what is on its way, and close the books."""
        self._stopping.set()
        self._listener.stop()
        if self._worker.ident is not None:
            self._worker.join()
        self._courier.stop()
        self._store.close()

    def __enter__(self) -> SandboxPSP:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def advance(self, seconds: float) -> None:
        """Put the sandbox's clock forward, and finish what is due by then."""
        self.ledger.advance(seconds)
        self.bank.tick()

    def delivered(self, timeout: float = 10.0) -> bool:
        """Wait until no webhook is on its way or due, and tell whether that came true in time."""
        end = time.monotonic() + timeout
        self.bank.tick()
        while self.outbox.busy() and time.monotonic() < end:
            self._courier.by_hand() if self._courier.waits else time.sleep(TICK / 10)
        return not self.outbox.busy()

    def decide(self, action_url: str, decision: str) -> str:
        """Do what the customer does on the page: "approve", "refuse" or "cancel".

        Return the URL that leads back to the shop. KeyError if there is no such page.
        """
        charge = self.bank.decide(action_url.rsplit("/", 1)[-1], decision)
        if charge is None:
            raise KeyError(action_url)
        return charge.return_url

    def respond(self, request: Request) -> Response:
        """Answer a request; errors are answered, too."""
        try:
            if not request.comes_from_here():
                raise ApiError(403, "foreign_origin", "This server is for this machine only.")
            return resolve(self._routes, request)
        except ApiError as error:
            if request.path.startswith("/v1/"):
                return Response(error.status, error.body())
            return message(error.status, str(error))

    def _open(self, path: str) -> Store:
        try:
            return Store(path)
        except sqlite3.Error:
            self._listener.server_close()
            raise

    def _api_routes(self) -> list[Route]:
        wire = Wire(Keys(self._store, self.ledger.clock), self.plan, self._stopping)
        api, refunds = Api(self.bank, wire), RefundApi(self.bank, wire)
        charge = r"/v1/charges/(ch_[0-9a-f]{32})"
        table: list[tuple[str, str, str, Callable[..., Answer]]] = [
            ("create", "POST", "/v1/charges", api.create),
            ("fetch", "GET", "/v1/charges", api.list),
            ("fetch", "GET", charge, api.fetch),
            ("cancel", "POST", f"{charge}/cancel", api.cancel),
            ("cancel", "POST", "/v1/cancellations", api.close),
            ("refund", "POST", "/v1/refunds", refunds.create),
            ("fetch", "GET", "/v1/refunds", refunds.list),
            ("fetch", "GET", r"/v1/refunds/(re_[0-9a-f]{32})", refunds.fetch),
            ("cancel", "POST", "/v1/refunds/close", refunds.close),
        ]
        return [
            route(method, path, self._guarded(self._counted(operation, self._unless_out(call))))
            for operation, method, path, call in table
        ]

    def _control_routes(self) -> list[Route]:
        control = Control(self.bank, self.plan)
        table: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", "/v1/plan", control.show_plan),
            ("POST", "/v1/plan", control.add_plan),
            ("DELETE", "/v1/plan", control.clear_plan),
            ("GET", "/v1/clock", control.clock),
            ("POST", "/v1/clock", control.advance),
            ("GET", "/v1/totals", control.totals),
        ]
        return [route(method, path, self._guarded(call)) for method, path, call in table]

    def _page_routes(self) -> list[Route]:
        pages, panel = Pages(self.bank), Panel(self.bank, self.plan)
        pay = r"/pay/([\w-]{32})"
        return [
            route("GET", "/", panel.show),
            route("POST", "/panel/plan", panel.add),
            route("POST", "/panel/clear", panel.clear),
            route("POST", "/panel/clock", panel.advance),
            route("GET", pay, self._unless_out(pages.show)),
            route("POST", pay, self._unless_out(pages.decide)),
            route("GET", "/sandbox.css", lambda request: stylesheet()),
            route("GET", "/sandbox.svg", lambda request: icon()),
        ]

    def _guarded(self, call: Callable[..., Answer]) -> Callable[..., Response]:
        def handler(request: Request, *args: str) -> Response:
            given = request.headers.get("authorization", "").encode(errors="replace")
            if not hmac.compare_digest(given, self._expected):
                raise ApiError(401, "unauthorized", "The API key is missing or wrong.")
            self.bank.tick()
            answer = call(request, *args)
            return Response(answer.status, answer.body)

        return handler

    def _counted(self, operation: str, call: Callable[..., Answer]) -> Callable[..., Answer]:
        def handler(request: Request, *args: str) -> Answer:
            with self._counting:
                self.calls[operation] += 1
            return call(request, *args)

        return handler

    def _unless_out(self, call: Callable[..., _Result]) -> Callable[..., _Result]:
        def handler(request: Request, *args: str) -> _Result:
            if self.plan.out_until:
                raise ApiError(503, "unavailable", "The sandbox is out of order.")
            return call(request, *args)

        return handler

    def _work(self) -> None:
        while not self._stopping.wait(TICK):
            self.bank.tick()
            self._courier.round()
