"""Early fraud warnings: a card's network says that its owner did not make a charge."""

from __future__ import annotations

from collections.abc import Sequence

from . import params as read
from .account import Account
from .calls import PAGE, ApiCall, Call, StripeObject, get
from .charges import Charges

LIST = PAGE | {"charge", "payment_intent"}


class EarlyFraudWarnings:
    """Answers calls about early fraud warnings."""

    def __init__(self, account: Account, charges: Charges) -> None:
        self._account = account
        self._charges = charges

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [
            get("/v1/radar/early_fraud_warnings", self.list, LIST),
            get(r"/v1/radar/early_fraud_warnings/(issfr_\w+)", self.retrieve),
        ]

    def retrieve(self, call: Call, warning_id: str) -> StripeObject:
        """Return a warning."""
        return self._account.get("radar.early_fraud_warning", warning_id)

    def list(self, call: Call) -> StripeObject:
        """Return the warnings, about a charge or payment if asked for."""
        wanted = {
            name: value
            for name in ("charge", "payment_intent")
            if (value := read.text(call.params, name))
        }
        found = self._account.find("radar.early_fraud_warning", **wanted)
        return self._account.page("/v1/radar/early_fraud_warnings", found, call.params)

    def warn(self, charge_id: str, fraud_type: str = "misc") -> StripeObject:
        """Warn of a charge."""
        charge = self._charges.find(charge_id)
        warning = self._account.add(
            "radar.early_fraud_warning",
            "issfr",
            actionable=not charge["refunded"] and not charge["disputed"],
            charge=charge["id"],
            fraud_type=fraud_type,
            payment_intent=charge["payment_intent"],
        )
        self._account.post("radar.early_fraud_warning.created", warning, charge_id=charge_id)
        return warning
