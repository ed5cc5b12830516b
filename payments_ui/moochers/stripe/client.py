"""HTTP with Stripe through its own library: bounded, asked once, and nothing is guessed.

What Stripe answers leaves this module as plain dicts, without client secrets; what it refuses as
errors of the kit, without the library's exceptions, which carry whole answers.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn, NotRequired, TypedDict

import requests
import stripe

from payments_ui.core.privacy.redaction import RedactionFilter, keep_secret, redact
from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError

from . import declines

API = "https://api.stripe.com"
#: Bytes. A page of a hundred payments with all that is expanded is a fraction of it.
MAX_ANSWER = 16 * 1024 * 1024
#: How much of a list is asked for at once: as much as Stripe gives.
PAGE = 100
SECRET = "client_secret"  # noqa: S105 (a field's name)
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}(?:/[a-z]+)?", re.ASCII)

Question = Callable[[stripe.StripeClient], stripe.StripeObject]
PageQuestion = Callable[[stripe.StripeClient, "Page"], stripe.StripeObject]


class Page(TypedDict):
    """The parameters that say which part of a list is asked for."""

    limit: int
    starting_after: NotRequired[str]


def with_key(key: str) -> stripe.RequestOptions:
    """Options of a request that Stripe executes once per key, for at least 24 hours."""
    return {"idempotency_key": key}


class StripeRefusedError(RequestRefusedError):
    """Stripe refused the request as it stands; ``said`` has its codes."""

    def __init__(self, detail: str, said: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.said = said


class StripeDeclinedError(StripeRefusedError):
    """The bank, or Stripe, declined the payment method; ``said`` has the codes."""


class MissingError(StripeRefusedError):
    """Stripe has nothing of this id, in this account and mode."""


class Client:
    """Asks Stripe. Whatever is no definite answer raises ``MoocherError``.

    ``StripeRefusedError`` where it refuses the request as it stands, and did nothing of it,
    ``StripeDeclinedError`` where a card is declined, ``RateLimitedError`` where it has too much
    to do. A request is sent once: what gets no answer is asked about later. ``timeout`` is in
    seconds, to connect and between two bytes.

    Raises ``ValueError`` for an ``api_base`` that is neither Stripe's nor on this machine.
    """

    def __init__(
        self, secret_key: str, *, api_base: str, timeout: tuple[float, float], telemetry: bool
    ) -> None:
        if api_base != API and not _LOOPBACK.fullmatch(api_base):
            raise ValueError(f"Stripe is at {API}, or played on this machine, not at {api_base!r}")
        keep_secret(secret_key)
        self.api_base = api_base
        self._secret_key = secret_key
        self._timeout = timeout
        self._telemetry = telemetry
        self._made: tuple[int, stripe.StripeClient] | None = None

    def ask(self, question: Question) -> dict[str, Any]:
        """Stripe's answer, without client secrets."""
        answer = self._ask(question)
        _drop_secrets(answer)
        return answer

    def ask_with_secret(self, question: Question) -> tuple[dict[str, Any], str]:
        """Stripe's answer, and the client secret that came with it: for the owner's browser."""
        answer = self._ask(question)
        secret = answer.get(SECRET)
        _drop_secrets(answer)
        if not isinstance(secret, str) or not secret:
            raise MoocherError("Stripe's answer has no client secret")
        return answer, secret

    def pages(self, question: PageQuestion) -> Iterator[Any]:
        """What a list of Stripe's holds, page by page, in its order.

        ``question`` gets the parameters that say where a page begins.
        """
        page: Page = {"limit": PAGE}
        while True:
            found, has_more = self._page(question, page)
            yield from found
            if not has_more or not found:
                return
            page = {"limit": PAGE, "starting_after": str(found[-1].get("id"))}

    def _page(self, question: PageQuestion, page: Page) -> tuple[list[Any], bool]:
        answer = self.ask(lambda client: question(client, page))
        found, has_more = answer.get("data"), answer.get("has_more")
        if not isinstance(found, list) or type(has_more) is not bool:
            raise MoocherError("Stripe did not answer with a list")
        if not all(isinstance(each, dict) for each in found):
            raise MoocherError("Stripe's list holds something that is no object")
        return found, has_more

    def _ask(self, question: Question) -> dict[str, Any]:
        try:
            answer: object = question(self._client())
        except stripe.StripeError as error:
            _raise(error)
        if not isinstance(answer, stripe.StripeObject):
            raise MoocherError("Stripe's answer is no object")
        return answer.to_dict()

    def _client(self) -> stripe.StripeClient:
        """The library's client of this process: connections do not survive a fork."""
        if self._made is None or self._made[0] != os.getpid():
            # Of the whole process, as the library has it; it would also write a file.
            stripe.enable_telemetry = self._telemetry
            _watch_log()
            client = stripe.StripeClient(
                self._secret_key,
                http_client=_HTTP(self._timeout, is_local=self.api_base != API),
                base_addresses={"api": self.api_base},
                max_network_retries=0,
            )
            self._made = os.getpid(), client
        return self._made[1]


class _HTTP(stripe.HTTPClient):
    """Sends one request: no redirect, cookie or password of ``.netrc``, no endless answer."""

    name = "requests"

    def __init__(self, timeout: tuple[float, float], *, is_local: bool) -> None:
        super().__init__()
        self._timeout = timeout
        self._is_local = is_local
        self._threads = threading.local()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_options: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        """The body, the status and the headers of the answer."""
        end = time.monotonic() + 2 * sum(self._timeout)
        try:
            with closing(
                self._session.request(
                    method,
                    url,
                    headers=headers,
                    data=post_data,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                    auth=_keep_headers,
                )
            ) as reply:
                body = bytearray()
                for part in reply.iter_content(65536):
                    body += part
                    if len(body) > MAX_ANSWER or time.monotonic() > end:
                        raise _connection_error("The answer is too long")
                return body.decode(), reply.status_code, reply.headers
        except (requests.RequestException, UnicodeDecodeError) as error:
            raise _connection_error(type(error).__name__) from None

    @property
    def _session(self) -> requests.Session:
        """This thread's connections, which are kept open between requests."""
        found: requests.Session | None = getattr(self._threads, "session", None)
        if found is None:
            found = self._threads.session = requests.Session()
            # A proxy that the environment names is for Stripe, and not for this machine.
            found.trust_env = not self._is_local
            found.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return found


def _connection_error(text: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(text)  # type: ignore[no-untyped-call]


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Given as "auth", so that requests does not put a password of the machine's .netrc there.
    return request


def _raise(error: stripe.StripeError) -> NoReturn:
    """Raise what the library's exception means. It is not chained: it carries whole answers."""
    body = error.json_body
    said = declines.facts(body.get("error") if isinstance(body, dict) else None)
    status = error.http_status or 0
    text = f"Stripe answered {status or 'nothing'} {said.get('code', '')}".rstrip()
    text = redact(f"{text}: {str(error)[:300]}")
    match error:
        case stripe.RateLimitError():
            raise RateLimitedError(text) from None
        case stripe.CardError():
            raise StripeDeclinedError(text, said) from None
        case stripe.InvalidRequestError():
            is_missing = status == 404 and said.get("code") == "resource_missing"
            raise (MissingError if is_missing else StripeRefusedError)(text, said) from None
        case stripe.AuthenticationError() | stripe.PermissionError():
            raise StripeRefusedError(text, said) from None
        case _:
            raise MoocherError(text) from None


def _drop_secrets(answer: object) -> None:
    if isinstance(answer, dict):
        answer.pop(SECRET, None)
        for value in answer.values():
            _drop_secrets(value)
    elif isinstance(answer, list):
        for value in answer:
            _drop_secrets(value)


def _watch_log() -> None:
    """Redact what the library logs, which at the level DEBUG are whole answers."""
    log = logging.getLogger("stripe")
    if not any(isinstance(known, RedactionFilter) for known in log.filters):
        log.addFilter(RedactionFilter())
