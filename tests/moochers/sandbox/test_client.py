"""A PSP that talks nonsense has given no answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.sandbox.client import MAX_ANSWER
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import KEY, SECRET, pay

CHARGE: dict[str, Any] = {
    "id": "ch_" + "0" * 32,
    "account": "acct_sandbox",
    "live": False,
    "reference": "",
    "amount": 1200,
    "currency": "CHF",
    "card": "card_approve",
    "status": "succeeded",
    "decline_code": "",
}
Answer = Callable[[int, bytes], SandboxMoocher]


@pytest.fixture
def answering() -> Iterator[Answer]:
    """A moocher whose PSP answers everything alike."""
    answer: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer["body"])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def make(status: int, body: bytes) -> SandboxMoocher:
        answer.update(status=status, body=body)
        url = f"http://127.0.0.1:{server.server_port}/"
        return SandboxMoocher(psp_url=url, api_key=KEY, webhook_secret=SECRET)

    yield make
    server.shutdown()
    thread.join()
    server.server_close()


def charge(attempt: Attempt, **changes: Any) -> bytes:
    return json.dumps(CHARGE | {"reference": attempt.idempotency_key} | changes).encode()


def test_the_nonsense_begins_with_an_answer_that_is_right(
    answering: Answer, attempt: Attempt
) -> None:
    assert isinstance(pay(answering(201, charge(attempt)), attempt), Succeeded)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "ch_1"},
        {"id": CHARGE["id"] + "\n"},
        {"reference": "other"},
        {"amount": "1200"},
        {"amount": 1200.0},
        {"amount": True},
        {"currency": None},
        {"currency": "chf"},
        {"account": None},
        {"live": 0},
        {"live": None},
        {"status": "paid"},
        {"status": None},
        {"decline_code": None},
        {"status": "requires_action"},
        {"status": "requires_action", "action_url": "javascript:alert(1)", "expires_at": 1},
        {"status": "requires_action", "action_url": "https://example.com/pay/a", "expires_at": 1},
    ],
)
def test_a_charge_that_is_not_right_is_no_answer(
    answering: Answer, attempt: Attempt, changes: dict[str, Any]
) -> None:
    moocher = answering(201, charge(attempt, **changes))
    with pytest.raises(Exception, match=r".+"):
        pay(moocher, attempt)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b""),
        (201, b"<html>"),
        (201, b"\xff"),
        (201, b"[]"),
        (201, b"[" * 100_000),
        (201, b" " * (MAX_ANSWER + 1)),
        (200, b"{}"),
        (303, b"{}"),
        (402, b'{"error": "declined"}'),
        (500, b'{"error": {"code": "<script>"}}'),
        (503, b'{"error": {"code": 1}}'),
    ],
)
def test_an_answer_that_is_none_is_none(
    answering: Answer, attempt: Attempt, status: int, body: bytes
) -> None:
    with pytest.raises(MoocherError) as error:
        pay(answering(status, body), attempt)
    assert "<" not in str(error.value)


@pytest.mark.parametrize("body", [b"{}", b'{"data": null}', b'{"data": [1]}', b'{"data": [1, 2]}'])
def test_an_odd_list_is_no_answer(answering: Answer, attempt: Attempt, body: bytes) -> None:
    with pytest.raises(MoocherError):
        answering(200, body).ask(attempt)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"reference": "other", "charge": null}', b'{"reference": "%s"}']
)
def test_a_cancellation_has_to_be_confirmed(
    answering: Answer, attempt: Attempt, body: bytes
) -> None:
    body = body.replace(b"%s", attempt.idempotency_key.encode())
    with pytest.raises(MoocherError, match="did not confirm"):
        answering(200, body).cancel(attempt)


def test_an_answer_that_drips_is_left_in_time(attempt: Attempt, psp: SandboxPSP) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, timeout=-1)
    moocher._client._opener = _Drip()  # type: ignore[assignment]
    with pytest.raises(MoocherError, match="too long"):
        pay(moocher, attempt)


class _Drip:
    """An answer that comes byte by byte and never ends."""

    status = 201

    def open(self, request: object, timeout: float) -> _Drip:
        return self

    def read1(self, size: int) -> bytes:
        return b" "

    def __enter__(self) -> _Drip:
        return self

    def __exit__(self, *args: object) -> None:
        pass
