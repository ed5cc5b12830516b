"""Webhooks: events, signed and sent in the background until they arrive.

The header `Sandbox-Signature: t=<seconds>,v1=<hex>` carries the HMAC-SHA256 of the time, a dot and
the raw body. A receiver accepts any of several `v1`, so that a secret can be replaced.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPException
from itertools import groupby
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from .http import loopback_url
from .ledger.clock import Clock
from .ledger.store import Row, Store
from .plan import Plan
from .scenarios import Conduct

SIGNATURE_HEADER = "Sandbox-Signature"
#: Seconds on the PSP's clock between a failed delivery and the next try.
BACKOFF = (1, 5, 30, 300, 3600, 6 * 3600, 24 * 3600)
_TIMEOUT = 5.0
_THREADS = 4
#: Takes URL, body and headers of a webhook to the merchant, and returns the HTTP status.
Sender = Callable[[str, bytes, dict[str, str]], int]
#: Returns the headers of a delivery that is sent at a time, in seconds of wall time.
Signer = Callable[[Row, int], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Event:
    """News for a merchant, as it is sent. `charge_id` is the charge that it is about, if any."""

    id: str
    face: str
    type: str
    body: str
    charge_id: str | None


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """Return the value of the signature header; ValueError for an empty secret."""
    if not secret:
        raise ValueError("The secret for the signature is empty.")
    message = str(timestamp).encode() + b"." + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"


class Outbox:
    """Events and their deliveries, in the ledger's store."""

    def __init__(self, store: Store, clock: Clock, plan: Plan | None = None) -> None:
        self._store = store
        self._clock = clock
        self._plan = plan or Plan(clock)

    def post(
        self, event: Event, urls: Iterable[str], conduct: Conduct, *, final: bool = True
    ) -> None:
        """Write an event; queue it for each URL as often as planned, the later the less final."""
        now = self._clock.now()
        due = now + (conduct.webhook_delay or 0) + (0 if final else conduct.early_delay or 0)
        copies = 1 if conduct.copies is None else conduct.copies
        with self._store.transaction():
            self._store.insert("events", asdict(event) | {"created_at": now})
            for url in urls if copies else ():
                delivery = {"event_id": event.id, "url": url, "due_at": due}
                batch, place = self._plan.next_place()
                if batch:
                    delivery |= {"state": "held", "batch": batch, "place": place}
                for _ in range(copies):
                    self._store.insert("deliveries", delivery)

    def now(self) -> int:
        """Seconds since the epoch, on the PSP's clock."""
        return int(self._clock.now())

    def take_due(self) -> list[Row]:
        """Return the deliveries to be sent now; no other caller gets them."""
        with self._store.transaction():
            self._release_held()
            due = self._store.rows(
                "SELECT d.*, e.body, e.face FROM deliveries d JOIN events e ON e.id = d.event_id"
                " WHERE d.state = 'waiting' AND d.due_at <= ?"
                " ORDER BY d.due_at, d.batch, d.place, d.id LIMIT 100",
                self._clock.now(),
            )
            for row in due:
                self._store.change(
                    "UPDATE deliveries SET state = 'sending' WHERE id = ?", row["id"]
                )
        return due

    def save_result(self, delivery: Row, answer: str, *, arrived: bool) -> None:
        """Write how a delivery ended, and when it is tried again."""
        tries = delivery["tries"] + 1
        state, due = "arrived" if arrived else "given_up", delivery["due_at"]
        if not arrived and tries <= len(BACKOFF):
            state, due = "waiting", self._clock.now() + BACKOFF[tries - 1]
        self._store.change(
            "UPDATE deliveries SET tries = ?, state = ?, answer = ?, due_at = ? WHERE id = ?",
            tries,
            state,
            answer,
            due,
            delivery["id"],
        )

    def busy(self) -> bool:
        """Tell whether a delivery is being sent or is due."""
        self._release_held()
        sql = (
            "SELECT 1 FROM deliveries WHERE state = 'sending' OR state = 'waiting' AND due_at <= ?"
        )
        return self._store.row(sql, self._clock.now()) is not None

    def deliveries(self, charge_id: str) -> list[Row]:
        """Return the deliveries about a charge and its refunds, oldest first.

        Their keys: `type`, `body`, `url`, `state`, `tries`, `answer`, `due_at`, among others.
        """
        return self._store.rows(
            "SELECT d.*, e.type, e.body FROM deliveries d JOIN events e ON e.id = d.event_id"
            " WHERE e.charge_id = ? ORDER BY d.id",
            charge_id,
        )

    def _release_held(self) -> None:
        self._store.change(
            "UPDATE deliveries SET state = 'waiting', due_at = ?"
            " WHERE state = 'held' AND batch != ?",
            self._clock.now(),
            self._plan.held_batch,
        )


class Courier:
    """Sends the deliveries of the outbox, several at a time.

    `signers` make the headers, by the face that an event is of. With a `sender`, deliveries go to
    it only, and only when `send_now` is called.
    """

    def __init__(
        self, outbox: Outbox, signers: Mapping[str, Signer], sender: Sender | None = None
    ) -> None:
        self.waits = sender is not None
        self._outbox = outbox
        self._signers = signers
        self._sender = sender or self._post
        # No proxy from the environment and no redirect: a webhook goes where it is sent.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())
        self._opener.add_handler(HTTPSHandler())
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="fake-psp-webhook")

    def send_in_background(self) -> None:
        """Start to send due deliveries: those of a batch one after the other, the rest at once."""
        if self.waits:
            return
        due = self._outbox.take_due()
        for _, deliveries in groupby(due, key=lambda delivery: delivery["batch"] or delivery["id"]):
            self._pool.submit(self._send_all, list(deliveries))

    def send_now(self) -> None:
        """Send due deliveries in this thread, one after the other."""
        self._send_all(self._outbox.take_due())

    def stop(self) -> None:
        """Finish the deliveries that are being sent, and send no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _send_all(self, deliveries: list[Row]) -> None:
        for delivery in deliveries:
            body = delivery["body"].encode()
            # The merchant compares with wall time, wherever the PSP's clock was put.
            headers = self._signers[delivery["face"]](delivery, int(time.time()))
            try:
                status = self._sender(delivery["url"], body, headers)
            except (OSError, HTTPException, ValueError) as error:
                self._outbox.save_result(delivery, type(error).__name__, arrived=False)
            else:
                self._outbox.save_result(delivery, str(status), arrived=200 <= status < 300)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        parts = loopback_url(url)
        if (parts.hostname or "").endswith(".localhost"):
            # Browsers know where such a name leads; name servers need not.
            headers = {**headers, "Host": parts.netloc}
            port = f":{parts.port}" if parts.port else ""
            url = parts._replace(netloc=f"127.0.0.1{port}").geturl()
        request = Request(url, body, headers, method="POST")  # noqa: S310 (loopback only)
        with self._opener.open(request, timeout=_TIMEOUT) as reply:
            return int(reply.status)
