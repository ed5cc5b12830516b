"""The fake PSP as a server on this machine: its parts, and the URLs it answers."""

from __future__ import annotations

import hmac
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from . import stripejs
from .api.charges import ChargesApi
from .api.control import ControlApi
from .api.events import SandboxEvents
from .api.refunds import RefundsApi
from .bank import Bank, RefusedError
from .calls import Answer, Calls, Keys
from .http import ApiError, Listener, Request, Response, Route, resolve
from .ledger import Ledger
from .ledger.store import Store
from .mollie import MollieFace
from .mollie.face import KEY_LIFE as MOLLIE_KEY_LIFE
from .mollie.face import KEYS as MOLLIE_KEYS
from .pages.dashboard import Dashboard
from .pages.html import error_page, file
from .pages.payment import PaymentPage
from .plan import Plan
from .stripe.face import StripeFace
from .webhooks import Courier, Outbox, Sender

_HOST = "127.0.0.1"
# Seconds of wall time between two looks at what is due.
_TICK = 0.1


class SandboxPSP:
    """A fake PSP for tests and demonstrations: charges, pages and webhooks over real HTTP.

    It listens on 127.0.0.1 only; `port` 0 takes a free port. `ledger` is the file of its ledger,
    with which a restart goes on, or ":memory:". `account` and `live` are what charges say of
    themselves. Use it as a context manager, or call `start` and `stop`; a stopped PSP cannot be
    started again. ValueError without a key or a secret, OSError for a port that is taken,
    sqlite3.Error for a file that is no ledger.

    With a `sender` (URL, body, headers to HTTP status) webhooks are not sent over HTTP in the
    background: `deliver_webhooks` hands them to the sender, in its own thread.

    - `url`: where it listens
    - `ledger`: what it charged and refunded, see `Ledger`
    - `plan`: what the next calls do, see `Plan`
    - `outbox`: the webhooks it sent, see `Outbox`
    - `bank`: what it does with money, see `Bank`
    - `mollie`: Mollie's API, see `payments_ui.testing.psp.mollie`
    - `stripe`: Stripe's API, see `payments_ui.testing.psp.stripe`
    - `calls`: how many calls it got, by operation ("create", "prepare", "save", "refund", "fetch",
      "cancel"),
      refused calls included
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
            raise ValueError("The fake PSP needs an API key and a webhook secret.")
        self._listener = Listener((_HOST, port), self.respond)
        try:
            self._store = Store(ledger)
        except sqlite3.Error:
            self._listener.server_close()
            raise
        self.url = f"http://{_HOST}:{self._listener.server_port}"
        self.ledger = Ledger(self._store, account=account, live=live)
        self.plan = Plan(self.ledger.clock)
        self.outbox = Outbox(self._store, self.ledger.clock, self.plan)
        self.bank = Bank(self.ledger, self.outbox, self.url)
        self.calls: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._authorization = f"Bearer {api_key}".encode()
        self._stopping = threading.Event()
        keys = Keys(self._store, self.ledger.clock, life=MOLLIE_KEY_LIFE, prefix=MOLLIE_KEYS)
        self.mollie = MollieFace(
            self.bank,
            Calls(keys, self.plan, self._stopping),
            self._admit,
            api_key=api_key,
            account=account,
            live=live,
        )
        calls = Calls(Keys(self._store, self.ledger.clock), self.plan, self._stopping)
        self.stripe = StripeFace(self.bank, calls, self.plan, self._admit)
        self._routes = self._api(calls) + self._control() + self._pages()
        self._routes += self.mollie.routes() + self.stripe.routes()
        events = SandboxEvents(self.outbox, self.url, webhook_secret)
        self.bank.faces |= {"sandbox": events, "mollie": self.mollie, "stripe": self.stripe}
        signers = {
            "sandbox": events.sign,
            "mollie": self.mollie.headers,
            "stripe": self.stripe.webhook_endpoints.sign,
        }
        self._courier = Courier(self.outbox, signers, sender)
        self._worker = threading.Thread(target=self._work, name="fake-psp-worker", daemon=True)

    def start(self) -> None:
        """Listen, and work in the background."""
        self._listener.start()
        self._worker.start()

    def stop(self) -> None:
        """Answer open requests, finish webhooks that are being sent, and close the ledger."""
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
        """Put the PSP's clock forward, and finish charges and refunds that are due by then."""
        self.ledger.advance(seconds)
        self._finish_due()

    def deliver_webhooks(self, timeout: float = 60.0) -> bool:
        """Wait until no webhook is due or being sent; return False after `timeout` seconds."""
        end = time.monotonic() + timeout
        self.bank.finish_due()
        while self.outbox.busy() and time.monotonic() < end:
            self._courier.send_now() if self._courier.waits else time.sleep(_TICK / 10)
        return not self.outbox.busy()

    def decide(self, action_url: str, decision: str) -> str:
        """Do what the customer does on the page: "approve", "refuse" or "cancel".

        Return the URL that leads back to the shop. KeyError for an unknown page. Also on Stripe's
        pages, see `StripeFace.decide`.
        """
        if action_url.startswith(self.stripe.url):
            return self.stripe.decide(action_url, decision)
        charge = self.bank.decide(action_url.rsplit("/", 1)[-1], decision)
        if charge is None:
            raise KeyError(action_url)
        return charge.return_url

    def respond(self, request: Request) -> Response:
        """Answer a request, also one that is refused."""
        from_browsers = request.path.startswith("/stripe/v1/")
        try:
            if not (request.is_from_here() if from_browsers else request.is_same_origin()):
                raise ApiError(403, "foreign_origin", "This server is for this machine only.")
            return resolve(self._routes, request)
        except RefusedError as refused:
            error = ApiError(409, refused.code, str(refused))
        except ApiError as refused:
            error = refused
        if from_browsers:
            return self.stripe.answer_error(request, error)
        if request.path.startswith("/v1/"):
            return Response(error.status, error.to_json())
        return error_page(error.status, str(error))

    def _api(self, calls: Calls) -> list[Route]:
        charges, refunds = ChargesApi(self.bank, calls), RefundsApi(self.bank, calls)
        charge, refund = r"/v1/charges/(ch_[0-9a-f]{32})", r"/v1/refunds/(re_[0-9a-f]{32})"

        def route(operation: str, method: str, path: str, call: Callable[..., Answer]) -> Route:
            def counted(request: Request, *args: str) -> Answer:
                self._admit(operation)
                return call(request, *args)

            return self._private(method, path, counted)

        return [
            route("create", "POST", "/v1/charges", charges.create),
            route("fetch", "GET", "/v1/charges", charges.list),
            route("fetch", "GET", charge, charges.fetch),
            route("cancel", "POST", f"{charge}/cancel", charges.cancel),
            route("cancel", "POST", "/v1/cancellations", charges.close),
            route("refund", "POST", "/v1/refunds", refunds.create),
            route("fetch", "GET", "/v1/refunds", refunds.list),
            route("fetch", "GET", refund, refunds.fetch),
            route("cancel", "POST", "/v1/refunds/close", refunds.close),
        ]

    def _control(self) -> list[Route]:
        control = ControlApi(self.bank, self.plan)
        return [
            self._private("GET", "/v1/plan", control.show_plan),
            self._private("POST", "/v1/plan", control.add_to_plan),
            self._private("DELETE", "/v1/plan", control.clear_plan),
            self._private("GET", "/v1/clock", control.show_clock),
            self._private("POST", "/v1/clock", control.advance_clock),
            self._private("GET", "/v1/totals", control.show_totals),
        ]

    def _pages(self) -> list[Route]:
        dashboard, payment = Dashboard(self.bank, self.plan), PaymentPage(self.bank)
        pay = r"/pay/([\w-]{32})"

        def unless_out(handler: Callable[..., Response]) -> Callable[..., Response]:
            def respond(request: Request, *args: str) -> Response:
                self._refuse_in_outage()
                return handler(request, *args)

            return respond

        return [
            Route("GET", "/", dashboard.show),
            Route("POST", "/dashboard/plan", dashboard.add),
            Route("POST", "/dashboard/clear", dashboard.clear),
            Route("POST", "/dashboard/clock", dashboard.advance),
            Route("POST", "/dashboard/dispute", dashboard.dispute),
            Route("GET", pay, unless_out(payment.show)),
            Route("POST", pay, unless_out(payment.decide)),
            Route("GET", stripejs.PATH, stripejs.file),
            Route("GET", "/sandbox.css", lambda request: file("sandbox.css", "text/css")),
            Route(
                "GET",
                "/stripe/authenticated.js",
                lambda request: file("authenticated.js", "text/javascript"),
            ),
            Route("GET", "/sandbox.svg", lambda request: file("sandbox.svg", "image/svg+xml")),
        ]

    def _private(self, method: str, path: str, call: Callable[..., Answer]) -> Route:
        """Return a route for whoever has the API key."""

        def handler(request: Request, *args: str) -> Response:
            given = request.headers.get("authorization", "").encode(errors="replace")
            if not hmac.compare_digest(given, self._authorization):
                raise ApiError(401, "unauthorized", "The API key is missing or wrong.")
            self.bank.finish_due()
            answer = call(request, *args)
            return Response(answer.status, answer.body)

        return Route(method, path, handler)

    def _admit(self, operation: str) -> None:
        """Count a call, finish what is due before it, and refuse it in an outage."""
        with self._counting:
            self.calls[operation] += 1
        self._finish_due()
        self._refuse_in_outage()

    def _finish_due(self) -> None:
        self.bank.finish_due()
        self.stripe.finish_due()

    def _refuse_in_outage(self) -> None:
        if self.plan.outage_until:
            raise ApiError(503, "unavailable", "The fake PSP is out of order, as planned.")

    def _work(self) -> None:
        while not self._stopping.wait(_TICK):
            self._finish_due()
            self._courier.send_in_background()
