"""Asking Stripe: what is no definite answer is none, and no secret gets out."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.moochers.stripe.client import (
    MAX_ANSWER,
    Client,
    MissingError,
    StripeDeclinedError,
    StripeRefusedError,
)
from payments_ui.testing.psp import SandboxPSP

from . import answers
from .conftest import entered, moocher_at, pay

Answering = Callable[..., Client]
HEARD: list[dict[str, str]] = []


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A client whose Stripe answers everything alike."""
    answer: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            HEARD.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(answer["status"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer["body"])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    HEARD.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def make(status: int, body: Any, **headers: str) -> Client:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer.update(status=status, body=content, headers=headers)
        url = f"http://127.0.0.1:{server.server_port}"
        return Client("sk_test_0123456789", api_base=url, timeout=(1, 1), telemetry=False)

    yield make
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(client: Client) -> dict[str, Any]:
    return client.ask(lambda stripe: stripe.v1.payment_intents.retrieve("pi_1234"))


def listed(client: Client) -> list[Any]:
    return list(client.pages(lambda stripe, page: stripe.v1.events.list({"limit": page["limit"]})))


def test_the_nonsense_begins_with_an_answer_that_is_right(answering: Answering) -> None:
    assert fetch(answering(200, answers.intent()))["id"] == answers.PAYMENT


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"type": "invalid_request_error", "code": "parameter_unknown"}, StripeRefusedError),
        (401, {"type": "invalid_request_error"}, StripeRefusedError),
        (403, {"type": "invalid_request_error"}, StripeRefusedError),
        (404, {"type": "invalid_request_error", "code": "resource_missing"}, MissingError),
        (404, {"type": "invalid_request_error"}, StripeRefusedError),
        (402, {"type": "card_error", "code": "card_declined"}, StripeDeclinedError),
        (429, {"type": "invalid_request_error", "code": "rate_limit"}, RateLimitedError),
    ],
)
def test_what_stripe_refuses_is_told_apart(
    answering: Answering, status: int, error: dict[str, str], expected: type[MoocherError]
) -> None:
    with pytest.raises(MoocherError) as refused:
        fetch(answering(status, {"error": error}))
    assert type(refused.value) is expected


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"\xff"),
        (200, b"[1]"),
        (200, b"7"),
        (200, b'"text"'),
        (200, b" " * (MAX_ANSWER + 1)),
        (302, b"{}"),
        (400, b"<html>"),
        (400, {"error": {"type": "idempotency_error", "message": "Keys"}}),
        (409, {"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use"}}),
        (409, {"error": {"code": "lock_timeout"}}),
        (500, {"error": {"type": "api_error"}}),
        (502, b"Bad gateway"),
        (503, b"{}"),
    ],
)
def test_an_answer_that_is_none_is_none(answering: Answering, status: int, body: Any) -> None:
    with pytest.raises(MoocherError) as error:
        fetch(answering(status, body, Location="/elsewhere"))
    assert not isinstance(error.value, RequestRefusedError)
    # Asked once: no redirect is followed, and nothing sent again.
    assert len(HEARD) == 1


def test_a_silent_line_is_no_answer() -> None:
    client = Client(
        "sk_test_0123456789", api_base="http://127.0.0.1:9", timeout=(1, 1), telemetry=False
    )
    with pytest.raises(MoocherError, match="nothing"):
        fetch(client)


@pytest.mark.parametrize(
    "body",
    [{"data": None, "has_more": False}, {"data": [1], "has_more": False}, {"data": []}, {}],
)
def test_an_odd_list_is_no_answer(answering: Answering, body: Any) -> None:
    client = answering(200, body)
    with pytest.raises(MoocherError):
        listed(client)


def test_a_list_whose_end_is_empty_ends(answering: Answering) -> None:
    client = answering(200, {"object": "list", "data": [], "has_more": True})
    assert listed(client) == []


def test_secrets_stay_with_stripe_unless_they_are_asked_for(answering: Answering) -> None:
    intent = answers.intent(client_secret="pi_1_secret_2")
    client = answering(200, answers.session(payment_intent=[intent], client_secret="cs_secret"))
    assert "secret" not in repr(fetch(client))
    client = answering(200, intent)
    answer, secret = client.ask_with_secret(
        lambda stripe: stripe.v1.payment_intents.retrieve("pi_1234")
    )
    assert secret == "pi_1_secret_2"
    assert "secret" not in repr(answer)
    client = answering(200, answers.intent(client_secret=None))
    with pytest.raises(MoocherError, match="no client secret"):
        client.ask_with_secret(lambda stripe: stripe.v1.payment_intents.retrieve("pi_1234"))


def test_an_error_carries_no_answer_and_no_key(answering: Answering) -> None:
    error = {
        "message": "Invalid key sk_test_0123456789",
        "code": "card_declined",
        "payment_intent": {"id": "pi_1", "client_secret": "pi_1_secret_2"},
    }
    with pytest.raises(StripeDeclinedError) as refused:
        fetch(answering(402, {"error": error}, **{"request-id": "req_1"}))
    told = f"{refused.value!r} {refused.value} {refused.value.said}"
    assert "sk_test_0123456789" not in told
    assert "secret_2" not in told
    assert "req_1" in told
    assert refused.value.__suppress_context__


def test_the_librarys_log_has_no_secrets(
    answering: Answering, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="stripe")
    fetch(answering(200, answers.intent(client_secret="pi_1_secret_2")))
    assert "API response body" in caplog.text
    assert "secret_2" not in caplog.text


def test_telemetry_is_off_unless_it_is_switched_on(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stripe, "enable_telemetry", True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    client = answering(200, answers.intent(), **{"Request-Id": "req_1"})
    for _time in range(2):
        fetch(client)
    assert stripe.enable_telemetry is False
    assert not [heard for heard in HEARD if "x-stripe-client-telemetry" in heard]
    assert not list(tmp_path.iterdir())


def test_a_password_of_the_machine_is_not_sent(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = answering(200, answers.intent())
    # As at Stripe itself, where proxies of the environment are used.
    monkeypatch.setattr("payments_ui.moochers.stripe.client.API", client.api_base)
    fetch(client)
    assert HEARD[0]["authorization"] == "Bearer sk_test_0123456789"


def test_connections_are_kept_and_cookies_are_not(answering: Answering) -> None:
    client = answering(200, answers.intent(), **{"Set-Cookie": "a=b; Path=/"})
    for _time in range(2):
        fetch(client)
    assert [heard for heard in HEARD if "cookie" in heard] == []


def test_a_forked_process_has_connections_of_its_own(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = answering(200, answers.intent())
    first = client._client()
    assert client._client() is first
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert client._client() is not first


@pytest.mark.parametrize(
    "url",
    [
        "http://api.stripe.com",
        "https://example.com",
        "http://127.0.0.1",
        "http://127.0.0.1:80@example.com",
        "http://localhost:80",
        "",
    ],
)
def test_stripe_is_nowhere_else(url: str) -> None:
    with pytest.raises(ValueError, match="Stripe is at"):
        Client("sk_test_0123456789", api_base=url, timeout=(1, 1), telemetry=False)


def test_stripe_that_hangs_is_left_in_time(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher: StripeMoocher = moocher_at(psp, timeout=(0.3, 0.3))
    data = entered(psp)
    psp.plan.add("hang", on="create")
    with pytest.raises(MoocherError, match="ReadTimeout"):
        pay(moocher, attempt, data)
