"""Disputes: customers whose banks take money back. Their verbs are for tests and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from payments_ui.testing.psp.ledger.charges import Charge
from payments_ui.testing.psp.ledger.disputes import OPEN_DISPUTES, Dispute, DisputeStatus

from . import params as read
from .account import Account
from .amounts import from_ledger
from .calls import PAGE, ApiCall, Call, StripeObject, get, post
from .charges import Charges
from .errors import StripeError, missing
from .payment_methods import PaymentMethods

UPDATE = {"submit", "metadata.*", "expand", "evidence.uncategorized_text"}
LIST = PAGE | {"charge", "payment_intent"}
_EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy"),
    *("cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication"),
    *("customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature"),
    *("duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id"),
    *("product_description", "receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation", "shipping_address"),
    *("shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number"),
    *("uncategorized_file", "uncategorized_text"),
)


class Disputes:
    """Answers calls about disputes."""

    def __init__(self, account: Account, charges: Charges, methods: PaymentMethods) -> None:
        self._account = account
        self._charges = charges
        self._methods = methods
        self._ledger = account.bank.ledger

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        dispute = r"/v1/disputes/(du_\w+)"
        return [
            get("/v1/disputes", self.list, LIST),
            get(dispute, self.retrieve),
            post("save", dispute, self.update, UPDATE),
            post("save", f"{dispute}/close", self.close),
        ]

    def retrieve(self, call: Call, dispute_id: str) -> StripeObject:
        """Return a dispute."""
        return self.find(dispute_id)

    def list(self, call: Call) -> StripeObject:
        """Return the disputes, of a charge or payment if asked for."""
        wanted = {name: read.text(call.params, name) for name in ("charge", "payment_intent")}
        found = [
            self.find(dispute.id)
            for dispute in reversed(self._ledger.disputes.all())
            if self._of_stripe(dispute)
        ]
        found = [
            one for one in found if all(value in {None, one[key]} for key, value in wanted.items())
        ]
        return self._account.page("/v1/disputes", found, call.params)

    def update(self, call: Call, dispute_id: str) -> StripeObject:
        """Take the merchant's evidence; `submit` sends it to the bank.

        Among the test evidence, `winning_evidence` wins and `losing_evidence` loses.
        """
        self.find(dispute_id)
        evidence = read.mapping(call.params, "evidence")
        text = read.text(evidence, "uncategorized_text", 20_000)
        if read.flag(call.params, "submit", default=True):
            self._account.bank.review_dispute(dispute_id)
            if text == "winning_evidence":
                self._account.bank.win_dispute(dispute_id)
            if text == "losing_evidence":
                self._account.bank.lose_dispute(dispute_id)
        return self.find(dispute_id)

    def close(self, call: Call, dispute_id: str) -> StripeObject:
        """Accept a dispute as lost."""
        if self._get(dispute_id).status not in OPEN_DISPUTES:
            raise StripeError("This dispute is already closed.", code="dispute_already_closed")
        self._account.bank.lose_dispute(dispute_id)
        return self.find(dispute_id)

    def find(self, dispute_id: str) -> StripeObject:
        """Return a dispute; StripeError 404 where there is none."""
        dispute = self._get(dispute_id)
        charge = self._of_stripe(dispute)
        if charge is None:
            raise missing("dispute", dispute_id)
        return self.show(dispute, charge)

    def show(self, dispute: Dispute, charge: Charge) -> StripeObject:
        """Return a dispute of the ledger as Stripe shows it."""
        method = self._methods.find(charge.card)
        details: StripeObject | None = None
        if method["type"] == "card":
            card = {
                "brand": method["card"]["brand"],
                "case_type": "inquiry" if dispute.withdrawn == 0 else "chargeback",
                "network": method["card"]["brand"],
                "network_reason_code": "83",
            }
            details = {"type": "card", "card": card}
        amount = from_ledger(dispute.amount, dispute.currency)
        now = self._account.now()
        submitted = dispute.status in {DisputeStatus.UNDER_REVIEW, DisputeStatus.WON}
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": amount,
            "balance_transactions": self._transactions(dispute),
            "charge": charge.id,
            "created": int(dispute.created_at),
            "currency": dispute.currency.lower(),
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": int(dispute.due_at or 0) if dispute.status in OPEN_DISPUTES else None,
                "enhanced_eligibility": {},
                "has_evidence": submitted,
                "past_due": (dispute.due_at or now) < now,
                "submission_count": int(submitted),
                "submission_method": "manual" if submitted else "not_submitted",
            },
            "is_charge_refundable": dispute.withdrawn == 0,
            "livemode": charge.live,
            "metadata": {},
            "network_reason_code": "83",
            "payment_intent": charge.known_as,
            "payment_method_details": details,
            "reason": dispute.reason,
            "status": _status(dispute),
        }

    def moved(self, dispute: Dispute, charge: Charge) -> None:
        """Tell the merchant what became of a dispute."""
        shown = self.show(dispute, charge)
        verbs = {
            DisputeStatus.INQUIRY: ["created"],
            DisputeStatus.NEEDS_RESPONSE: ["created", "funds_withdrawn"],
            DisputeStatus.UNDER_REVIEW: ["updated"],
            DisputeStatus.WON: ["closed", "funds_reinstated"],
            DisputeStatus.LOST: ["closed"],
            DisputeStatus.CLOSED: ["closed"],
        }[dispute.status]
        if verbs[0] == "created" and dispute.updated_at != dispute.created_at:
            verbs[0] = "updated"  # it was an inquiry before
        for verb in verbs:
            self._account.post(
                f"charge.dispute.{verb}", shown, charge_id=charge.id, conduct=charge.conduct
            )

    def _get(self, dispute_id: str) -> Dispute:
        dispute = self._ledger.disputes.get(dispute_id)
        if dispute is None:
            raise missing("dispute", dispute_id)
        return dispute

    def _of_stripe(self, dispute: Dispute) -> Charge | None:
        charge = self._ledger.charges.get(dispute.charge)
        return charge if charge and charge.face == "stripe" else None

    def _transactions(self, dispute: Dispute) -> Sequence[StripeObject]:
        moves = [(-dispute.withdrawn, "out"), (dispute.reinstated, "in")]
        return [
            {
                "id": dispute.id.replace("du_", "txn_") + which,
                "object": "balance_transaction",
                "amount": from_ledger(abs(amount), dispute.currency) * (1 if amount > 0 else -1),
                "available_on": int(dispute.updated_at),
                "balance_type": "payments",
                "created": int(dispute.updated_at),
                "currency": dispute.currency.lower(),
                "description": f"Chargeback {'reversal' if amount > 0 else 'withdrawal'}",
                "exchange_rate": None,
                "fee": 0,
                "fee_details": [],
                "net": from_ledger(abs(amount), dispute.currency) * (1 if amount > 0 else -1),
                "reporting_category": "dispute_reversal" if amount > 0 else "dispute",
                "source": dispute.id,
                "status": "available",
                "type": "adjustment",
            }
            for amount, which in moves
            if amount
        ]


def _status(dispute: Dispute) -> str:
    if dispute.status == DisputeStatus.INQUIRY:
        return "warning_needs_response"
    if dispute.status == DisputeStatus.CLOSED:
        return "warning_closed"
    return str(dispute.status)
