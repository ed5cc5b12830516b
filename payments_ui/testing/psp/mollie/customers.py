"""Calls about customers and their mandates."""

from __future__ import annotations

import json

from payments_ui.testing.psp.api.parameters import is_text
from payments_ui.testing.psp.calls import Answer
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.ledger import Ledger
from payments_ui.testing.psp.scenarios import Conduct

from .objects import JsonObject, Objects
from .payments import InvalidError, new_id

#: What `POST /v2/customers` takes, of the OpenAPI description.
PARAMETERS = frozenset({"name", "email", "locale", "metadata"})


class CustomersApi:
    """Answers calls about customers."""

    def __init__(self, ledger: Ledger, objects: Objects) -> None:
        self._ledger = ledger
        self._documents = ledger.documents
        self._objects = objects

    def create(self, data: JsonObject, key: str, conduct: Conduct) -> Answer:
        """Make a customer."""
        if unknown := sorted(set(data) - PARAMETERS):
            raise InvalidError(unknown[0][:50], "This parameter is not known.")
        for name in ("name", "email"):
            if not is_text(data.get(name, ""), 255):
                raise InvalidError(name, f"The {name} is not valid.")
        now = self._ledger.clock.now()
        document = {"id": new_id("cst"), "created_at": now, "shown": data}
        self._documents.add("mollie_customer", document)
        return Answer(201, json.dumps(self._objects.customer(document)))

    def delete(self, request: Request, customer_id: str) -> Answer:
        """Delete a customer, whose mandates are revoked."""
        self.require(customer_id)
        with self._ledger.store.transaction():
            for mandate in self._documents.find("mollie_mandate", customer=customer_id):
                self._documents.save(mandate | {"status": "invalid"})
            self._documents.delete(customer_id)
        return Answer(204, "")

    def require(self, customer_id: str) -> None:
        """Raise ApiError 410 unless this is a customer, as Mollie does for deleted ones."""
        if self._documents.get("mollie_customer", customer_id) is None:
            raise ApiError(410, "", "The customer is no longer available.")

    def add_mandate(self, customer_id: str) -> str:
        """Enter a mandate for the card of the page, and return its id."""
        mandate = {
            "id": new_id("mdt"),
            "customer": customer_id,
            "status": "valid",
            "created_at": self._ledger.clock.now(),
        }
        self._documents.add("mollie_mandate", mandate)
        return str(mandate["id"])

    def mandate(self, request: Request, customer_id: str, mandate_id: str) -> Answer:
        """Return a mandate of a customer."""
        return Answer(200, json.dumps(self._objects.mandate(self._found(customer_id, mandate_id))))

    def revoke(self, request: Request, customer_id: str, mandate_id: str) -> Answer:
        """Revoke a mandate: nothing is charged with it any more."""
        self._documents.delete(self._found(customer_id, mandate_id)["id"])
        return Answer(204, "")

    def _found(self, customer_id: str, mandate_id: str) -> JsonObject:
        self.require(customer_id)
        mandate = self._documents.get("mollie_mandate", mandate_id)
        if mandate is None or mandate["customer"] != customer_id:
            raise ApiError(404, "", f"No mandate exists with token {mandate_id}.")
        return mandate
