"""Customers: who payment methods belong to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from . import params as read
from .account import Account
from .calls import PAGE, ApiCall, Call, StripeObject, delete, get, post
from .errors import missing

CREATE = {
    *("description", "email", "metadata.*", "name", "phone", "preferred_locales", "expand"),
    "invoice_settings.default_payment_method",
}
LIST = PAGE | {"email"}
_TEXTS = ("description", "email", "name", "phone")


class Customers:
    """Answers calls about customers."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        customer = r"/v1/customers/(cus_\w+)"
        return [
            post("save", "/v1/customers", self.create, CREATE),
            get("/v1/customers", self.list, LIST),
            get(customer, self.retrieve),
            post("save", customer, self.update, CREATE),
            delete(customer, self.delete),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a customer."""
        customer = self._account.add(
            "customer",
            "cus",
            **{name: read.text(call.params, name) for name in _TEXTS},
            address=None,
            balance=0,
            currency=None,
            default_source=None,
            delinquent=False,
            discount=None,
            invoice_prefix=secrets.token_hex(4).upper(),
            invoice_settings={
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            metadata=read.metadata(call.params),
            next_invoice_sequence=1,
            preferred_locales=read.names(call.params, "preferred_locales"),
            shipping=None,
            tax_exempt="none",
            test_clock=None,
        )
        self._account.post("customer.created", customer)
        return customer

    def retrieve(self, call: Call, customer_id: str) -> StripeObject:
        """Return a customer, or that it was deleted."""
        return self._account.get("customer", customer_id)

    def list(self, call: Call) -> StripeObject:
        """Return the customers that are not deleted."""
        email = read.text(call.params, "email")
        found = [
            one
            for one in self._account.find("customer")
            if "deleted" not in one and email in {None, one["email"]}
        ]
        return self._account.page("/v1/customers", found, call.params)

    def update(self, call: Call, customer_id: str) -> StripeObject:
        """Change a customer."""
        customer = self.find(customer_id)
        before = {name: customer[name] for name in _TEXTS if name in call.params}
        customer |= {name: read.text(call.params, name) for name in before}
        customer["metadata"] = read.metadata(call.params, customer["metadata"])
        settings = read.mapping(call.params, "invoice_settings")
        if "default_payment_method" in settings:
            default = read.text(settings, "default_payment_method")
            customer["invoice_settings"]["default_payment_method"] = default
        self._account.save(customer)
        self._account.post("customer.updated", customer, before=before)
        return customer

    def delete(self, call: Call, customer_id: str) -> StripeObject:
        """Delete a customer: its payment methods cannot be charged any more."""
        customer = self.find(customer_id)
        for method in self._account.find("payment_method", customer=customer_id):
            method["customer"], method["_gone"] = None, True
            self._account.save(method)
        deleted = {"id": customer_id, "object": "customer", "deleted": True}
        self._account.save(deleted)
        self._account.post("customer.deleted", customer)
        return deleted

    def find(self, customer_id: str, param: str = "id") -> StripeObject:
        """Return a customer that is not deleted; StripeError 404 where there is none."""
        customer = self._account.get("customer", customer_id, param)
        if "deleted" in customer:
            raise missing("customer", customer_id, param)
        return customer
