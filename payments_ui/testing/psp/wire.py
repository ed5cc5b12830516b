"""How a call ends: once per idempotency key, and with the fault that was planned for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .exchange import ApiError, DroppedError
from .faults import AS_USUAL, Conduct, Transport
from .keys import Answer, KeyBusyError, KeyReusedError, Keys
from .plan import Plan

Act = Callable[[], Answer]
ERRORS = {Transport.ERROR_BEFORE, Transport.ERROR_AFTER}


class Wire:
    """Executes calls, or does not, as planned. `stopping` ends every wait."""

    def __init__(self, keys: Keys, plan: Plan, stopping: threading.Event) -> None:
        self._keys = keys
        self._plan = plan
        self._stopping = stopping

    def call(self, operation: str, act: Act) -> Answer:
        """Execute a call that may be repeated."""
        self._limit_rate(operation, AS_USUAL)
        conduct = self._plan.take(operation)
        return self._deliver(conduct, self._execute(conduct, act))

    def call_once(
        self,
        operation: str,
        key: str,
        fingerprint: str,
        act: Callable[[Conduct], Answer],
        *,
        usual: Conduct = AS_USUAL,
    ) -> Answer:
        """Execute a call, or repeat the first answer to its key.

        `usual` is how the call behaves where the plan says nothing. Rate limits come before the
        keys, so a call that met one was not executed and its key is still free.
        """
        self._limit_rate(operation, usual)
        stored = self._claim(key, fingerprint)
        if stored:
            return stored
        conduct = self._plan.take(operation).over(usual)
        try:
            answer = self._execute(conduct, lambda: act(conduct))
        except BaseException:
            self._keys.release(key)
            raise
        self._keys.keep(key, _internal() if conduct.transport in ERRORS else answer)
        return self._deliver(conduct, answer)

    def _limit_rate(self, operation: str, usual: Conduct) -> None:
        planned = self._plan.take(operation, only=Transport.RATE_LIMITED)
        if Transport.RATE_LIMITED in {planned.transport, usual.transport}:
            raise ApiError(429, "rate_limited", "Too many calls.")

    def _claim(self, key: str, fingerprint: str) -> Answer | None:
        try:
            return self._keys.claim(key, fingerprint)
        except KeyReusedError:
            raise ApiError(409, "key_reused", "This key came with other parameters.") from None
        except KeyBusyError:
            raise ApiError(409, "key_busy", "The first call with this key still runs.") from None

    def _execute(self, conduct: Conduct, act: Act) -> Answer:
        stopped = bool(conduct.delay) and self._stopping.wait(conduct.delay)
        if stopped or conduct.transport == Transport.LOST_REQUEST:
            raise DroppedError
        return _internal() if conduct.transport == Transport.ERROR_BEFORE else act()

    def _deliver(self, conduct: Conduct, answer: Answer) -> Answer:
        if conduct.transport == Transport.LOST_REPLY:
            raise DroppedError
        if conduct.transport == Transport.GARBLED:
            return Answer(200, "<h1>It works!</h1>")
        return _internal() if conduct.transport in ERRORS else answer


def _internal() -> Answer:
    return Answer(500, ApiError(500, "internal", "Something broke.").body())
