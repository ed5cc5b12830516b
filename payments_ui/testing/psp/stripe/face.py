"""Stripe's API: which call answers at which URL, and how calls are executed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer, Calls, KeyBusyError, KeyReusedError, fingerprint
from payments_ui.testing.psp.http import ApiError, Request, Response, Route, is_loopback_origin
from payments_ui.testing.psp.ledger.charges import Charge, Status
from payments_ui.testing.psp.ledger.disputes import Dispute
from payments_ui.testing.psp.ledger.refunds import Refund
from payments_ui.testing.psp.plan import Plan
from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct

from . import (
    balance_transactions,
    charges,
    checkout_sessions,
    confirmation_tokens,
    customers,
    disputes,
    early_fraud_warnings,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    webhook_endpoints,
)
from .account import TRAIN, Account
from .calls import ApiCall, Call, StripeObject, get
from .errors import CardError, StripeError
from .mandates import Mandates
from .pages import Pages
from .params import check_names, decode
from .payment_methods import card_of

# No secrets: they open a server without money on this machine, and nothing else.
SECRET_KEY = "sk_test_sandbox"  # noqa: S105
PUBLISHABLE_KEY = "pk_test_sandbox"
WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105


class Resource(Protocol):
    """A kind of object at Stripe, and the calls about it."""

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""


class StripeFace:
    """What the fake PSP is to a merchant who uses Stripe. Get it as `SandboxPSP.stripe`.

    - `url`: the base address for `stripe.StripeClient`, and of the browser's stand-in
    - `secret_key`, `publishable_key`: the keys of the account; `webhook_secret`: of `listen`
    - the resources, by their names at Stripe: `payment_intents`, `disputes`, ...
    """

    def __init__(self, bank: Bank, calls: Calls, plan: Plan, admit: Callable[[str], None]) -> None:
        self.url = f"{bank.url}/stripe"
        self.secret_key = SECRET_KEY.replace("test", "live") if bank.ledger.live else SECRET_KEY
        self.publishable_key = (
            PUBLISHABLE_KEY.replace("test", "live") if bank.ledger.live else PUBLISHABLE_KEY
        )
        self.webhook_secret = WEBHOOK_SECRET
        self._bank = bank
        self._calls = calls
        self._admit = admit
        account = self.account = Account(bank, self.url)
        self.customers = customers.Customers(account)
        self.payment_methods = payment_methods.PaymentMethods(account, self.customers)
        self.mandates = Mandates(account)
        self.confirmation_tokens = confirmation_tokens.ConfirmationTokens(
            account, self.payment_methods
        )
        self.charges = charges.Charges(account, self.payment_methods)
        self.payment_intents = payment_intents.PaymentIntents(
            account,
            self.customers,
            self.payment_methods,
            self.confirmation_tokens,
            self.charges,
            self.mandates,
        )
        self.setup_intents = setup_intents.SetupIntents(
            account,
            self.customers,
            self.payment_methods,
            self.confirmation_tokens,
            self.mandates,
        )
        self.checkout_sessions = checkout_sessions.CheckoutSessions(
            account, self.customers, self.payment_intents, self.setup_intents, plan.take
        )
        self.refunds = refunds.Refunds(account, self.charges, self.payment_methods)
        self.disputes = disputes.Disputes(account, self.charges, self.payment_methods)
        self.early_fraud_warnings = early_fraud_warnings.EarlyFraudWarnings(account, self.charges)
        self.balance_transactions = balance_transactions.BalanceTransactions(account, self.disputes)
        self.events = events.Events(account)
        self.webhook_endpoints = webhook_endpoints.WebhookEndpoints(account)
        self._pages = Pages(account, self.setup_intents, self.checkout_sessions)
        account.retrievers |= {
            "ch": self.charges.find,
            "cus": lambda object_id: account.get("customer", object_id),
            "pi": lambda object_id: account.get("payment_intent", object_id),
            "pm": self.payment_methods.find,
            "txn": self.balance_transactions.find,
            "re": self.refunds.find,
            "seti": self.setup_intents.find,
            "setatt": lambda object_id: account.get("setup_attempt", object_id),
            "mandate": lambda object_id: account.get("mandate", object_id),
        }

    # For tests

    def listen(self, url: str, *, events: Collection[str] = ("*",)) -> None:
        """Send webhooks to this URL from now on, signed with `webhook_secret`."""
        for endpoint in self.account.find("webhook_endpoint", url=url):
            self._bank.ledger.documents.delete(endpoint["id"])
        self.webhook_endpoints.add(url, events=events, secret=self.webhook_secret)

    def confirmation_token(self, method: str = "pm_card_visa", **params: str) -> str:
        """Make a confirmation token of a test card as the browser does; return its id."""
        made = self.confirmation_tokens.create(Call({"payment_method": method, **params}))
        return str(made["id"])

    def decide(self, url: str, decision: str) -> str:
        """Do what the customer does on a page: "approve", "refuse" or "cancel".

        On Stripe's page they pay with a Visa, try a card that is declined and leave, or leave.
        Return the URL that leads back to the shop. KeyError for an unknown page.
        """
        return self._pages.act(url, decision)

    def finish_due(self) -> None:
        """Close pages whose time is over."""
        self.checkout_sessions.finish_due()

    # What the bank tells its faces

    def charge_moved(self, charge: Charge) -> None:
        """Bring the payment to where its charge is; the card decides what happens then."""
        self.payment_intents.moved(charge)
        self.checkout_sessions.intent_moved(self.payment_intents.find(charge.known_as))
        card = card_of(self.payment_methods.find(charge.card))
        if charge.status != Status.SUCCEEDED or card is None:
            return
        if card.disputed:
            self._bank.open_dispute(charge.id, reason=card.disputed, inquiry=card.inquiry)
        if card.warns:
            self.early_fraud_warnings.warn(charge.id)

    def refund_moved(self, refund: Refund, charge: Charge) -> None:
        """Tell the merchant what became of a refund."""
        self.refunds.moved(refund, charge)

    def dispute_moved(self, dispute: Dispute, charge: Charge) -> None:
        """Tell the merchant what became of a dispute."""
        self.disputes.moved(dispute, charge)

    # HTTP

    def api(self) -> Sequence[ApiCall]:
        """Return every call that the API answers."""
        resources: list[Resource] = [
            *(self.payment_intents, self.setup_intents, self.checkout_sessions, self.charges),
            *(self.confirmation_tokens, self.customers, self.payment_methods, self.mandates),
            *(self.refunds, self.disputes, self.early_fraud_warnings, self.balance_transactions),
            *(self.events, self.webhook_endpoints),
        ]
        account = get("/v1/account", self._show_account)
        return [account, *(call for resource in resources for call in resource.calls())]

    def routes(self) -> list[Route]:
        """Return the routes of API and pages, below `/stripe`."""
        calls = self.api()
        preflights = [
            Route("OPTIONS", f"/stripe{one.path}", self._preflight)
            for one in calls
            if one.for_browsers
        ]
        return [
            *(Route(one.method, f"/stripe{one.path}", self._handler(one)) for one in calls),
            *preflights,
            *self._pages.routes(),
        ]

    def answer_error(self, request: Request, error: ApiError) -> Response:
        """Return an error of the server as Stripe shows it."""
        codes = {"rate_limited": "rate_limit", "key_busy": "idempotency_key_in_use"}
        kind = "api_error" if error.status >= 500 else "invalid_request_error"
        if isinstance(error, KeyReusedError | KeyBusyError):
            kind = "idempotency_error"
        status = 400 if isinstance(error, KeyReusedError) else error.status
        code = codes.get(error.code)
        shown = StripeError(str(error), status=status, kind=kind, code=code)
        return _response(request, Answer(status, shown.to_json()))

    def _handler(self, api_call: ApiCall) -> Callable[..., Response]:
        def handle(request: Request, *ids: str) -> Response:
            try:
                answer = self._execute(api_call, request, ids)
            except StripeError as refused:
                answer = Answer(refused.status, refused.to_json())
            return _response(request, answer)

        return handle

    def _execute(self, api_call: ApiCall, request: Request, ids: tuple[str, ...]) -> Answer:
        params = decode(request.query if request.method != "POST" else request.body.decode())
        from_browser = self._authenticate(api_call, request, str(params.pop("key", "")))
        operation = api_call.operation
        operation = operation(params) if callable(operation) else operation
        if operation:
            self._admit(operation)
        if "payment_method_types" in params and request.method == "POST":
            payment_intents.chosen_types(params, "")
        check_names(params, api_call.takes)

        def act(conduct: Conduct, key: str) -> Answer:
            with self._bank.ledger.store.transaction():
                try:
                    call = Call(params, conduct, key, from_browser)
                    found = api_call.handler(call, *ids)
                except CardError as declined:
                    return Answer(declined.status, declined.to_json())
                return Answer(200, json.dumps(self.account.expanded(found, params)))

        if operation is None:
            return act(AS_USUAL, "")
        if request.method == "GET":
            return self._calls.execute(operation, lambda: act(AS_USUAL, ""))
        key = request.headers.get("idempotency-key") or secrets.token_hex(16)
        if len(key) > 255:
            raise StripeError("An idempotency key has up to 255 characters.")
        print_ = fingerprint(f"{request.method} {request.path}", params)
        return self._calls.execute_once(
            operation, f"stripe:{key}", print_, lambda conduct: act(conduct, key)
        )

    def _authenticate(self, api_call: ApiCall, request: Request, key: str) -> bool:
        """Tell whether a browser calls; StripeError for whoever may not."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or key
        from_browser = given == self.publishable_key
        if from_browser and not api_call.for_browsers:
            text = "This API call cannot be made with a publishable API key."
            raise StripeError(text, status=401, code="secret_key_required")
        if given not in {self.publishable_key, self.secret_key}:
            raise StripeError("Invalid API Key provided.", status=401)
        version = request.headers.get("stripe-version", TRAIN)
        if not version.endswith(TRAIN):
            raise StripeError(f"Invalid Stripe API version: {version[:50]}")
        account = request.headers.get("stripe-account", self._bank.ledger.account)
        if account != self._bank.ledger.account:
            text = "The provided key does not have access to this account."
            raise StripeError(text, status=403, code="account_invalid")
        return from_browser

    def _preflight(self, request: Request, *ids: str) -> Response:
        headers = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "authorization, content-type, stripe-version",
        }
        return Response(204, headers=_cors(request) | headers)

    def _show_account(self, call: Call) -> StripeObject:
        return {"id": self._bank.ledger.account, "object": "account"}


def _response(request: Request, answer: Answer) -> Response:
    headers = {"Request-Id": f"req_{secrets.token_hex(8)}"}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.status, answer.body, headers=headers | _cors(request))


def _cors(request: Request) -> dict[str, str]:
    origin = request.headers.get("origin", "")
    if not is_loopback_origin(origin):
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
