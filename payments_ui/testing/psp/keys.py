"""Idempotency keys: the same request asked twice is executed once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .store import Store

LIFE = 24 * 3600


def fingerprint(operation: str, data: dict[str, Any]) -> str:
    """Return what tells one request from another."""
    return hashlib.sha256(json.dumps([operation, data], sort_keys=True).encode()).hexdigest()


class KeyReusedError(Exception):
    """The key came with other parameters before."""


class KeyBusyError(Exception):
    """The first request with the key is still being executed."""


@dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: str


class Keys:
    """The first answer to each key, errors included, for 24 hours of the sandbox's clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def claim(self, key: str, fingerprint: str) -> Answer | None:
        """Return the stored answer, or None if this is the first request with the key.

        The caller who got None executes the request, then calls `keep` or `release`.
        """
        with self._store.transaction():
            self._forget()
            row = self._store.row("SELECT * FROM answers WHERE key = ?", key)
            if row is None:
                now = self._clock.now()
                new = {"key": key, "fingerprint": fingerprint, "created_at": now}
                self._store.insert("answers", new)
                return None
        if row["fingerprint"] != fingerprint:
            raise KeyReusedError
        if row["status"] is None:
            raise KeyBusyError
        return Answer(row["status"], row["body"])

    def keep(self, key: str, answer: Answer) -> None:
        """Remember the first answer."""
        sql = "UPDATE answers SET status = ?, body = ? WHERE key = ?"
        self._store.change(sql, answer.status, answer.body, key)

    def release(self, key: str) -> None:
        """Forget a key whose request was not executed."""
        self._store.change("DELETE FROM answers WHERE key = ?", key)

    def _forget(self) -> None:
        old = self._clock.now() - LIFE
        sql = "DELETE FROM answers WHERE created_at <= ? AND status IS NOT NULL"
        self._store.change(sql, old)
