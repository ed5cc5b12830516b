"""Payments, refunds, chargebacks and the rest as Mollie shows them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from payments_ui.testing.psp.amounts import decimals
from payments_ui.testing.psp.ledger import Ledger
from payments_ui.testing.psp.ledger.charges import Charge, Status
from payments_ui.testing.psp.ledger.disputes import Dispute
from payments_ui.testing.psp.ledger.refunds import Refund, RefundStatus

JsonObject = dict[str, Any]

_STATUS = {
    Status.REQUIRES_ACTION: "open",
    Status.PROCESSING: "pending",
    Status.SUCCEEDED: "paid",
    Status.DECLINED: "failed",
    Status.CANCELLED: "canceled",
}
_REFUND_STATUS = {
    RefundStatus.PENDING: "pending",
    RefundStatus.SUCCEEDED: "refunded",
    RefundStatus.FAILED: "failed",
    RefundStatus.RETURNED: "failed",
}
_FAILURES = {
    "card_declined": "card_declined",
    "insufficient_funds": "insufficient_funds",
    "expired_card": "card_expired",
    "incorrect_cvc": "invalid_cvv",
    "authentication_failed": "authentication_failed",
    "limit_exceeded": "refused_by_issuer",
    "stolen_card": "possible_fraud",
    "lost_card": "possible_fraud",
    "fraudulent": "possible_fraud",
}
#: What is known of the card that a customer enters on the page, as the payment tells it.
CARD = {
    "cardNumber": "4242",
    "cardHolder": "A. Customer",
    "cardLabel": "Visa",
    "cardFingerprint": "fHB3CCKx9REkz8fPplT8N4nq",
    "cardCountryCode": "CH",
    "cardSecurity": "3dsecure",
    "cardExpiryDate": "12/34",
}
#: And as the mandate tells it.
_OF_MANDATE = {
    **{name: CARD[name] for name in ("cardNumber", "cardHolder", "cardLabel", "cardFingerprint")},
    "cardExpiryDate": "2034-12-31",
}


def time(seconds: float) -> str:
    """Return a time as Mollie writes it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def amount(units: int, currency: str) -> JsonObject:
    """Return minor units as Mollie's amount."""
    places = decimals(currency)
    whole, rest = divmod(units, 10**places)
    return {"currency": currency, "value": f"{whole}.{rest:0{places}}" if places else f"{whole}"}


def link(url: str, content_type: str = "application/hal+json") -> JsonObject:
    """Return a link."""
    return {"href": url, "type": content_type}


def status_of(charge: Charge) -> str:
    """Return a charge's status in Mollie's words."""
    return "expired" if charge.decline_code == "abandoned" else _STATUS[charge.status]


class Objects:
    """Shows what is in the ledger. `url` is where the PSP listens."""

    def __init__(self, ledger: Ledger, url: str, account: str, *, live: bool) -> None:
        self._ledger = ledger
        self._url = url
        self._account = account
        self._live = live

    def payment(self, document: JsonObject, embed: str = "") -> JsonObject:
        """Return a payment, and what is to be embedded."""
        charge = self._ledger.charges.get(document["charge"]) if document["charge"] else None
        path = f"{self._url}/v2/payments/{document['id']}"
        shown: JsonObject = document["shown"] | {
            "resource": "payment",
            "id": document["id"],
            "mode": _mode(live=charge.live if charge else self._live),
            "profileId": charge.account if charge else self._account,
            "createdAt": time(document["created_at"]),
            "_links": {
                "self": link(path),
                "dashboard": link(f"{self._url}/", "text/html"),
                "documentation": link("https://docs.mollie.com/reference/get-payment", "text/html"),
            },
        }
        status = shown["status"] = status_of(charge) if charge else document["status"]
        page = f"/pay/{charge.page_token}" if charge else f"/mollie/{document['id']}"
        if status == "open":
            shown["isCancelable"] = document["is_cancelable"]
            shown["_links"]["checkout"] = link(self._url + page, "text/html")
        if status in ("paid", "failed", "expired", "canceled"):
            shown[f"{status}At"] = time(charge.updated_at if charge else document["created_at"])
        if status == "failed" and charge:
            reason = _FAILURES.get(charge.decline_code, "unknown_reason")
            shown["details"] = {"failureReason": reason}
        if status == "paid" and shown["method"] is None:
            shown["method"] = "creditcard"
        if document["mandate"]:
            shown["mandateId"] = document["mandate"]
            shown["details"] = CARD
        if charge:
            shown |= self._money(charge)
        return shown | ({"_embedded": self._embedded(document, embed)} if embed else {})

    def refund(self, refund: Refund, payment_id: str) -> JsonObject:
        """Return a refund of a payment."""
        path = f"{self._url}/v2/payments/{payment_id}"
        document = self._ledger.documents.get("mollie_refund", f"mollie_{refund.id}") or {}
        return {
            "resource": "refund",
            "id": refund.id,
            "mode": _mode(live=refund.live),
            "amount": amount(refund.amount, refund.currency),
            "status": _REFUND_STATUS[refund.status],
            "description": document.get("description", ""),
            "metadata": document.get("metadata"),
            "paymentId": payment_id,
            "createdAt": time(refund.created_at),
            "_links": {"self": link(f"{path}/refunds/{refund.id}"), "payment": link(path)},
        }

    def chargeback(self, dispute: Dispute, payment_id: str) -> JsonObject:
        """Return a chargeback of a payment."""
        path = f"{self._url}/v2/payments/{payment_id}"
        name = chargeback_id(dispute)
        return {
            "resource": "chargeback",
            "id": name,
            "amount": amount(dispute.amount, dispute.currency),
            "reason": {"code": "AC01", "description": dispute.reason},
            "paymentId": payment_id,
            "createdAt": time(dispute.created_at),
            "reversedAt": time(dispute.updated_at) if dispute.reinstated else None,
            "_links": {"self": link(f"{path}/chargebacks/{name}"), "payment": link(path)},
        }

    def chargebacks(self, charge_id: str, payment_id: str) -> list[JsonObject]:
        """Return the chargebacks of a payment; of an inquiry Mollie says nothing."""
        disputes = self._ledger.disputes.of(charge_id)
        return [self.chargeback(one, payment_id) for one in disputes if one.withdrawn]

    def customer(self, document: JsonObject) -> JsonObject:
        """Return a customer."""
        path = f"{self._url}/v2/customers/{document['id']}"
        return {
            **document["shown"],
            "resource": "customer",
            "id": document["id"],
            "mode": _mode(live=self._live),
            "createdAt": time(document["created_at"]),
            "_links": {"self": link(path)},
        }

    def mandate(self, document: JsonObject) -> JsonObject:
        """Return a mandate."""
        path = f"{self._url}/v2/customers/{document['customer']}"
        return {
            "resource": "mandate",
            "id": document["id"],
            "mode": _mode(live=self._live),
            "status": document["status"],
            "method": "creditcard",
            "details": _OF_MANDATE,
            "customerId": document["customer"],
            "mandateReference": None,
            "signatureDate": time(document["created_at"])[:10],
            "scopes": ["customer-not-present"],
            "createdAt": time(document["created_at"]),
            "_links": {"self": link(f"{path}/mandates/{document['id']}"), "customer": link(path)},
        }

    def _money(self, charge: Charge) -> JsonObject:
        shown = {"amount": amount(charge.amount, charge.currency)}
        if charge.status == Status.SUCCEEDED:
            left = charge.amount - self._ledger.refunds.reserved(charge.id)
            shown["amountRefunded"] = amount(charge.refunded, charge.currency)
            shown["amountRemaining"] = amount(left, charge.currency)
        if charge.disputed:
            shown["amountChargedBack"] = amount(charge.disputed, charge.currency)
        return shown

    def _embedded(self, document: JsonObject, embed: str) -> JsonObject:
        charge_id, payment_id = document["charge"], document["id"]
        shown: JsonObject = {}
        if "refunds" in embed.split(","):
            refunds = self._ledger.refunds.of(charge_id)
            shown["refunds"] = [self.refund(refund, payment_id) for refund in refunds]
        if "chargebacks" in embed.split(","):
            shown["chargebacks"] = self.chargebacks(charge_id, payment_id)
        return shown


def _mode(*, live: bool) -> str:
    return "live" if live else "test"


def chargeback_id(dispute: Dispute) -> str:
    """Return what Mollie calls a dispute."""
    return dispute.id.replace("du_", "chb_")
