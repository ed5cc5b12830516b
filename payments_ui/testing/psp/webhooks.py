"""How the merchant is told: events, signed and sent in the background until they arrive.

The header `Sandbox-Signature: t=<seconds>,v1=<hex>` carries the HMAC-SHA256 of the time, a dot and
the raw body. A receiver takes any of several `v1`, so that a secret can be replaced.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import groupby
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from .addresses import loopback_url
from .clock import Clock
from .faults import Conduct
from .plan import Plan
from .store import Row, Store

SIGNATURE_HEADER = "Sandbox-Signature"
# Seconds on the sandbox's clock between one failed delivery and the next try.
BACKOFF = (1, 5, 30, 300, 3600, 6 * 3600, 24 * 3600)
TIMEOUT = 5.0
SENDERS = 4
#: Takes URL, body and headers of a webhook to the merchant, and returns the HTTP status.
Sender = Callable[[str, bytes, dict[str, str]], int]


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """Return the value of the signature header; ValueError if the secret is empty."""
    if not secret:
        raise ValueError("An empty secret signs nothing.")
    message = str(timestamp).encode() + b"." + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"


def _opener() -> OpenerDirector:
    opener = OpenerDirector()
    # Nothing else: no proxy from the environment, no redirect. What is sent goes where it should.
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    return opener


class Outbox:
    """Events and their deliveries, in the books."""

    def __init__(self, store: Store, clock: Clock, plan: Plan | None = None) -> None:
        self._store = store
        self._clock = clock
        self._plan = plan or Plan(clock)

    def post(self, thing: dict[str, Any], url: str, conduct: Conduct, *, final: bool) -> None:
        """Record what became of a charge or refund; queue the message as often as planned."""
        now = self._clock.now()
        event = {"id": f"evt_{uuid.uuid4().hex}", "type": f"{thing['object']}.{thing['status']}"}
        body = {**event, "object": "event", "created_at": int(now), "data": thing}
        body |= {"account": thing["account"], "live": thing["live"]}
        charge_id = thing.get("charge", thing["id"])
        row = {**event, "charge_id": charge_id, "body": json.dumps(body), "created_at": now}
        early = 0 if final else conduct.early_delay or 0
        due = now + (conduct.webhook_delay or 0) + early
        copies = 1 if conduct.copies is None else conduct.copies
        with self._store.transaction():
            self._store.insert("events", row)
            if url and copies:
                self._queue({"event_id": event["id"], "url": url, "due_at": due}, copies)

    def take_due(self) -> list[Row]:
        """Return the deliveries to be sent now, each to one caller only."""
        with self._store.transaction():
            self._let_go()
            due = self._store.rows(
                "SELECT d.*, e.body FROM deliveries d JOIN events e ON e.id = d.event_id"
                " WHERE d.state = 'waiting' AND d.due_at <= ?"
                " ORDER BY d.due_at, d.batch, d.place, d.id LIMIT 100",
                self._clock.now(),
            )
            for row in due:
                self._store.change(
                    "UPDATE deliveries SET state = 'sending' WHERE id = ?", row["id"]
                )
        return due

    def note(self, delivery: Row, answer: str, *, arrived: bool) -> None:
        """Record how a delivery went, and when it is tried again."""
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
        """Tell whether anything is on its way or should be by now."""
        self._let_go()
        sql = (
            "SELECT 1 FROM deliveries WHERE state = 'sending' OR state = 'waiting' AND due_at <= ?"
        )
        return self._store.row(sql, self._clock.now()) is not None

    def deliveries(self, charge_id: str) -> list[Row]:
        """Return what was sent about a charge, oldest first."""
        return self._store.rows(
            "SELECT d.*, e.type, e.body FROM deliveries d JOIN events e ON e.id = d.event_id"
            " WHERE e.charge_id = ? ORDER BY d.id",
            charge_id,
        )

    def _queue(self, delivery: Row, copies: int) -> None:
        batch, place = self._plan.place()
        if batch:
            delivery |= {"state": "held", "batch": batch, "place": place}
        for _ in range(copies):
            self._store.insert("deliveries", delivery)

    def _let_go(self) -> None:
        self._store.change(
            "UPDATE deliveries SET state = 'waiting', due_at = ?"
            " WHERE state = 'held' AND batch != ?",
            self._clock.now(),
            self._plan.gathering,
        )


class Courier:
    """Sends what the outbox holds, several at a time.

    With a `sender`, what is sent goes to it and nowhere else, and only when `by_hand` is called.
    """

    def __init__(self, outbox: Outbox, secret: str, sender: Sender | None = None) -> None:
        self.waits = sender is not None
        self._outbox = outbox
        self._secret = secret
        self._sender = sender or self._post
        self._opener = _opener()
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sandbox-webhook")

    def round(self) -> None:
        """Start sending what is due: a batch one after the other, all else at once."""
        if self.waits:
            return
        due = self._outbox.take_due()
        for _, parcel in groupby(due, key=lambda one: one["batch"] or one["id"]):
            self._pool.submit(self._deliver_all, list(parcel))

    def by_hand(self) -> None:
        """Send what is due, one after the other, in this thread."""
        self._deliver_all(self._outbox.take_due())

    def stop(self) -> None:
        """Wait for what is on its way, and send no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _deliver_all(self, deliveries: list[Row]) -> None:
        for delivery in deliveries:
            self._deliver(delivery)

    def _deliver(self, delivery: Row) -> None:
        try:
            status = self._send(delivery["url"], delivery["body"].encode())
        except (OSError, HTTPException, ValueError) as error:
            self._outbox.note(delivery, type(error).__name__, arrived=False)
        else:
            self._outbox.note(delivery, str(status), arrived=200 <= status < 300)

    def _send(self, url: str, body: bytes) -> int:
        # The merchant's clock is wall time, whatever the sandbox's clock was put forward to.
        signature = sign(self._secret, body, int(time.time()))
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
        return self._sender(url, body, headers)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        loopback_url(url)
        request = Request(url, body, headers, method="POST")  # noqa: S310
        with self._opener.open(request, timeout=TIMEOUT) as reply:
            return int(reply.status)
