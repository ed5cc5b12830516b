"""Calls about payments, also those of nothing by which a mandate is made."""

from __future__ import annotations

import json
import re
import uuid
from decimal import Decimal
from typing import Any

from payments_ui.testing.psp.amounts import decimals
from payments_ui.testing.psp.api.parameters import is_loopback, is_text
from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.ledger.charges import Charge, Order
from payments_ui.testing.psp.scenarios import Conduct

from .objects import JsonObject, Objects, link, status_of

#: What `POST /v2/payments` takes, of the OpenAPI description.
PARAMETERS = frozenset(
    {
        *("amount", "description", "redirectUrl", "cancelUrl", "webhookUrl", "metadata"),
        *("method", "locale", "sequenceType", "customerId", "mandateId"),
    }
)
#: Mollie cancels payments by these ways to pay only; a customer may leave the others' pages.
_CANCELABLE = (["banktransfer"], ["klarna"])
_DEFAULT_PAGE = 50
_LONGEST_PAGE = 250


class InvalidError(ApiError):
    """Mollie refuses a parameter."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(422, field, detail)


def minor_units(value: object, *, least: int = 1) -> tuple[int, str]:
    """Return what an amount of Mollie's is in minor units, and the currency."""
    found = value if isinstance(value, dict) else {}
    text, currency = found.get("value"), found.get("currency")
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidError("amount", "The currency is not valid.")
    places = decimals(currency)
    pattern = rf"[0-9]{{1,9}}\.[0-9]{{{places}}}" if places else r"[0-9]{1,9}"
    if set(found) != {"value", "currency"} or not re.fullmatch(pattern, str(text), re.ASCII):
        raise InvalidError("amount", "The amount contains an invalid value.")
    units = int(Decimal(str(text)).scaleb(places))
    if units < least:
        raise InvalidError("amount", "The amount is lower than the minimum.")
    return units, currency


def new_id(prefix: str) -> str:
    """Return an id as Mollie's look."""
    return f"{prefix}_{uuid.uuid4().hex[:22]}"


class PaymentsApi:
    """Answers calls about payments."""

    def __init__(self, bank: Bank, objects: Objects) -> None:
        self._bank = bank
        self._ledger = bank.ledger
        self._objects = objects

    def document(self, payment_id: str) -> JsonObject:
        """Return what is kept of a payment; ApiError 404 without it."""
        found = self._ledger.documents.get("mollie_payment", payment_id)
        if found is None:
            raise ApiError(404, "", f"No payment exists with token {payment_id}.")
        return found

    def create(self, data: JsonObject, key: str, conduct: Conduct) -> Answer:
        """Open a payment, or charge a mandate."""
        self._check(data)
        sequence = data.get("sequenceType", "oneoff")
        units, currency = minor_units(data.get("amount"), least=0 if sequence == "first" else 1)
        mandate = self._mandate(data) if sequence == "recurring" else None
        document = {
            "id": new_id("tr"),
            "charge": "",
            "customer": data.get("customerId", ""),
            "mandate": mandate["id"] if mandate else "",
            "is_cancelable": data.get("method") in _CANCELABLE,
            "webhook_url": data.get("webhookUrl") or "",
            "return_url": data.get("redirectUrl") or "",
            # Of a payment of nothing, which is no charge.
            "status": "open",
            "created_at": self._ledger.clock.now(),
            "shown": {**data, "method": None, "sequenceType": sequence},
        }
        with self._ledger.store.transaction():
            self._ledger.documents.add("mollie_payment", document)
            if units:
                order = Order(
                    amount=units,
                    currency=currency,
                    reference=key,
                    method="card" if mandate else "page",
                    card="card_approve" if mandate else "",
                    return_url=document["return_url"],
                    webhook_url=document["webhook_url"],
                    description=data["description"],
                    face="mollie",
                    known_as=document["id"],
                )
                charge = self._bank.charge(order, conduct)
                document |= {"charge": charge.id}
                self._ledger.documents.save(document)
        return Answer(201, json.dumps(self._objects.payment(document)))

    def fetch(self, request: Request, payment_id: str) -> Answer:
        """Return a payment, with what is to be embedded."""
        embed = request.params().get("embed", "")
        return Answer(200, json.dumps(self._objects.payment(self.document(payment_id), embed)))

    def list(self, request: Request, customer: str = "") -> Answer:
        """Return payments, newest first, with a link to the next page."""
        params = request.params()
        limit = params.get("limit", str(_DEFAULT_PAGE))
        if not (limit.isdecimal() and 1 <= int(limit[:9]) <= _LONGEST_PAGE):
            raise ApiError(400, "limit", "The limit is not valid.")
        fields = {"customer": customer} if customer else {}
        found = self._ledger.documents.find("mollie_payment", **fields)
        ids = [document["id"] for document in found]
        if "from" in params and params["from"] not in ids:
            raise ApiError(400, "from", "The cursor is not valid.")
        start = ids.index(params["from"]) if "from" in params else 0
        page, rest = found[start : start + int(limit)], ids[start + int(limit) :]
        url = f"{self._bank.url}{request.path}?limit={limit}&from="
        listed = {
            "count": len(page),
            "_embedded": {"payments": [self._objects.payment(each) for each in page]},
            "_links": {
                "self": link(f"{self._bank.url}{request.path}"),
                "previous": None,
                "next": link(url + rest[0]) if rest else None,
            },
        }
        return Answer(200, json.dumps(listed))

    def cancel(self, request: Request, payment_id: str) -> Answer:
        """Cancel a payment where that is possible."""
        document = self.document(payment_id)
        charge = self._ledger.charges.get(document["charge"])
        if charge is None or status_of(charge) != "open" or not document["is_cancelable"]:
            raise ApiError(422, "", "The payment cannot be canceled.")
        self._bank.cancel(charge.id)
        return self.fetch(request, payment_id)

    def charge_of(self, payment_id: str) -> Charge:
        """Return the charge of a payment; ApiError 404 without one."""
        charge = self._ledger.charges.get(self.document(payment_id)["charge"])
        if charge is None:
            raise ApiError(404, "", "This payment took nothing.")
        return charge

    def _check(self, data: JsonObject) -> None:
        if unknown := sorted(set(data) - PARAMETERS):
            raise InvalidError(unknown[0][:50], "This parameter is not known.")
        sequence = data.get("sequenceType", "oneoff")
        method = data.get("method", [])
        webhook, leads_back = data.get("webhookUrl"), data.get("redirectUrl")
        valid = {
            "description": is_text(data.get("description"), 255),
            "redirectUrl": is_loopback(leads_back) if leads_back else sequence == "recurring",
            "webhookUrl": webhook is None or is_loopback(webhook),
            "metadata": len(json.dumps(data.get("metadata"))) <= 1024,
            "sequenceType": sequence in ("oneoff", "first", "recurring"),
            "method": isinstance(method, list) and all(is_text(each, 50) for each in method),
            "locale": re.fullmatch("[a-z]{2}_[A-Z]{2}", data.get("locale", "en_US")) is not None,
            "customerId": sequence == "oneoff" or self._has_customer(data.get("customerId")),
        }
        for field, is_valid in valid.items():
            if not is_valid:
                raise InvalidError(field, f"The {field} is not valid.")

    def _has_customer(self, customer: Any) -> bool:
        return self._ledger.documents.get("mollie_customer", str(customer)) is not None

    def _mandate(self, data: JsonObject) -> JsonObject:
        mandate = self._ledger.documents.get("mollie_mandate", str(data.get("mandateId")))
        ours = mandate is not None and mandate["customer"] == data["customerId"]
        if mandate is None or not ours or mandate["status"] == "invalid":
            raise InvalidError("mandateId", "The mandate does not exist or is not valid.")
        return mandate
