"""Refunds: money given back, by the merchant's calls or in the dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from payments_ui.testing.psp.bank import RefusedError
from payments_ui.testing.psp.ledger.charges import Charge
from payments_ui.testing.psp.ledger.refunds import Refund, RefundOrder, RefundStatus

from . import params as read
from .account import Account
from .amounts import from_ledger, to_ledger
from .calls import PAGE, ApiCall, Call, StripeObject, get, post
from .charges import Charges
from .errors import StripeError, missing, required
from .payment_methods import PaymentMethods, card_of

CREATE = {"amount", "charge", "payment_intent", "reason", "metadata.*", "expand"}
LIST = PAGE | {"charge", "payment_intent"}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_REFUSALS = {
    "charge_not_taken": ("charge_not_refundable", "This charge cannot be refunded."),
    "refund_too_large": ("refund_too_large", "Less than that is left of the charge."),
}


class Refunds:
    """Answers calls about refunds."""

    def __init__(self, account: Account, charges: Charges, methods: PaymentMethods) -> None:
        self._account = account
        self._charges = charges
        self._methods = methods
        self._ledger = account.bank.ledger

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [
            post("refund", "/v1/refunds", self.create, CREATE),
            get("/v1/refunds", self.list, LIST),
            get(r"/v1/refunds/(re_\w+)", self.retrieve),
        ]

    def create(self, call: Call) -> StripeObject:
        """Refund a charge or what is left of it; the card decides how that goes."""
        params = call.params
        charge = self._charge(params)
        reason = read.choice(params, "reason", _REASONS)
        if charge.disputed or any(one.withdrawn for one in self._ledger.disputes.of(charge.id)):
            text = "This charge was disputed: it cannot be refunded."
            raise StripeError(text, code="charge_disputed")
        left = charge.amount - self._ledger.refunds.reserved(charge.id)
        amount = read.integer(params, "amount")
        if amount is None and not left:
            raise StripeError("This charge was refunded.", code="charge_already_refunded")
        order = RefundOrder(
            charge=charge.id,
            amount=left if amount is None else to_ledger(amount, charge.currency),
            reference=call.key,
            metadata=read.metadata(params),
            reason=reason or "",
        )
        card = card_of(self._methods.find(charge.card))
        conduct = call.conduct.over(card.refunds) if card else call.conduct
        try:
            refund = self._account.bank.refund(order, conduct)
        except RefusedError as refused:
            code, text = _REFUSALS[refused.code]
            if not left:
                code, text = "charge_already_refunded", "This charge was refunded."
            raise StripeError(text, code=code) from refused
        return self.show(refund, charge)

    def retrieve(self, call: Call, refund_id: str) -> StripeObject:
        """Return a refund."""
        return self.find(refund_id)

    def list(self, call: Call) -> StripeObject:
        """Return the refunds, of a charge or payment if asked for."""
        wanted = {name: read.text(call.params, name) for name in ("charge", "payment_intent")}
        shown = []
        for refund in reversed(self._ledger.refunds.all()):
            charge = self._ledger.charges.get(refund.charge)
            if charge and charge.face == "stripe":
                one = self.show(refund, charge)
                if all(value in {None, one[name]} for name, value in wanted.items()):
                    shown.append(one)
        return self._account.page("/v1/refunds", shown, call.params)

    def find(self, refund_id: str) -> StripeObject:
        """Return a refund; StripeError 404 where there is none."""
        refund = self._ledger.refunds.get(refund_id)
        charge = self._ledger.charges.get(refund.charge) if refund else None
        if refund is None or charge is None or charge.face != "stripe":
            raise missing("refund", refund_id)
        return self.show(refund, charge)

    def show(self, refund: Refund, charge: Charge) -> StripeObject:
        """Return a refund of the ledger as Stripe shows it."""
        failed = refund.status in {RefundStatus.FAILED, RefundStatus.RETURNED}
        pending = refund.status == RefundStatus.PENDING
        method = self._methods.find(charge.card)
        transaction = refund.id.replace("re_", "txn_")
        details: StripeObject = {}
        if method["type"] == "card":
            details = {"reference_status": "pending", "type": "refund"}
            details["reference_type"] = "acquirer_reference_number"
        return {
            "id": refund.id,
            "object": "refund",
            "amount": from_ledger(refund.amount, refund.currency),
            "balance_transaction": None if pending else transaction,
            "charge": charge.id,
            "created": int(refund.created_at),
            "currency": refund.currency.lower(),
            "destination_details": {"type": method["type"], method["type"]: details},
            "failure_balance_transaction": f"{transaction}back" if failed else None,
            "failure_reason": refund.failure_code or None,
            "metadata": refund.metadata,
            "payment_intent": charge.known_as,
            "pending_reason": "processing" if pending else None,
            "reason": refund.reason or None,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "failed" if failed else str(refund.status),
            "transfer_reversal": None,
        }

    def moved(self, refund: Refund, charge: Charge) -> None:
        """Tell the merchant what became of a refund."""
        shown = self.show(refund, charge)
        kinds = {
            RefundStatus.PENDING: ["refund.created"],
            RefundStatus.SUCCEEDED: ["refund.updated"],
            RefundStatus.FAILED: ["refund.updated", "refund.failed"],
            RefundStatus.RETURNED: ["refund.updated", "refund.failed"],
        }[refund.status]
        if refund.updated_at == refund.created_at and kinds[0] != "refund.created":
            kinds = ["refund.created", *kinds[1:]]
        if refund.status == RefundStatus.SUCCEEDED:
            charged = self._charges.find(charge.id)
            self._post("charge.refunded", charged, refund)
        for kind in kinds:
            self._post(kind, shown, refund)

    def _post(self, kind: str, subject: StripeObject, refund: Refund) -> None:
        final = refund.status != RefundStatus.PENDING
        self._account.post(
            kind, subject, charge_id=refund.charge, conduct=refund.conduct, final=final
        )

    def _charge(self, params: read.Params) -> Charge:
        charge_id, intent = read.text(params, "charge"), read.text(params, "payment_intent")
        if charge_id is None and intent is None:
            raise required("payment_intent")
        if intent is not None:
            latest = self._account.get("payment_intent", intent, "payment_intent")["latest_charge"]
            if latest is None:
                text = "This PaymentIntent does not have a successful charge to refund."
                raise StripeError(text, code="payment_intent_unexpected_state")
            charge_id = latest
        charge = self._ledger.charges.get(charge_id or "")
        if charge is None or charge.face != "stripe":
            raise missing("charge", charge_id or "", "charge")
        return charge
