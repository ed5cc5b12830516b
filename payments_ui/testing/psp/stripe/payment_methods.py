"""PaymentMethods: cards and the like, alone or attached to a customer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from . import params as read
from .account import Account
from .calls import ApiCall, Call, StripeObject, get, post
from .cards import BY_NUMBER, CARDS, Card
from .customers import Customers
from .declines import decline
from .errors import CardError, StripeError, missing, required
from .params import Params

#: What a payment can be made with, and in which currencies (None: all).
TYPES: dict[str, set[str] | None] = {"card": None, "sepa_debit": {"eur"}, "twint": {"chf"}}
#: What can be kept for later payments.
REUSABLE = frozenset({"card", "sepa_debit"})
#: What the customer confirms on a page elsewhere.
BY_REDIRECT = frozenset({"twint"})

BILLING = frozenset(
    {
        *("billing_details.email", "billing_details.name", "billing_details.phone"),
        *(
            f"billing_details.address.{line}"
            for line in ("city", "country", "line1", "line2", "postal_code", "state")
        ),
    }
)
#: As a part of other calls: `payment_method_data`. Only browsers send card numbers there.
DATA = BILLING | {"type", "allow_redisplay", "metadata.*", "sepa_debit.iban"}
CARD_DATA = {"card.number", "card.exp_month", "card.exp_year", "card.cvc"}
CREATE = DATA | CARD_DATA | {"card.token", "expand"}
UPDATE = BILLING | {
    *("allow_redisplay", "metadata.*", "expand", "card.exp_month", "card.exp_year"),
}
LIST_OF = {"type", "allow_redisplay", "limit", "starting_after", "ending_before", "expand"}
LIST = LIST_OF | {"customer"}
_REDISPLAY = ("always", "limited", "unspecified")


class PaymentMethods:
    """Answers calls about payment methods."""

    def __init__(self, account: Account, customers: Customers) -> None:
        self._account = account
        self._customers = customers

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        method = r"/v1/payment_methods/(pm_\w+)"
        of_customer = r"/v1/customers/(cus_\w+)/payment_methods"
        return [
            post("save", "/v1/payment_methods", self.create, CREATE),
            get("/v1/payment_methods", self.list, LIST),
            get(method, self.retrieve),
            post("save", method, self.update, UPDATE),
            post("save", f"{method}/attach", self.attach, {"customer", "expand"}),
            post("save", f"{method}/detach", self.detach),
            get(of_customer, self.list_of, LIST_OF),
            get(rf"{of_customer}/(pm_\w+)", self.retrieve_of),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a payment method that belongs to nobody yet."""
        return self.make(call.params)

    def retrieve(self, call: Call, method_id: str) -> StripeObject:
        """Return a payment method."""
        return self.find(method_id)

    def list(self, call: Call) -> StripeObject:
        """Return the payment methods of a customer."""
        customer = read.text(call.params, "customer")
        return self._page("/v1/payment_methods", customer, call.params)

    def list_of(self, call: Call, customer: str) -> StripeObject:
        """Return the payment methods of the customer in the path."""
        self._customers.find(customer, "customer")
        return self._page(f"/v1/customers/{customer}/payment_methods", customer, call.params)

    def retrieve_of(self, call: Call, customer: str, method_id: str) -> StripeObject:
        """Return a payment method of the customer in the path."""
        found = self.find(method_id)
        if found["customer"] != customer:
            raise missing("payment_method", method_id, "payment_method")
        return found

    def update(self, call: Call, method_id: str) -> StripeObject:
        """Change what may be changed of a payment method that is attached."""
        found = self.find(method_id)
        if found["customer"] is None:
            raise StripeError("You must save this PaymentMethod to a customer to update it.")
        before = {"metadata": found["metadata"]}
        found["metadata"] = read.metadata(call.params, found["metadata"])
        redisplay = read.choice(call.params, "allow_redisplay", _REDISPLAY)
        found["allow_redisplay"] = redisplay or found["allow_redisplay"]
        found["billing_details"] |= _billing(call.params)
        for name in ("exp_month", "exp_year"):
            value = read.integer(read.mapping(call.params, "card"), name)
            if value is not None:
                before["card"] = {name: found["card"][name]}
                found["card"][name] = value
        self._account.save(found)
        self._account.post("payment_method.updated", found, before=before)
        return found

    def attach(self, call: Call, method_id: str) -> StripeObject:
        """Attach a payment method to a customer, unless its bank declines that."""
        customer = self._customers.find(read.needed(call.params, "customer"), "customer")
        method = self.resolve(method_id)
        if method.get("_gone") or method["customer"] not in {None, customer["id"]}:
            text = "This payment method was detached, or is attached to another customer."
            raise StripeError(text, code="payment_method_unexpected_state")
        card = card_of(method)
        if card and card.refuses_to_be_saved:
            raise CardError(
                status=402, kind="card_error", **_named(decline(card.conduct.decline or ""))
            )
        self.give(method, customer["id"])
        return self.find(method["id"])

    def detach(self, call: Call, method_id: str) -> StripeObject:
        """Take a payment method from its customer, for good."""
        method = self.find(method_id)
        if method["customer"] is None:
            text = (
                "The payment method you provided is not attached to a customer so detachment is"
                " impossible."
            )
            raise StripeError(text, code="payment_method_unexpected_state", param="payment_method")
        self.take(method)
        return method

    # For the other resources

    def find(self, method_id: str, param: str = "payment_method") -> StripeObject:
        """Return a payment method; StripeError 404 where there is none."""
        return self._account.get("payment_method", method_id, param)

    def resolve(self, method_id: str, param: str = "payment_method") -> StripeObject:
        """Return a payment method; the name of a test card makes one."""
        if method_id in CARDS:
            return self.make({"type": "card", "card": {"token": method_id}})
        return self.find(method_id, param)

    def make(self, params: Params) -> StripeObject:
        """Make a payment method of `payment_method_data` or the like."""
        kind = read.choice(params, "type", tuple(TYPES))
        if kind is None:
            raise required("type")
        details, private = _DETAILS[kind](read.mapping(params, kind))
        return self._account.add(
            "payment_method",
            "pm",
            allow_redisplay=read.choice(params, "allow_redisplay", _REDISPLAY) or "unspecified",
            billing_details=_no_billing() | _billing(params),
            customer=None,
            customer_account=None,
            metadata=read.metadata(params),
            type=kind,
            **{kind: details},
            **private,
        )

    def give(self, method: StripeObject, customer: str, *, set_up: bool = False) -> None:
        """Attach a payment method to a customer; one that is `set_up` needs no confirmation."""
        was = method["customer"]
        method["customer"] = customer
        method["_set_up"] = method.get("_set_up", False) or set_up
        self._account.save(method)
        if was is None:
            self._account.post("payment_method.attached", method)

    def take(self, method: StripeObject) -> None:
        """Detach a payment method from its customer."""
        before = {"customer": method["customer"]}
        method["customer"], method["_gone"] = None, True
        self._account.save(method)
        self._account.post("payment_method.detached", method, before=before)

    def expire(self, method_id: str, *, year: int, month: int) -> StripeObject:
        """Let the card's network change when it expires."""
        method = self.find(method_id)
        before = {"card": {name: method["card"][name] for name in ("exp_month", "exp_year")}}
        method["card"] |= {"exp_month": month, "exp_year": year}
        self._account.save(method)
        self._account.post("payment_method.automatically_updated", method, before=before)
        return method

    def _page(self, url: str, customer: str | None, params: Params) -> StripeObject:
        found = self._account.find("payment_method", customer=customer) if customer else []
        kind = read.text(params, "type")
        found = [one for one in found if kind in {None, one["type"]}]
        return self._account.page(url, found, params)


def card_of(method: StripeObject) -> Card | None:
    """Return the test card that a payment method is made from; None where it is no card."""
    return CARDS.get(method.get("_card", ""))


def check_usable(method: StripeObject, customer: str | None) -> None:
    """Refuse a payment method that was used up or detached, or is another customer's."""
    if method.get("_gone"):
        text = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, or was detached from a Customer. It may not be used again."
        )
        raise StripeError(text, code="payment_method_unexpected_state", param="payment_method")
    if method["customer"] not in {None, customer}:
        text = (
            f"The payment method {method['id']} belongs to a customer. Please include that customer"
            " in the `customer` parameter."
        )
        raise StripeError(text, param="payment_method")


def _named(fields: dict[str, str | None]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _no_billing() -> StripeObject:
    lines = ("city", "country", "line1", "line2", "postal_code", "state")
    named = dict.fromkeys(("email", "name", "phone", "tax_id"))
    return {"address": dict.fromkeys(lines), **named}


def _billing(params: Params) -> StripeObject:
    given = read.mapping(params, "billing_details")
    billing: StripeObject = {
        name: read.text(given, name) for name in ("email", "name", "phone") if name in given
    }
    if address := read.mapping(given, "address"):
        billing["address"] = _no_billing()["address"] | {
            key: value or None for key, value in address.items()
        }
    return billing


def _card(params: Params) -> tuple[StripeObject, StripeObject]:
    token = str(params.get("token", "")).replace("tok_", "pm_card_", 1)
    number = str(params.get("number", "")).replace(" ", "")
    card = CARDS.get(token) or BY_NUMBER.get(number)
    if card is None:
        error = decline("incorrect_number")
        raise CardError(status=402, kind="card_error", param="number", **_named(error))
    digest = hashlib.sha256(card.number.encode()).hexdigest()
    details: StripeObject = {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": read.integer(params, "exp_month") or 12,
        "exp_year": read.integer(params, "exp_year") or 2034,
        "fingerprint": digest[:16],
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return details, {"_card": card.name}


def _sepa_debit(params: Params) -> tuple[StripeObject, StripeObject]:
    iban = read.needed(params, "iban").replace(" ", "")
    digest = hashlib.sha256(iban.encode()).hexdigest()
    details: StripeObject = {
        "bank_code": "37040044",
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": digest[:16],
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }
    return details, {}


def _twint(params: Params) -> tuple[StripeObject, StripeObject]:
    return {}, {}


_DETAILS = {"card": _card, "sepa_debit": _sepa_debit, "twint": _twint}
