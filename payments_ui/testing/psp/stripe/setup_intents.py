"""SetupIntents: payment methods that are kept without a payment."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from . import params as read
from .account import Account, shown
from .calls import PAGE, ApiCall, Call, StripeObject, check_secret, get, post
from .confirmation_tokens import USAGES, ConfirmationTokens
from .customers import Customers
from .declines import decline
from .errors import StripeError
from .mandates import ACCEPTANCE, Mandates
from .params import Params
from .payment_intents import (
    CHALLENGE,
    METHOD_CHOICE,
    RETRIEVE,
    UNFINISHED,
    card_error,
    chosen_types,
    next_action,
)
from .payment_methods import DATA, PaymentMethods, card_of

_CONFIRMING = (
    {f"payment_method_data.{name}" for name in DATA}
    | ACCEPTANCE
    | {
        *("confirmation_token", "expand", "payment_method", "return_url", "use_stripe_sdk"),
        "payment_method_options.card.request_three_d_secure",
    }
)
_DESCRIBING = {"customer", "description", "metadata.*", "payment_method", "expand"}
CREATE = _CONFIRMING | _DESCRIBING | METHOD_CHOICE | {"confirm", "usage"}
UPDATE = _DESCRIBING
CONFIRM = _CONFIRMING
CANCEL = {"cancellation_reason", "expand"}
LIST = PAGE | {"customer", "payment_method"}
_REASONS = ("abandoned", "duplicate", "requested_by_customer")


def operation_of(params: Params) -> str:
    """Return the operation that creating is: one that keeps a method, or one that does not yet."""
    return "save" if params.get("confirm") == "true" else "prepare"


class SetupIntents:
    """Answers calls about set-ups."""

    def __init__(
        self,
        account: Account,
        customers: Customers,
        methods: PaymentMethods,
        tokens: ConfirmationTokens,
        mandates: Mandates,
    ) -> None:
        self._account = account
        self._customers = customers
        self._methods = methods
        self._tokens = tokens
        self._mandates = mandates

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        setup = r"/v1/setup_intents/(seti_\w+)"
        return [
            post(operation_of, "/v1/setup_intents", self.create, CREATE),
            get("/v1/setup_intents", self.list, LIST),
            get(setup, self.retrieve, RETRIEVE, for_browsers=True),
            post("prepare", setup, self.update, UPDATE),
            post("save", f"{setup}/confirm", self.confirm, CONFIRM),
            post("cancel", f"{setup}/cancel", self.cancel, CANCEL),
            post(None, f"{setup}/challenge", self.challenge, CHALLENGE, for_browsers=True),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a set-up, and confirm it at once if asked to."""
        params = call.params
        customer = read.text(params, "customer")
        if customer:
            self._customers.find(customer, "customer")
        usage = read.choice(params, "usage", USAGES) or "off_session"
        method = read.text(params, "payment_method")
        method = self._methods.resolve(method)["id"] if method else None
        allowed = read.names(params, "allowed_payment_method_types") or None
        automatic = {"enabled": True, "allow_redirects": "always"}
        automatic |= read.mapping(params, "automatic_payment_methods") | {"enabled": True}
        setup = self._account.add(
            "setup_intent",
            "seti",
            allowed_payment_method_types=allowed,
            application=None,
            automatic_payment_methods=None if allowed else automatic,
            cancellation_reason=None,
            client_secret="",
            customer=customer,
            customer_account=None,
            description=read.text(params, "description"),
            excluded_payment_method_types=None,
            flow_directions=None,
            last_setup_error=None,
            latest_attempt=None,
            mandate=None,
            metadata=read.metadata(params),
            next_action=None,
            on_behalf_of=None,
            payment_method=method,
            payment_method_configuration_details=None,
            payment_method_options={},
            payment_method_types=chosen_types(params, "eur", usage),
            single_use_mandate=None,
            status="requires_confirmation" if method else "requires_payment_method",
            usage=usage,
            _page_token="",
        )
        setup["client_secret"] = f"{setup['id']}_secret_{secrets.token_urlsafe(16)}"
        self._account.save(setup)
        self._account.post("setup_intent.created", setup)
        if read.flag(params, "confirm"):
            resolved = {"payment_method": method} if method else {}
            return self.confirm(replace(call, params=params | resolved), setup["id"])
        return setup

    def retrieve(self, call: Call, setup_id: str) -> StripeObject:
        """Return a set-up; to a browser, by its client secret."""
        return check_secret(call, self.find(setup_id))

    def list(self, call: Call) -> StripeObject:
        """Return the set-ups, of a customer or payment method if asked for."""
        wanted = {
            name: value
            for name in ("customer", "payment_method")
            if (value := read.text(call.params, name))
        }
        found = self._account.find("setup_intent", **wanted)
        return self._account.page("/v1/setup_intents", found, call.params)

    def update(self, call: Call, setup_id: str) -> StripeObject:
        """Change a set-up that is not finished."""
        setup = self._open(setup_id, "updated")
        for name in ("customer", "description"):
            if name in call.params:
                setup[name] = read.text(call.params, name)
        setup["metadata"] = read.metadata(call.params, setup["metadata"])
        self._account.save(setup)
        return setup

    def challenge(self, call: Call, setup_id: str) -> StripeObject:
        """Take the customer's decision in 3-D Secure, for the stand-in of Stripe.js."""
        setup = check_secret(call, self.find(setup_id))
        decision = read.choice(call.params, "decision", ("approve", "refuse"))
        if decision:
            self.decide(setup, confirmed=decision == "approve")
        return check_secret(call, self.find(setup_id))

    def cancel(self, call: Call, setup_id: str) -> StripeObject:
        """Cancel a set-up that is not finished."""
        setup = self._open(setup_id, "canceled")
        reason = read.choice(call.params, "cancellation_reason", _REASONS)
        setup |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
        setup["_page_token"] = ""
        self._account.save(setup)
        self._account.post("setup_intent.canceled", setup)
        return setup

    def confirm(self, call: Call, setup_id: str) -> StripeObject:
        """Keep a payment method, or ask the customer first; CardError where its bank declines."""
        setup, params = self._open(setup_id, "confirmed"), call.params
        method, token = self._tokens.method_of(params, setup)
        if token:
            self._tokens.use(token, setup_intent=setup_id)
        setup |= {"payment_method": method["id"], "last_setup_error": None, "next_action": None}
        setup["mandate"] = self._mandates.accept(params, method, kept=True)
        setup["_return_url"] = read.text(params, "return_url", 2000) or (token or {}).get(
            "return_url"
        )
        setup["_sdk"] = read.flag(params, "use_stripe_sdk") or token is not None
        card, conduct = card_of(method), call.conduct
        refusal = conduct.decline
        if refusal is None and card and card.refuses_to_be_saved:
            refusal = card.conduct.decline
        self._try(setup, method)
        asks = bool(card and card.confirms) if conduct.action is None else conduct.action
        if refusal:
            self._fail(setup, method, {"type": "card_error"} | decline(refusal))
            raise card_error(setup["last_setup_error"], setup_intent=shown(setup))
        if asks:
            self._ask(setup)
        else:
            self._succeed(setup, method)
        return setup

    def find(self, setup_id: str) -> StripeObject:
        """Return a set-up; StripeError 404 where there is none."""
        return self._account.get("setup_intent", setup_id, "intent")

    def by_token(self, page_token: str) -> StripeObject | None:
        """Return the set-up whose page has this secret address, or None."""
        return next(iter(self._account.find("setup_intent", _page_token=page_token)), None)

    def decide(self, setup: StripeObject, *, confirmed: bool) -> StripeObject:
        """Do what the customer chose in 3-D Secure; a set-up that waits for nothing stays."""
        setup = self.find(setup["id"])
        if setup["status"] != "requires_action":
            return setup
        method = self._methods.find(setup["payment_method"])
        setup["next_action"] = None
        if confirmed:
            self._succeed(setup, method, authenticated=True)
        else:
            text = (
                "We are unable to authenticate your payment method. Please choose a different"
                " payment method and try again."
            )
            code = "setup_intent_authentication_failure"
            self._fail(
                setup, method, {"type": "invalid_request_error", "code": code, "message": text}
            )
        return setup

    def _open(self, setup_id: str, verb: str) -> StripeObject:
        setup = self.find(setup_id)
        if setup["status"] not in UNFINISHED:
            text = (
                f"This SetupIntent could not be {verb} because it has a status of"
                f" {setup['status']}."
            )
            code = "setup_intent_unexpected_state"
            raise StripeError(text, code=code, setup_intent=shown(setup))
        return setup

    def _try(self, setup: StripeObject, method: StripeObject) -> None:
        kind = method["type"]
        details: StripeObject = {}
        if kind == "card":
            kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
            details = {name: method[kind][name] for name in (*kept, "last4")}
            details |= {"network": method[kind]["brand"], "three_d_secure": None, "wallet": None}
        attempt = self._account.add(
            "setup_attempt",
            "setatt",
            application=None,
            customer=setup["customer"],
            customer_account=None,
            flow_directions=None,
            on_behalf_of=None,
            payment_method=method["id"],
            payment_method_details={"type": kind, kind: details},
            setup_error=None,
            setup_intent=setup["id"],
            status="processing",
            usage=setup["usage"],
        )
        setup["latest_attempt"] = attempt["id"]

    def _ask(self, setup: StripeObject) -> None:
        setup |= {"status": "requires_action", "_page_token": secrets.token_urlsafe(24)}
        url = f"{self._account.url}/authenticate/{setup['_page_token']}"
        setup["next_action"] = next_action(setup, url, setup["id"], in_place=setup["_sdk"])
        self._account.save(setup)
        self._account.post("setup_intent.requires_action", setup)

    def _succeed(
        self, setup: StripeObject, method: StripeObject, *, authenticated: bool = False
    ) -> None:
        setup["status"] = "succeeded"
        self._account.save(setup)
        attempt = self._account.get("setup_attempt", setup["latest_attempt"])
        attempt["status"] = "succeeded"
        if authenticated:
            attempt["payment_method_details"]["card"]["three_d_secure"] = {
                "authentication_flow": "challenge",
                "electronic_commerce_indicator": "05",
                "result": "authenticated",
                "result_reason": None,
                "transaction_id": None,
                "version": "2.2.0",
            }
        self._account.save(attempt)
        if setup["customer"]:
            off_session = setup["usage"] == "off_session"
            self._methods.give(method, setup["customer"], set_up=off_session)
        self._account.post("setup_intent.succeeded", setup)

    def _fail(self, setup: StripeObject, method: StripeObject, error: StripeObject) -> None:
        setup["last_setup_error"] = error | {"payment_method": shown(method)}
        setup |= {"status": "requires_payment_method", "payment_method": None}
        self._account.save(setup)
        attempt = self._account.get("setup_attempt", setup["latest_attempt"])
        self._account.save(attempt | {"status": "failed", "setup_error": error})
        self._account.post("setup_intent.setup_failed", setup)
