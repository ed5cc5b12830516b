"""Charges: what the ledger says of a payment, as Stripe shows it."""

from __future__ import annotations

from collections.abc import Sequence

from payments_ui.testing.psp.ledger.charges import Charge, Status

from . import params as read
from .account import Account
from .amounts import from_ledger
from .calls import PAGE, ApiCall, Call, StripeObject, get
from .declines import decline
from .errors import missing
from .payment_methods import PaymentMethods

LIST = PAGE | {"customer", "payment_intent"}
#: How a charge is declined whose customer did not confirm: Stripe makes no charge then.
UNCONFIRMED = frozenset({"authentication_failed", "abandoned"})
_STATUS = {
    Status.PROCESSING: "pending",
    Status.SUCCEEDED: "succeeded",
    Status.DECLINED: "failed",
}


class Charges:
    """Answers calls about charges."""

    def __init__(self, account: Account, methods: PaymentMethods) -> None:
        self._account = account
        self._methods = methods
        self._ledger = account.bank.ledger

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [
            get("/v1/charges", self.list, LIST),
            get(r"/v1/charges/(ch_\w+)", self.retrieve),
        ]

    def retrieve(self, call: Call, charge_id: str) -> StripeObject:
        """Return a charge."""
        return self.find(charge_id)

    def list(self, call: Call) -> StripeObject:
        """Return the charges, of a customer or a payment if asked for."""
        intent = read.text(call.params, "payment_intent")
        customer = read.text(call.params, "customer")
        of = self._ledger.charges.by_name(intent)[::-1] if intent else self._ledger.charges.newest()
        found = [self.show(charge) for charge in of if is_charge(charge)]
        found = [one for one in found if customer in {None, one["customer"]}]
        return self._account.page("/v1/charges", found, call.params)

    def find(self, charge_id: str, param: str = "charge") -> StripeObject:
        """Return a charge; StripeError 404 where there is none."""
        charge = self._ledger.charges.get(charge_id)
        if charge is None or not is_charge(charge):
            raise missing("charge", charge_id, param)
        return self.show(charge)

    def show(self, charge: Charge) -> StripeObject:
        """Return a charge of the ledger as Stripe shows it."""
        intent = self._account.get("payment_intent", charge.known_as)
        method = self._methods.find(charge.card)
        amount = from_ledger(charge.amount, charge.currency)
        refunded = from_ledger(charge.refunded, charge.currency)
        succeeded = charge.status == Status.SUCCEEDED
        error = decline(charge.decline_code) if charge.decline_code else dict[str, str | None]()
        return {
            "id": charge.id,
            "object": "charge",
            "amount": amount,
            "amount_captured": amount if succeeded else 0,
            "amount_refunded": refunded,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": charge.id.replace("ch_", "txn_") if succeeded else None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": succeeded,
            "created": int(charge.created_at),
            "currency": charge.currency.lower(),
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": bool(self._ledger.disputes.of(charge.id)),
            "failure_balance_transaction": None,
            "failure_code": error.get("code"),
            "failure_message": error.get("message"),
            "fraud_details": {},
            "livemode": charge.live,
            "metadata": intent["metadata"],
            "on_behalf_of": None,
            "outcome": _outcome(charge, error),
            "paid": succeeded,
            "payment_intent": charge.known_as,
            "payment_method": method["id"],
            "payment_method_details": self._details(charge, method, intent),
            "presentment_details": None,
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": succeeded and refunded == amount,
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": _STATUS[charge.status],
            "transfer_data": None,
            "transfer_group": None,
        }

    def _details(self, charge: Charge, method: StripeObject, intent: StripeObject) -> StripeObject:
        kind = method["type"]
        mandate = intent.get("_mandate")
        details: StripeObject = {"mandate": mandate}
        if kind == "sepa_debit":
            kept: tuple[str, ...] = ("bank_code", "branch_code", "country", "fingerprint", "last4")
            details |= {name: method[kind][name] for name in kept}
        if kind == "card":
            kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
            details |= {name: method[kind][name] for name in (*kept, "last4", "regulated_status")}
            details |= {
                "amount_authorized": from_ledger(charge.amount, charge.currency),
                "network": method[kind]["brand"],
                "three_d_secure": _three_d_secure() if intent.get("_confirmed") else None,
                "wallet": None,
            }
        return {"type": kind, kind: details}


def is_charge(charge: Charge) -> bool:
    """Tell whether Stripe has a charge: its bank was asked for money."""
    return (
        charge.face == "stripe"
        and charge.status in _STATUS
        and charge.decline_code not in UNCONFIRMED
    )


def _three_d_secure() -> StripeObject:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }


def _outcome(charge: Charge, error: dict[str, str | None]) -> StripeObject:
    declined = charge.status == Status.DECLINED
    outcome: StripeObject = {
        name: error.get(name)
        for name in ("advice_code", "network_advice_code", "network_decline_code")
    }
    return outcome | {
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": error.get("decline_code"),
        "risk_level": "normal",
        "seller_message": "The bank declined it." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }
