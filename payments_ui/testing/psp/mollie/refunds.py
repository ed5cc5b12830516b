"""Calls about refunds and chargebacks of a payment."""

from __future__ import annotations

import json

from payments_ui.testing.psp.api.parameters import is_text
from payments_ui.testing.psp.bank import Bank, RefusedError
from payments_ui.testing.psp.calls import Answer
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.ledger.refunds import RefundOrder
from payments_ui.testing.psp.scenarios import Conduct

from .objects import JsonObject, Objects
from .payments import InvalidError, PaymentsApi, minor_units

#: What `POST /v2/payments/…/refunds` takes, of the OpenAPI description.
PARAMETERS = frozenset({"amount", "description", "metadata"})
#: Seconds for which Mollie takes the same refund for a mistake.
_DUPLICATE = 60


class RefundsApi:
    """Answers calls about refunds and chargebacks."""

    def __init__(self, bank: Bank, objects: Objects, payments: PaymentsApi) -> None:
        self._bank = bank
        self._ledger = bank.ledger
        self._objects = objects
        self._payments = payments

    def create(self, payment_id: str, data: JsonObject, key: str, conduct: Conduct) -> Answer:
        """Refund a payment or a part of it."""
        charge = self._payments.charge_of(payment_id)
        if unknown := sorted(set(data) - PARAMETERS):
            raise InvalidError(unknown[0][:50], "This parameter is not known.")
        units, currency = minor_units(data.get("amount"))
        if currency != charge.currency:
            raise InvalidError("amount", "The currency is not that of the payment.")
        if not is_text(data.get("description", ""), 255):
            raise InvalidError("description", "The description is not valid.")
        same = {"payment": payment_id, "units": units, "description": data.get("description", "")}
        with self._ledger.store.transaction():
            earlier = self._ledger.documents.find("mollie_refund", **same)
            now = self._ledger.clock.now()
            if any(now - one["created_at"] < _DUPLICATE for one in earlier):
                raise ApiError(409, "", "A duplicate refund has been detected.")
            try:
                refund = self._bank.refund(
                    RefundOrder(charge=charge.id, amount=units, reference=key), conduct
                )
            except RefusedError as error:
                raise InvalidError("amount", str(error)) from error
            document = same | {"created_at": now, "metadata": data.get("metadata")}
            self._ledger.documents.add("mollie_refund", document | {"id": f"mollie_{refund.id}"})
        return Answer(201, json.dumps(self._objects.refund(refund, payment_id)))

    def fetch(self, request: Request, payment_id: str, refund_id: str) -> Answer:
        """Return a refund of a payment."""
        refund = self._ledger.refunds.get(refund_id)
        if refund is None or refund.charge != self._payments.charge_of(payment_id).id:
            raise ApiError(404, "", f"No refund exists with token {refund_id}.")
        return Answer(200, json.dumps(self._objects.refund(refund, payment_id)))

    def fetch_chargeback(self, request: Request, payment_id: str, chargeback_id: str) -> Answer:
        """Return a chargeback of a payment."""
        charge = self._payments.charge_of(payment_id)
        found = self._objects.chargebacks(charge.id, payment_id)
        chargeback = next((one for one in found if one["id"] == chargeback_id), None)
        if chargeback is None:
            raise ApiError(404, "", f"No chargeback exists with token {chargeback_id}.")
        return Answer(200, json.dumps(chargeback))
