"""HTTP with the sandbox: bounded, without proxies or redirects, and nothing is guessed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPHandler, OpenerDirector, Request

from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError

MAX_ANSWER = 512 * 1024
#: Seconds to wait before a call that was rate limited, and so not executed, is repeated.
PAUSES = (0.2, 0.6)
RATE_LIMITED = 429
CONFLICT = 409
#: It read the request, and refused it before doing anything.
REFUSED = frozenset({400, 401, 403, 404, 405, 411, 413})
PAGE = 100
_URL = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/?", re.ASCII)
_CODE = re.compile(r"[a-z_]{1,50}")


class ConflictError(MoocherError):
    """The request conflicts with what the sandbox has in its ledger."""

    def __init__(self, message: str, refusal: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class Client:
    """Calls the sandbox's API. Whatever is no definite answer raises.

    ``MoocherError`` for answers that make no sense, ``RequestRefusedError`` where it refuses the
    request as it stands, ``RateLimitedError`` where it has too much to do, ``OSError`` and
    ``http.client.HTTPException`` for lines that break or stay silent for ``timeout`` seconds.
    """

    def __init__(self, url: str, api_key: str, timeout: float) -> None:
        if not _URL.fullmatch(url):
            raise ValueError(f"The sandbox is at http://127.0.0.1:<port>, not at {url!r}")
        self.url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout
        # Only this one handler: no proxy from the environment, no redirect, no cookie.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())

    def create(self, order: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Charge, once per key, and return the charge."""
        return self._call("POST", "/v1/charges", order, key=key, expect=201)

    def fetch(self, charge_id: str) -> dict[str, Any]:
        """Return a charge by its id."""
        return self._call("GET", f"/v1/charges/{charge_id}")

    def find(self, reference: str) -> dict[str, Any] | None:
        """Return the charge of one of our references, ``None`` if it has none so far."""
        return self._find("/v1/charges", reference)

    def page(self, after: str) -> list[dict[str, Any]]:
        """Return the charges that came after this one, oldest first; empty after the last."""
        query = {"limit": PAGE} | ({"after": after} if after else {})
        return self._listed(f"/v1/charges?{urlencode(query)}")

    def cancel(self, charge_id: str) -> dict[str, Any]:
        """Cancel a charge if that is still possible, and return it."""
        return self._call("POST", f"/v1/charges/{charge_id}/cancel", {})

    def close(self, reference: str) -> dict[str, Any] | None:
        """Have every later charge under a reference refused.

        Return the charge under it, after an attempt to cancel it. ``None`` means that nothing
        was charged and nothing ever will be.
        """
        return self._close("/v1/cancellations", reference, "charge")

    def create_refund(self, order: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Give money back, once per key, and return the refund.

        Raises ``ConflictError`` where the sandbox says that this cannot be.
        """
        return self._call("POST", "/v1/refunds", order, key=key, expect=201)

    def fetch_refund(self, refund_id: str) -> dict[str, Any]:
        """Return a refund by its id."""
        return self._call("GET", f"/v1/refunds/{refund_id}")

    def find_refund(self, reference: str) -> dict[str, Any] | None:
        """Return the refund of one of our references, ``None`` if it has none so far."""
        return self._find("/v1/refunds", reference)

    def close_refund(self, reference: str) -> dict[str, Any] | None:
        """Have every later refund under a reference refused; return the refund under it.

        ``None`` means that nothing was given back and nothing ever will be.
        """
        return self._close("/v1/refunds/close", reference, "refund")

    def _find(self, path: str, reference: str) -> dict[str, Any] | None:
        found = self._listed(f"{path}?{urlencode({'reference': reference})}")
        if len(found) > 1:
            raise MoocherError("The sandbox has several objects under one reference")
        return found[0] if found else None

    def _listed(self, path: str) -> list[dict[str, Any]]:
        found = self._call("GET", path).get("data")
        if not isinstance(found, list):
            raise MoocherError("The sandbox did not answer with a list")
        return found

    def _close(self, path: str, reference: str, thing: str) -> dict[str, Any] | None:
        answer = self._call("POST", path, {"reference": reference})
        if answer.get("reference") != reference or thing not in answer:
            raise MoocherError("The sandbox did not confirm that it is closed")
        found: dict[str, Any] | None = answer[thing]
        return found

    def _call(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        key: str = "",
        expect: int = 200,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._api_key}", "Accept": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        content = None if data is None else json.dumps(data).encode()
        url = self.url + path
        request = Request(url, content, headers, method=method)  # noqa: S310 (see _URL)
        status, body = self._exchange(request)
        for pause in PAUSES:
            if status == RATE_LIMITED:
                time.sleep(pause)
                status, body = self._exchange(request)
        answer = _parse(body)
        if status != expect:
            raise _error(status, answer)
        return answer

    def _exchange(self, request: Request) -> tuple[int, bytes]:
        end = time.monotonic() + self._timeout
        with self._opener.open(request, timeout=self._timeout) as reply:
            body = bytearray()
            while part := reply.read1(65536):
                body += part
                if len(body) > MAX_ANSWER or time.monotonic() > end:
                    raise MoocherError("The sandbox's answer is too long")
            return reply.status, bytes(body)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise MoocherError("The sandbox's answer makes no sense") from None
    if not isinstance(answer, dict):
        raise MoocherError("The sandbox's answer makes no sense")
    return answer


def _error(status: int, answer: Mapping[str, Any]) -> MoocherError:
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return MoocherError(f"The sandbox answered {status} without a code")
    text = f"The sandbox answered {status} {code}"
    if status == RATE_LIMITED:
        return RateLimitedError(text)
    if status == CONFLICT:
        return ConflictError(text, code)
    if status in REFUSED:
        message = error.get("message") if isinstance(error, dict) else ""
        return RequestRefusedError(f"{text}: {str(message)[:200]}")
    return MoocherError(text)
