from __future__ import annotations

import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.__main__ import API_KEY, main
from tests.testing.psp.conftest import Client


def test_it_runs_from_the_command_line_until_it_is_terminated(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    command = [sys.executable, "-m", "payments_ui.testing.psp", "--port", "0"]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--ledger", str(ledger)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.fullmatch(r"Sandbox PSP \(no real money\): (http://127\.0\.0\.1:\d+)\n", line)
        assert found
        key = f"Bearer {API_KEY}"
        assert Client(found[1]).send("GET", "/v1/totals", Authorization=key).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert ledger.exists()


def test_it_ends_when_the_event_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    until = threading.Event()
    until.set()
    assert main(["--port", "0"], until) == 0
    assert "no real money" in capsys.readouterr().out


def test_events_of_stripe_go_where_they_are_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = threading.Event()
    until.set()
    ledger, url = str(tmp_path / "ledger"), "http://127.0.0.1:9/hook"
    for _time in range(2):
        options = ["--port", "0", "--ledger", ledger, "--stripe-webhook-url", url]
        assert main(options, until) == 0
    with SandboxPSP(api_key="key", webhook_secret="secret", ledger=ledger) as psp:
        [endpoint] = psp.stripe.account.find("webhook_endpoint")
    assert endpoint["url"] == url


def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.setdefault)
    thread = threading.Thread(target=lambda: results.append(main(["--port", "0"])))
    results: list[int] = []
    thread.start()
    while len(handlers) < 2:
        threading.Event().wait(0.01)
    handlers[signal.SIGINT](signal.SIGINT, None)
    thread.join(60)
    assert results == [0]


def test_a_taken_port_is_reported_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["--port", port], threading.Event()) == 1
    assert f"cannot listen on port {port}" in capsys.readouterr().err


def test_a_ledger_that_cannot_be_opened_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "missing" / "ledger")
    assert main(["--port", "0", "--ledger", path], threading.Event()) == 1
    assert "cannot open its ledger" in capsys.readouterr().err


def test_it_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "payments_ui.testing.psp.__main__")
    monkeypatch.setattr(sys, "argv", ["psp", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("payments_ui.testing.psp", run_name="__main__")
    assert ended.value.code == 0
    assert "no real money" in capsys.readouterr().out
