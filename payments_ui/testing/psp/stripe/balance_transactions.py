"""Balance transactions: what charges, refunds and disputes moved on the account."""

from __future__ import annotations

from collections.abc import Sequence

from payments_ui.testing.psp.ledger.charges import Status

from .account import Account
from .amounts import from_ledger
from .calls import ApiCall, Call, StripeObject, get
from .disputes import Disputes
from .errors import missing


class BalanceTransactions:
    """Answers calls about balance transactions. Their ids are those of what moved the money."""

    def __init__(self, account: Account, disputes: Disputes) -> None:
        self._account = account
        self._disputes = disputes
        self._ledger = account.bank.ledger

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [get(r"/v1/balance_transactions/(txn_\w+)", self.retrieve)]

    def retrieve(self, call: Call, transaction_id: str) -> StripeObject:
        """Return a balance transaction."""
        return self.find(transaction_id)

    def find(self, transaction_id: str) -> StripeObject:
        """Return a balance transaction; StripeError 404 where there is none."""
        name = transaction_id.removeprefix("txn_")
        charge = self._ledger.charges.get(f"ch_{name}")
        if charge and charge.status == Status.SUCCEEDED:
            amount = from_ledger(charge.amount, charge.currency)
            kind = "charge"
            return self._show(transaction_id, amount, charge.currency, charge.id, kind)
        refund = self._ledger.refunds.get(f"re_{name.removesuffix('back')}")
        if refund:
            amount = from_ledger(refund.amount, refund.currency)
            if name.endswith("back"):
                return self._show(
                    transaction_id, amount, refund.currency, refund.id, "refund_failure"
                )
            return self._show(transaction_id, -amount, refund.currency, refund.id, "refund")
        for one in self._disputes.list(Call({"limit": "100"}))["data"]:
            for transaction in one["balance_transactions"]:
                if transaction["id"] == transaction_id:
                    found: StripeObject = transaction
                    return found
        raise missing("balance_transaction", transaction_id)

    def _show(
        self, transaction_id: str, amount: int, currency: str, source: str, kind: str
    ) -> StripeObject:
        return {
            "id": transaction_id,
            "object": "balance_transaction",
            "amount": amount,
            "available_on": self._account.now(),
            "balance_type": "payments",
            "created": self._account.now(),
            "currency": currency.lower(),
            "description": None,
            "exchange_rate": None,
            "fee": 0,
            "fee_details": [],
            "net": amount,
            "reporting_category": kind,
            "source": source,
            "status": "available",
            "type": kind,
        }
