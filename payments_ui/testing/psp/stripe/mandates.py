"""Mandates: what customers agreed to when they let a payment method be charged."""

from __future__ import annotations

from collections.abc import Sequence

from . import params as read
from .account import Account
from .calls import ApiCall, Call, StripeObject, get
from .params import Params

ACCEPTANCE = {
    *("mandate_data.customer_acceptance.type", "mandate_data.customer_acceptance.accepted_at"),
    "mandate_data.customer_acceptance.online.ip_address",
    "mandate_data.customer_acceptance.online.user_agent",
}


class Mandates:
    """Answers calls about mandates."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [get(r"/v1/mandates/(mandate_\w+)", self.retrieve)]

    def retrieve(self, call: Call, mandate_id: str) -> StripeObject:
        """Return a mandate."""
        return self._account.get("mandate", mandate_id)

    def accept(self, params: Params, method: StripeObject, *, kept: bool) -> str | None:
        """Write down what the customer agreed to; return the mandate's id, or None without one."""
        given = read.mapping(read.mapping(params, "mandate_data"), "customer_acceptance")
        debit = method["type"] == "sepa_debit"
        if not debit and not (given and kept):
            return None
        online = read.mapping(given, "online")
        details: StripeObject = {method["type"]: {}}
        if debit:
            details = {"sepa_debit": {"reference": "SANDBOX1", "url": "https://example.com/"}}
        mandate = self._account.add(
            "mandate",
            "mandate",
            customer_acceptance={
                "accepted_at": read.integer(given, "accepted_at") or self._account.now(),
                "online": {name: online.get(name) for name in ("ip_address", "user_agent")},
                "type": read.text(given, "type") or "online",
            },
            multi_use={} if kept else None,
            payment_method=method["id"],
            payment_method_details={"type": method["type"], **details},
            status="active",
            type="multi_use" if kept else "single_use",
        )
        del mandate["created"]  # Stripe shows none
        self._account.save(mandate)
        mandate_id: str = mandate["id"]
        return mandate_id

    def end(self, mandate_id: str) -> StripeObject:
        """Let the customer revoke a mandate at their bank."""
        mandate = self._account.get("mandate", mandate_id)
        before = {"status": mandate["status"]}
        mandate["status"] = "inactive"
        self._account.save(mandate)
        self._account.post("mandate.updated", mandate, before=before)
        return mandate
