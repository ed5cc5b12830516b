"""The moocher of the documentation keeps the contract that the documentation states."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui import money
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher
from payments_ui.testing.contracts import MoocherContract

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "cashbox.py"
SECRET = "shared"


def _documented() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cashbox", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CashboxMoocher = _documented().CashboxMoocher


class Cashbox(ThreadingHTTPServer):
    """The payment service of the documentation, with its own ledger."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Till)
        self.ledger: dict[str, dict[str, Any]] = {}


class Till(BaseHTTPRequestHandler):
    """Puts, gets and deletes payments by the names their owner gave them."""

    server: Cashbox

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        paid = {"id": f"box-{self._name}", "status": "paid"} | body
        self._answer(self.server.ledger.setdefault(self._name, paid))

    def do_GET(self) -> None:
        self._answer(self.server.ledger.get(self._name))

    do_DELETE = do_GET

    @property
    def _name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def _answer(self, payment: dict[str, Any] | None) -> None:
        self.send_response(200 if payment else 404)
        self.end_headers()
        self.wfile.write(json.dumps(payment).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class TestCashbox(MoocherContract):
    """Everything the contract asks for."""

    psp: Cashbox

    @pytest.fixture(autouse=True)
    def cashbox(self) -> Iterator[None]:
        self.psp = Cashbox()
        threading.Thread(target=self.psp.serve_forever, args=(0.01,), daemon=True).start()
        yield
        self.psp.shutdown()
        self.psp.server_close()

    @pytest.fixture
    def moocher(self) -> Moocher:
        url = f"http://127.0.0.1:{self.psp.server_port}"
        moocher: Moocher = CashboxMoocher(url=url, key="key", secret=SECRET)
        return moocher

    def taken(self, attempt: Attempt) -> Decimal:
        payment = self.psp.ledger.get(attempt.idempotency_key)
        if payment is None:
            return Decimal(0)
        return money.from_minor_units(payment["amount"], payment["currency"])

    def outage(self) -> AbstractContextManager[Any]:
        return patch.object(Till, "_answer", lambda till, payment: till.send_error(503))

    def webhook_request(self, attempt: Attempt) -> HttpRequest:
        body = json.dumps({"id": "evt-1", "payment": attempt.psp_reference}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Cashbox-Signature": signature}
        return RequestFactory().post("/", body, content_type="application/json", headers=headers)


def test_it_takes_sixty_lines() -> None:
    source = EXAMPLE.read_text()
    assert len(source[source.index("class CashboxMoocher") :].splitlines()) <= 60
