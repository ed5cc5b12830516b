from __future__ import annotations

import logging
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.http import Listener, Request, Response
from tests.testing.psp.conftest import Client


def raw(url: str, data: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
        line.sendall(data)
        return b"".join(iter(lambda: line.recv(4096), b""))


def test_it_needs_nothing_but_python() -> None:
    code = "import sys, payments_ui.testing.psp.__main__ as m; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "False\n"


@pytest.mark.parametrize("options", [{"api_key": ""}, {"webhook_secret": ""}])
def test_it_refuses_to_run_without_secrets(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="needs an API key and a webhook secret"):
        SandboxPSP(**{"api_key": "a", "webhook_secret": "b"} | options)  # type: ignore[arg-type]


def test_it_listens_on_this_machine_only(psp: SandboxPSP) -> None:
    assert psp.url.startswith("http://127.0.0.1:")
    assert psp._listener.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_an_error_and_leaves_nothing_open(psp: SandboxPSP) -> None:
    port = urlsplit(psp.url).port
    assert port
    with pytest.raises(OSError, match="use"):
        SandboxPSP(api_key="a", webhook_secret="b", port=port)


def test_a_ledger_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        SandboxPSP(api_key="a", webhook_secret="b", ledger=str(tmp_path / "missing" / "ledger"))


def test_a_psp_that_was_never_started_can_be_stopped() -> None:
    SandboxPSP(api_key="a", webhook_secret="b").stop()


def test_a_restart_goes_on_with_the_same_ledger(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite3")
    with SandboxPSP(api_key="the-key", webhook_secret="b", ledger=path) as psp:
        first = Client(psp.url).charge(key="k").text
    with SandboxPSP(api_key="the-key", webhook_secret="b", ledger=path) as psp:
        assert Client(psp.url).charge(key="k").text == first
        assert psp.ledger.totals()["CHF"].taken == 1200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/charges/ch_1", 404),
        ("GET", "/../../etc/passwd", 404),
        ("PUT", "/v1/charges", 405),
        ("DELETE", "/", 405),
        ("HEAD", "/", 405),
        ("OPTIONS", "/v1/charges", 405),
        ("PATCH", "/nothing", 404),
        ("TRACE", "/", 501),
    ],
)
def test_unknown_paths_and_methods_are_refused(
    client: Client, method: str, path: str, status: int
) -> None:
    assert client.send(method, path).status == status


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "", "127.0.0.1.example.com"])
def test_another_name_for_this_machine_is_refused(client: Client, host: str) -> None:
    # Else any site could rename itself to 127.0.0.1 and read the ledger (DNS rebinding).
    reply = client.send("GET", "/", Host=host)
    assert reply.status == 403


@pytest.mark.parametrize("origin", ["http://example.com", "null", "http://127.0.0.1:1"])
def test_forms_of_other_sites_are_refused(psp: SandboxPSP, client: Client, origin: str) -> None:
    reply = client.send("POST", "/dashboard/plan", b"scenario=declined", Origin=origin)
    assert reply.status == 403
    assert psp.plan.steps() == []


def test_forms_of_its_own_pages_are_accepted(psp: SandboxPSP, client: Client) -> None:
    reply = client.send("POST", "/dashboard/plan", b"scenario=declined", Origin=psp.url)
    assert reply.status == 303


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 99999999999999999999", 413),
        (b"Content-Length: 65537", 413),
        (b"Content-Length: -1", 400),
        (b"Content-Length: one", 400),
        (b"Transfer-Encoding: chunked", 411),
    ],
)
def test_a_body_has_a_length_and_a_limit(client: Client, head: bytes, status: int) -> None:
    request = b"POST /v1/charges HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n"
    assert raw(client.url, request).split(b" ")[1] == b"%d" % status


def test_a_client_that_leaves_is_no_error(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    parts = urlsplit(client.url)
    with socket.create_connection((parts.hostname, parts.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
    assert client.send("GET", "/").status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_mistake_of_its_own_is_logged_and_does_not_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def respond(request: Request) -> Response:
        if request.path == "/broken":
            raise ZeroDivisionError
        return Response(200, "fine")

    listener = Listener(("127.0.0.1", 0), respond)
    listener.start()
    url = f"http://127.0.0.1:{listener.server_port}"
    assert raw(url, b"GET /broken HTTP/1.1\r\n\r\n") == b""
    assert b"fine" in raw(url, b"GET / HTTP/1.1\r\n\r\n")
    assert b"fine" not in raw(url, b"HEAD / HTTP/1.1\r\n\r\n")
    listener.stop()
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_stopping_waits_for_what_is_being_answered() -> None:
    asked = threading.Event()
    finished: list[bool] = []

    def respond(request: Request) -> Response:
        asked.set()
        time.sleep(0.3)
        finished.append(True)
        return Response(200)

    listener = Listener(("127.0.0.1", 0), respond)
    listener.start()
    with socket.create_connection(("127.0.0.1", listener.server_port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert asked.wait(60)
        listener.stop()
    assert finished == [True]


def test_it_counts_its_calls(psp: SandboxPSP, client: Client) -> None:
    charge = client.charge(key="k").json["id"]
    client.charge(key="k")
    psp.plan.outage(60)
    for method, path in (
        ("GET", f"/v1/charges/{charge}"),
        ("GET", "/v1/charges"),
        ("POST", f"/v1/charges/{charge}/cancel"),
        ("POST", "/v1/refunds"),
    ):
        assert client.call(method, path, {}).status == 503
    client.call("GET", "/v1/totals")
    assert psp.calls == {"create": 2, "fetch": 2, "cancel": 1, "refund": 1}
