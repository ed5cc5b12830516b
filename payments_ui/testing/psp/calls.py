"""How a call of a merchant is executed: once per idempotency key, with the fault planned for it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .http import ApiError, DroppedError
from .ledger.clock import Clock
from .ledger.store import Store
from .plan import Plan
from .scenarios import AS_USUAL, Conduct, Transport

#: Seconds on the PSP's clock for which a key is remembered.
KEY_LIFE = 24 * 3600


@dataclass(frozen=True)
class Answer:
    """What a call is answered with: HTTP status, and JSON. `replayed`: as an earlier call was."""

    status: int
    body: str
    replayed: bool = field(default=False, compare=False)


_INTERNAL_ERRORS = {Transport.ERROR_BEFORE, Transport.ERROR_AFTER}
_INTERNAL_ERROR = Answer(500, ApiError(500, "internal", "Something broke.").to_json())


class KeyReusedError(ApiError):
    """The key came with other parameters before."""

    def __init__(self) -> None:
        super().__init__(409, "key_reused", "This key came with other parameters.")


class KeyBusyError(ApiError):
    """The first call with the key is still being executed."""

    def __init__(self) -> None:
        super().__init__(409, "key_busy", "The first call with this key still runs.")


def fingerprint(operation: str, data: Mapping[str, object]) -> str:
    """Return what tells a call from another one with the same key."""
    return hashlib.sha256(json.dumps([operation, data], sort_keys=True).encode()).hexdigest()


class Keys:
    """The first answer to each key, errors included, for `life` seconds on the PSP's clock.

    Keys that begin with another `prefix` are left alone.
    """

    def __init__(
        self, store: Store, clock: Clock, *, life: float = KEY_LIFE, prefix: str = ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._life = life
        self._prefix = prefix

    def claim(self, key: str, fingerprint: str) -> Answer | None:
        """Return the stored answer, or None for the first call with the key.

        A caller that gets None executes the call, then calls `keep` or `release`. KeyReusedError
        if the key came with another fingerprint, KeyBusyError while the first call runs.
        """
        with self._store.transaction():
            self._store.change(
                "DELETE FROM answers WHERE created_at <= ? AND status IS NOT NULL"
                " AND substr(key, 1, ?) = ?",
                self._clock.now() - self._life,
                len(self._prefix),
                self._prefix,
            )
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
        return Answer(row["status"], row["body"], replayed=True)

    def keep(self, key: str, answer: Answer) -> None:
        """Remember the first answer."""
        sql = "UPDATE answers SET status = ?, body = ? WHERE key = ?"
        self._store.change(sql, answer.status, answer.body, key)

    def release(self, key: str) -> None:
        """Forget a key whose call was not executed."""
        self._store.change("DELETE FROM answers WHERE key = ?", key)


class Calls:
    """Executes calls, or fails to, as planned. `stopping` ends every wait."""

    def __init__(self, keys: Keys, plan: Plan, stopping: threading.Event) -> None:
        self._keys = keys
        self._plan = plan
        self._stopping = stopping

    def execute(self, operation: str, action: Callable[[], Answer]) -> Answer:
        """Execute a call that may be repeated."""
        self._limit_rate(operation, AS_USUAL)
        conduct = self._plan.take(operation)
        return self._send(conduct, self._run(conduct, action))

    def execute_once(
        self,
        operation: str,
        key: str,
        fingerprint: str,
        action: Callable[[Conduct], Answer],
        *,
        usual: Conduct = AS_USUAL,
    ) -> Answer:
        """Execute a call, or repeat the first answer to its key.

        `usual` is how the call behaves unless the plan says otherwise. A rate limit comes before
        the keys, so the limited call was not executed and its key is still free.
        """
        self._limit_rate(operation, usual)
        stored = self._keys.claim(key, fingerprint)
        if stored:
            return stored
        conduct = self._plan.take(operation).over(usual)
        try:
            answer = self._run(conduct, lambda: action(conduct))
        except BaseException:
            self._keys.release(key)
            raise
        self._keys.keep(key, _INTERNAL_ERROR if conduct.transport in _INTERNAL_ERRORS else answer)
        return self._send(conduct, answer)

    def _limit_rate(self, operation: str, usual: Conduct) -> None:
        planned = self._plan.take(operation, only=Transport.RATE_LIMITED)
        if Transport.RATE_LIMITED in {planned.transport, usual.transport}:
            raise ApiError(429, "rate_limited", "Too many calls.")

    def _run(self, conduct: Conduct, action: Callable[[], Answer]) -> Answer:
        stopped = bool(conduct.delay) and self._stopping.wait(conduct.delay)
        if stopped or conduct.transport == Transport.LOST_REQUEST:
            raise DroppedError
        return _INTERNAL_ERROR if conduct.transport == Transport.ERROR_BEFORE else action()

    def _send(self, conduct: Conduct, answer: Answer) -> Answer:
        if conduct.transport == Transport.LOST_REPLY:
            raise DroppedError
        if conduct.transport == Transport.GARBLED:
            return Answer(200, "<h1>It works!</h1>")
        return _INTERNAL_ERROR if conduct.transport in _INTERNAL_ERRORS else answer
