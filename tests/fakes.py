"""Moochers of the tests, which pay at the fake PSP of `payments_ui.testing`.

The fixture `psp` of `tests.fixtures` starts the PSP, and its plan says what goes wrong there. A
test that needs an outcome beyond that lets a moocher report it: `cards.outcomes.append(...)`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest

from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt, Payment
from payments_ui.moochers.banktransfer import Account, BankTransferMoocher, Creditor
from payments_ui.moochers.base import AttemptUrls, Moocher, Notice
from payments_ui.testing.moochers import API_KEY, WEBHOOK_SECRET, InProcessMoocher, listed
from payments_ui.testing.psp import Charge, SandboxPSP, Status, Total

URLS = AttemptUrls("http://127.0.0.1:9/back", "http://127.0.0.1:9/webhook")


class CardForm(forms.Form):
    """No card data: only what a test needs to be wrong."""

    name = forms.CharField(label="Name on the card")
    note = forms.CharField(required=False)


class FakeMoocher(Moocher):
    """A moocher without a refund, a ledger and an account, whose PSP is the fake one.

    Instead of calling the PSP to charge it reports what `outcomes` holds, one after the other: an
    outcome, or a function that takes the attempt and returns an outcome or raises.
    """

    options = Moocher.options | {"sandbox"}
    sandbox = InProcessMoocher(account="")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.outcomes: deque[Outcome | Callable[[Attempt], Outcome]] = deque()

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> forms.Form:
        return CardForm(data)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        if self.outcomes:
            outcome = self.outcomes.popleft()
            return outcome(attempt) if callable(outcome) else outcome
        return charge(attempt, urls, self.sandbox)

    def ask(self, attempt: Attempt) -> Outcome:
        return self.sandbox.ask(attempt)

    def cancel(self, attempt: Attempt) -> Outcome:
        return self.sandbox.cancel(attempt)

    def webhook(self, request: HttpRequest) -> Notice:
        return self.sandbox.webhook(request)


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


cards = FakeMoocher(identifier="cards", title="Card")
francs = FakeMoocher(
    identifier="francs",
    title="Francs",
    currencies=frozenset({"CHF"}),
    minimum={"CHF": Decimal(2)},
)
broken = BrokenMoocher(identifier="broken", title="Broken")
scripted = ScriptedMoocher(identifier="scripted", title="Scripted")
transfer = BankTransferMoocher(
    identifier="transfer",
    creditor=Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich"),
    accounts={"CHF": Account("CH44 3199 9123 0008 8901 2")},
)
CARDS, FRANCS, BROKEN, SCRIPTED = listed(cards, francs, broken, scripted)
(TRANSFER,) = listed(transfer)


def new_psp() -> SandboxPSP:
    """Return a PSP for these moochers, not started yet. Its webhooks go nowhere."""
    return SandboxPSP(
        api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, account="", sender=lambda *webhook: 200
    )


def charge(
    attempt: Attempt, urls: AttemptUrls = URLS, sandbox: InProcessMoocher = FakeMoocher.sandbox
) -> Outcome:
    """Charge an attempt at the PSP, and store nothing."""
    return sandbox.charge(attempt, data={"card": "card_approve"}, urls=urls)


def charge_of(psp: SandboxPSP, attempt: Attempt) -> Charge:
    """Return the PSP's charge of an attempt."""
    (charge,) = psp.ledger.charges.by_reference(attempt.idempotency_key)
    return charge


def finish(psp: SandboxPSP, attempt: Attempt, status: Status = Status.SUCCEEDED) -> None:
    """Let the charge of an attempt end like this at the PSP, which sends no webhook about it."""
    code = "insufficient_funds" if status == Status.DECLINED else ""
    charge = charge_of(psp, attempt)
    psp.ledger.charges.move(charge.id, allowed=Status, status=status, decline_code=code)


def taken(psp: SandboxPSP) -> Decimal:
    """Return how many francs the PSP took altogether."""
    return Decimal(psp.ledger.totals().get("CHF", Total()).taken) / 100


class LaggingReplica:
    """Reads users from a replica, which does not know yet who has left."""

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return "replica" if model is User else None

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        return "default"
