"""PaymentIntents: payments, from the first word to the money."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from payments_ui.testing.psp.ledger.charges import OPEN, Charge, Order, Status
from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct

from . import params as read
from .account import Account, shown
from .amounts import check_minimum, from_ledger, to_ledger
from .calls import PAGE, ApiCall, Call, StripeObject, check_secret, get, post
from .charges import UNCONFIRMED, Charges, is_charge
from .confirmation_tokens import USAGES, ConfirmationTokens
from .customers import Customers
from .declines import decline
from .errors import CardError, StripeError, required
from .mandates import ACCEPTANCE, Mandates
from .params import Params
from .payment_methods import BY_REDIRECT, DATA, REUSABLE, TYPES, PaymentMethods, card_of

_DATA = {f"payment_method_data.{name}" for name in DATA}
_CONFIRMING = (
    _DATA
    | ACCEPTANCE
    | {
        *("confirmation_token", "error_on_requires_action", "expand", "mandate", "off_session"),
        *("payment_method", "receipt_email", "return_url", "setup_future_usage", "use_stripe_sdk"),
        "payment_method_options.card.request_three_d_secure",
        "payment_method_options.card.setup_future_usage",
    }
)
_DESCRIBING = {
    *("amount", "currency", "customer", "description", "metadata.*", "receipt_email"),
    *("setup_future_usage", "payment_method", "statement_descriptor_suffix", "expand"),
}
#: How the payment methods of a payment are chosen: one of them, at most.
_CHOOSING = (
    *("allowed_payment_method_types", "automatic_payment_methods", "excluded_payment_method_types"),
    "payment_method_configuration",
)
METHOD_CHOICE = {
    *("allowed_payment_method_types", "excluded_payment_method_types"),
    *("payment_method_configuration", "automatic_payment_methods.enabled"),
    "automatic_payment_methods.allow_redirects",
}
CREATE = _CONFIRMING | _DESCRIBING | METHOD_CHOICE | {"confirm"}
UPDATE = _DESCRIBING
CONFIRM = _CONFIRMING
CANCEL = {"cancellation_reason", "expand"}
RETRIEVE = {"client_secret", "expand"}
#: No call of Stripe's: what the stand-in of Stripe.js tells of 3-D Secure.
CHALLENGE = {"client_secret", "decision"}
LIST = PAGE | {"customer"}
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
#: States in which a payment or a set-up can still be changed.
UNFINISHED = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def operation_of(params: Params) -> str:
    """Return the operation that creating is: one that moves money, or one that does not yet."""
    return "create" if params.get("confirm") == "true" else "prepare"


def next_action(intent: StripeObject, url: str, source: str, *, in_place: bool) -> StripeObject:
    """Return the step that the customer takes at this URL: by the script, or on the page."""
    if in_place:
        step = {"type": "three_d_secure_redirect", "stripe_js": url, "source": source}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": step}
    step = {"url": url, "return_url": intent["_return_url"]}
    return {"type": "redirect_to_url", "redirect_to_url": step}


def card_error(said: StripeObject, **about: Any) -> CardError:
    """Return the error by which the last error of a payment or a set-up is answered."""
    error = dict(said)
    message, kind = error.pop("message"), error.pop("type")
    return CardError(message, status=402, kind=kind, **error, **about)


class PaymentIntents:
    """Answers calls about payments."""

    def __init__(
        self,
        account: Account,
        customers: Customers,
        methods: PaymentMethods,
        tokens: ConfirmationTokens,
        charges: Charges,
        mandates: Mandates,
    ) -> None:
        self._account = account
        self._customers = customers
        self._methods = methods
        self._tokens = tokens
        self._charges = charges
        self._mandates = mandates
        self._ledger = account.bank.ledger

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        intent = r"/v1/payment_intents/(pi_\w+)"
        return [
            post(operation_of, "/v1/payment_intents", self.create, CREATE),
            get("/v1/payment_intents", self.list, LIST),
            get(intent, self.retrieve, RETRIEVE, for_browsers=True),
            post("prepare", intent, self.update, UPDATE),
            post("create", f"{intent}/confirm", self.confirm, CONFIRM),
            post("cancel", f"{intent}/cancel", self.cancel, CANCEL),
            post(None, f"{intent}/challenge", self.challenge, CHALLENGE, for_browsers=True),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a payment, and confirm it at once if asked to."""
        params = call.params
        amount, currency = read.integer(params, "amount"), read.needed(params, "currency")
        if amount is None:
            raise required("amount")
        if len(currency) != 3 or not currency.isalpha():
            raise StripeError(f"Invalid currency: {currency[:20]}", param="currency")
        to_ledger(amount, currency.upper())
        check_minimum(amount, currency.upper())
        customer = read.text(params, "customer")
        if customer:
            self._customers.find(customer, "customer")
        usage = read.choice(params, "setup_future_usage", USAGES)
        kinds = chosen_types(params, currency.lower(), usage)
        method = read.text(params, "payment_method")
        method = self._methods.resolve(method)["id"] if method else None
        automatic = read.mapping(params, "automatic_payment_methods")
        intent = self._account.add(
            "payment_intent",
            "pi",
            allowed_payment_method_types=read.names(params, "allowed_payment_method_types") or None,
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            application=None,
            application_fee_amount=None,
            automatic_payment_methods=(
                {
                    "enabled": True,
                    "allow_redirects": automatic.get("allow_redirects", "always"),
                }
                if not params.get("allowed_payment_method_types")
                else None
            ),
            canceled_at=None,
            cancellation_reason=None,
            capture_method="automatic_async",
            client_secret="",
            confirmation_method="automatic",
            currency=currency.lower(),
            customer=customer,
            customer_account=None,
            description=read.text(params, "description"),
            excluded_payment_method_types=(
                read.names(params, "excluded_payment_method_types") or None
            ),
            last_payment_error=None,
            latest_charge=None,
            metadata=read.metadata(params),
            next_action=None,
            on_behalf_of=None,
            payment_method=method,
            payment_method_configuration_details=None,
            payment_method_options=_options(params),
            payment_method_types=kinds,
            processing=None,
            receipt_email=read.text(params, "receipt_email"),
            review=None,
            setup_future_usage=usage,
            shipping=None,
            source=None,
            statement_descriptor=None,
            statement_descriptor_suffix=read.text(params, "statement_descriptor_suffix"),
            status="requires_confirmation" if method else "requires_payment_method",
            transfer_data=None,
            transfer_group=None,
            _charge="",
            _key=call.key,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_urlsafe(16)}"
        self._account.save(intent)
        self._account.post("payment_intent.created", intent)
        if read.flag(params, "confirm"):
            resolved = {"payment_method": method} if method else {}
            return self.confirm(replace(call, params=params | resolved), intent["id"])
        return intent

    def retrieve(self, call: Call, intent_id: str) -> StripeObject:
        """Return a payment; to a browser, by its client secret."""
        return check_secret(call, self.find(intent_id))

    def list(self, call: Call) -> StripeObject:
        """Return the payments, of a customer if asked for."""
        customer = read.text(call.params, "customer")
        found = self._account.find("payment_intent", **({"customer": customer} if customer else {}))
        return self._account.page("/v1/payment_intents", found, call.params)

    def update(self, call: Call, intent_id: str) -> StripeObject:
        """Change a payment before anything was charged."""
        intent = self.find(intent_id)
        if intent["status"] not in UNFINISHED:
            raise _unexpected(intent, "updated")
        params = call.params
        amount = read.integer(params, "amount")
        intent["amount"] = intent["amount"] if amount is None else amount
        intent["currency"] = (read.text(params, "currency") or intent["currency"]).lower()
        to_ledger(intent["amount"], intent["currency"].upper())
        check_minimum(intent["amount"], intent["currency"].upper())
        for name in ("customer", "description", "receipt_email", "setup_future_usage"):
            if name in params:
                intent[name] = read.text(params, name)
        if method := read.text(params, "payment_method"):
            intent["payment_method"] = self._methods.resolve(method)["id"]
            intent["status"] = "requires_confirmation"
        intent["metadata"] = read.metadata(params, intent["metadata"])
        self._account.save(intent)
        return intent

    def challenge(self, call: Call, intent_id: str) -> StripeObject:
        """Take the customer's decision in 3-D Secure, for the stand-in of Stripe.js."""
        intent = check_secret(call, self.find(intent_id))
        decision = read.choice(call.params, "decision", ("approve", "refuse"))
        if decision and intent["_charge"]:
            charge = self._ledger.charges.get(intent["_charge"])
            self._account.bank.decide(charge.page_token if charge else "", decision)
        return check_secret(call, self.find(intent_id))

    def cancel(self, call: Call, intent_id: str) -> StripeObject:
        """Cancel a payment that is not taken and not being processed."""
        intent = self.find(intent_id)
        if intent["status"] not in UNFINISHED:
            raise _unexpected(intent, "canceled")
        reason = read.choice(call.params, "cancellation_reason", _REASONS)
        self._let_go(intent)
        intent |= {"status": "canceled", "canceled_at": self._account.now()}
        intent |= {"cancellation_reason": reason, "next_action": None}
        self._account.save(intent)
        self._account.post("payment_intent.canceled", intent)
        return intent

    def confirm(self, call: Call, intent_id: str) -> StripeObject:
        """Charge a payment, or ask the customer first.

        CardError for a decline, which includes a bank that wants the customer to confirm while
        nobody is there.
        """
        intent, params = self.find(intent_id), call.params
        if intent["status"] not in UNFINISHED:
            raise _unexpected(intent, "confirmed")
        usage = read.choice(params, "setup_future_usage", USAGES)
        off_session = read.text(params, "off_session") not in {None, "false"}
        method, token = self._tokens.method_of(params, intent)
        return_url = read.text(params, "return_url", 2000) or (token or {}).get("return_url")
        if method["type"] in BY_REDIRECT and return_url is None:
            raise required("return_url")
        self._let_go(intent)
        intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
        intent["payment_method_options"] |= _options(params)
        intent["setup_future_usage"] = (
            usage or intent["setup_future_usage"] or (token or {}).get("setup_future_usage")
        )
        intent["_usage"] = _usage(intent, method)
        intent["_return_url"] = return_url
        intent["_sdk"] = read.flag(params, "use_stripe_sdk") or token is not None
        intent["_mandate"] = self._mandates.accept(params, method, kept=bool(intent["_usage"]))
        intent["_confirmed"] = False
        self._account.save(intent)
        if token:
            self._tokens.use(token, payment_intent=intent_id)
        conduct = self._conduct(call.conduct, method, off_session=off_session)
        alone = off_session or read.flag(params, "error_on_requires_action")
        if conduct.action and alone:
            conduct = Conduct(action=False, decline="authentication_required").over(conduct)
        order = Order(
            amount=to_ledger(intent["amount"], intent["currency"].upper()),
            currency=intent["currency"].upper(),
            reference=intent["_key"],
            method=method["type"],
            return_url=return_url or "",
            card=method["id"],
            description=intent["description"] or "",
            metadata=intent["metadata"],
            face="stripe",
            known_as=intent["id"],
        )
        self._account.bank.charge(order, conduct, action_life=None)
        intent = self.find(intent_id)
        if intent["last_payment_error"]:
            raise card_error(intent["last_payment_error"], payment_intent=shown(intent))
        return intent

    def find(self, intent_id: str) -> StripeObject:
        """Return a payment; StripeError 404 where there is none."""
        return self._account.get("payment_intent", intent_id, "intent")

    def moved(self, charge: Charge) -> None:
        """Bring a payment to where its charge is, and tell the merchant."""
        intent = self._account.get("payment_intent", charge.known_as)
        if intent["_charge"] not in {"", charge.id}:
            return
        intent["_charge"] = charge.id
        intent["_confirmed"] = intent["_confirmed"] or (
            charge.conduct.action is True and charge.status != Status.REQUIRES_ACTION
        )
        intent |= {"next_action": None, "processing": None}
        if is_charge(charge):
            intent["latest_charge"] = charge.id
        kind = _MOVES[charge.status](self, intent, charge)
        self._account.save(intent)
        if is_charge(charge):
            verb = {"processing": "pending", "declined": "failed"}.get(charge.status, "succeeded")
            self._post(f"charge.{verb}", self._charges.show(charge), charge)
        self._post(f"payment_intent.{kind}", intent, charge)

    def _act(self, intent: StripeObject, charge: Charge) -> str:
        url = f"{self._account.url}/authenticate/{charge.page_token}"
        intent["status"] = "requires_action"
        source = f"payatt_{charge.id.removeprefix('ch_')}"
        in_place = intent["_sdk"] and charge.method not in BY_REDIRECT
        intent["next_action"] = next_action(intent, url, source, in_place=in_place)
        return "requires_action"

    def _process(self, intent: StripeObject, charge: Charge) -> str:
        intent["status"] = "processing"
        return "processing"

    def _succeed(self, intent: StripeObject, charge: Charge) -> str:
        # By the ledger, which a plan may make wrong.
        received = from_ledger(charge.amount, charge.currency)
        intent |= {"status": "succeeded", "amount_received": received, "livemode": charge.live}
        intent["currency"] = charge.currency.lower()
        method = self._methods.find(charge.card)
        usage, customer = intent["_usage"], intent["customer"]
        if usage and customer and method["customer"] is None:
            self._methods.give(method, customer, set_up=usage == "off_session")
        elif method["customer"] is None:
            method["_gone"] = True
            self._account.save(method)
        return "succeeded"

    def _fail(self, intent: StripeObject, charge: Charge) -> str:
        method = self._methods.find(charge.card)
        if charge.decline_code in UNCONFIRMED or charge.status == Status.CANCELLED:
            text = (
                "We are unable to authenticate your payment method. Please choose a different"
                " payment method and try again."
            )
            error: dict[str, Any] = {
                "code": "payment_intent_authentication_failure",
                "message": text,
                "type": "invalid_request_error",
            }
        else:
            error = {"charge": charge.id, "type": "card_error"} | decline(charge.decline_code)
        intent["last_payment_error"] = error | {"payment_method": shown(method)}
        # The next confirmation makes another charge.
        intent |= {"status": "requires_payment_method", "payment_method": None, "_charge": ""}
        return "payment_failed"

    def _post(self, kind: str, subject: StripeObject, charge: Charge) -> None:
        self._account.post(
            kind,
            subject,
            charge_id=charge.id,
            conduct=charge.conduct,
            final=charge.status not in OPEN,
        )

    def _conduct(self, planned: Conduct, method: StripeObject, *, off_session: bool) -> Conduct:
        """Return how the bank behaves: as planned, else as the card does."""
        if method["type"] in BY_REDIRECT:
            return planned.over(Conduct(action=True))
        card = card_of(method)
        if card is None:  # a debit, which takes some days
            return planned.over(Conduct(settle_after=3 * 24 * 3600))
        needed = card.confirms == "always" or (
            card.confirms == "first" and not (method.get("_set_up") and off_session)
        )
        usual = Conduct(action=True).over(card.conduct) if needed else card.conduct
        return planned.over(usual) if planned != AS_USUAL else usual

    def _let_go(self, intent: StripeObject) -> None:
        """Cancel the charge that waits for the customer, without a word."""
        waiting, intent["_charge"] = intent["_charge"], "-"
        self._account.save(intent)
        if waiting:
            self._account.bank.cancel(waiting)
        intent["_charge"] = ""


def chosen_types(params: Params, currency: str, usage: str | None = None) -> list[str]:
    """Return the types of payment methods that a payment or set-up may use."""
    if "payment_method_types" in params:
        text = "payment_method_types is no longer supported. Use allowed_payment_method_types."
        code = "payment_method_types_no_longer_supported"
        raise StripeError(text, code=code, param="payment_method_types")
    given = [name for name in _CHOOSING if params.get(name)]
    if len(given) > 1:
        raise StripeError(f"You may only specify one of {' and '.join(given)}.", param=given[1])
    allowed = read.names(params, "allowed_payment_method_types") or list(TYPES)
    excluded = read.names(params, "excluded_payment_method_types")
    never = read.mapping(params, "automatic_payment_methods").get("allow_redirects") == "never"
    kinds = [
        kind
        for kind, currencies in TYPES.items()
        if kind in allowed
        and kind not in excluded
        and (currencies is None or currency in currencies)
        and not (usage and kind not in REUSABLE)
        and not (never and kind in BY_REDIRECT)
    ]
    if not kinds:
        text = "No valid payment method types for this Payment Intent."
        raise StripeError(text, param="allowed_payment_method_types")
    return kinds


def _options(params: Params) -> StripeObject:
    given = read.mapping(params, "payment_method_options")
    read.choice(read.mapping(given, "card"), "setup_future_usage", (*USAGES, "none"))
    return given


def _usage(intent: StripeObject, method: StripeObject) -> str | None:
    """Return for what the payment method is kept after it was charged; None: for nothing."""
    own: str | None = (
        intent["payment_method_options"].get(method["type"], {}).get("setup_future_usage")
    )
    if own is not None:
        return own if own in USAGES else None
    overall: str | None = intent["setup_future_usage"]
    if overall and method["type"] not in REUSABLE:
        text = f"{method['type']} cannot be set up for future usage."
        raise StripeError(text, param="setup_future_usage")
    return overall


def _unexpected(intent: StripeObject, verb: str) -> StripeError:
    text = f"This PaymentIntent could not be {verb} because it has a status of {intent['status']}."
    code = "payment_intent_unexpected_state"
    return StripeError(text, code=code, payment_intent=shown(intent))


_MOVES = {
    Status.REQUIRES_ACTION: PaymentIntents._act,
    Status.PROCESSING: PaymentIntents._process,
    Status.SUCCEEDED: PaymentIntents._succeed,
    Status.DECLINED: PaymentIntents._fail,
    Status.CANCELLED: PaymentIntents._fail,
}
