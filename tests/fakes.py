"""A PSP that keeps its own books, the moochers that talk to it, and how tests direct them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import AttemptUrls, Moocher, Notice

SECRET = b"shared with the PSP"


@dataclass
class Charge:
    """One line of the PSP's books."""

    reference: str
    amount: Decimal
    currency: str
    state: str
    urls: AttemptUrls


@dataclass
class FakePSP:
    """Plays ``plan`` step by step, then approves; ``asked`` lists every question it got.

    ``during`` is called while it works on a charge; ``down`` makes every question time out.
    """

    books: dict[str, Charge] = field(default_factory=dict)
    plan: deque[str] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    during: Callable[[], object] | None = None
    down: bool = False
    keeps: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]

    @property
    def taken(self) -> Decimal:
        """What it took altogether."""
        taken = (c.amount for c in self.books.values() if c.state == "taken")
        return sum(taken, start=Decimal(0))

    def charge(self, attempt: Attempt, urls: AttemptUrls) -> Outcome:
        self._hear("charge")
        step = self.plan.popleft() if self.plan else "approve"
        if step == "lose request":
            raise TimeoutError("The line is dead")
        if step == "never sent":
            return Declined(code=DeclineCode.NEVER_HAPPENED)
        state = {"decline": "declined", "action": "action", "wait": "waits"}.get(step, "taken")
        with self.lock:
            self.books.setdefault(
                attempt.idempotency_key,
                Charge(f"psp-{attempt.pk}", attempt.amount, attempt.currency, state, urls),
            )
        if self.during:
            self.during()
        if step == "lose reply":
            raise TimeoutError("The line is dead")
        if step == "garble":
            return {"status": "ok"}  # type: ignore[return-value]
        if step == "overlong":
            return ActionRequired(url="https://psp.example/" + "x" * 2000)
        return self.look(attempt)

    def ask(self, attempt: Attempt) -> Outcome:
        self._hear("ask")
        return self.look(attempt)

    def cancel(self, attempt: Attempt) -> Outcome:
        self._hear("cancel")
        charge = self.books.get(attempt.idempotency_key)
        if charge and charge.state in ("action", "waits") and not self.keeps:
            charge.state = "cancelled"
        return self.look(attempt)

    def look(self, attempt: Attempt) -> Outcome:
        charge = self.books.get(attempt.idempotency_key)
        if charge is None:
            return Declined(code=DeclineCode.NEVER_HAPPENED)
        answers: dict[str, Outcome] = {
            "taken": Succeeded(
                psp_reference=charge.reference, amount=charge.amount, currency=charge.currency
            ),
            "declined": Declined(code=DeclineCode.INSUFFICIENT_FUNDS),
            "action": ActionRequired(url="https://psp.example/pay", psp_reference=charge.reference),
            "waits": Pending(psp_reference=charge.reference),
            "cancelled": Cancelled(psp_reference=charge.reference),
        }
        return answers[charge.state]

    def of(self, attempt: Attempt) -> Charge:
        """Its line about this attempt."""
        return self.books[attempt.idempotency_key]

    def _hear(self, question: str) -> None:
        self.asked.append(question)
        if self.down:
            raise TimeoutError("The line is dead")


class CardForm(forms.Form):
    """No card data: only what a test needs to be wrong."""

    name = forms.CharField(label="Name on the card")
    note = forms.CharField(required=False)


class FakeMoocher(Moocher):
    """Talks to ``psp``, which is its books."""

    options = Moocher.options | {"psp"}
    psp: FakePSP

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> forms.Form:
        return CardForm(data)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        return self.psp.charge(attempt, urls)

    def ask(self, attempt: Attempt) -> Outcome:
        return self.psp.ask(attempt)

    def cancel(self, attempt: Attempt) -> Outcome:
        return self.psp.cancel(attempt)

    def webhook(self, request: HttpRequest) -> Notice:
        signature = request.headers.get("Fake-Signature", "")
        if not hmac.compare_digest(sign(request.body), signature):
            raise WebhookSignatureError("not the PSP")
        event = json.loads(request.body)
        attempt = event.get("attempt")
        return Notice(
            event_id=event["id"],
            attempt_id=UUID(attempt) if attempt else None,
            psp_reference=event.get("reference"),
        )


class BrokenMoocher(Moocher):
    """Raises wherever it can."""

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        raise RuntimeError("broken")

    def get_form(self, *args: object) -> forms.Form:
        raise RuntimeError("broken")


class ScriptedMoocher(FakeMoocher):
    """Its form brings a script, which works on a page of its own only."""

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        return super().payment_form(request, payment) + "<script src='/its.js'></script>"


def sign(body: bytes) -> str:
    """The PSP's signature of a webhook."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


psp = FakePSP()
cards = FakeMoocher(identifier="cards", title="Card", psp=psp)
francs = FakeMoocher(
    identifier="francs",
    title="Francs",
    psp=psp,
    currencies=frozenset({"CHF"}),
    minimum={"CHF": Decimal(2)},
)
broken = BrokenMoocher(identifier="broken", title="Broken")
scripted = ScriptedMoocher(identifier="scripted", title="Scripted", psp=psp)
CARDS, FRANCS, BROKEN, SCRIPTED = (
    f"tests.fakes.{name}" for name in ("cards", "francs", "broken", "scripted")
)
