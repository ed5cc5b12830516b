"""The page that customers see at the PSP: pay there, or confirm with 3-D Secure."""

from __future__ import annotations

from payments_ui.testing.psp.amounts import format_amount
from payments_ui.testing.psp.bank import DECISIONS, Bank
from payments_ui.testing.psp.http import ApiError, Request, Response, loopback_url
from payments_ui.testing.psp.ledger.charges import Charge, Status

from .html import fill, page, see_other

_ASKING = {
    "card": (
        "Confirm it is you",
        "Your bank asks you to confirm this payment (3-D Secure).",
        "Yes, it is me",
        "No, refuse",
    ),
    "page": (
        "Pay here",
        "You left the shop to pay. Afterwards you are taken back.",
        "Pay now",
        "Let it be declined",
    ),
}
_ENDED = {
    Status.SUCCEEDED: ("Paid", "This payment is made. You have nothing left to do."),
    Status.PROCESSING: ("Accepted", "This payment is being processed. The shop will hear of it."),
    Status.DECLINED: ("Declined", "Nothing was charged. You can try again in the shop."),
    Status.CANCELLED: ("Cancelled", "Nothing was charged. You can try again in the shop."),
}


class PaymentPage:
    """Shows a charge to its customer and takes the decision."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def show(self, request: Request, token: str) -> Response:
        """Ask the customer, or show how the payment ended."""
        self._bank.finish_due()
        charge = _found(self._bank.ledger.charges.by_token(token))
        if charge.status == Status.REQUIRES_ACTION:
            heading, lead, approve, refuse = _ASKING[charge.method]
            form = fill("decision.html", action=f"/pay/{token}", approve=approve, refuse=refuse)
        else:
            heading, lead = _ENDED[charge.status]
            form = fill("done.html", return_url=charge.return_url)
        content = fill(
            "pay.html",
            heading=heading,
            lead=lead,
            form=form,
            amount=format_amount(charge.amount, charge.currency),
            account=charge.account,
            description=charge.description or "a purchase",
            reference=charge.reference,
        )
        shop = loopback_url(charge.return_url)
        # A content security policy cannot name an IPv6 address.
        origin = f"{shop.scheme}:" if "[" in shop.netloc else f"{shop.scheme}://{shop.netloc}"
        return page(heading, content, kind="sheet", leads_to=origin)

    def decide(self, request: Request, token: str) -> Response:
        """Do what the customer chose, once, and lead back to the shop."""
        decision = request.form().get("decision", "")
        if decision not in DECISIONS:
            raise ApiError(400, "invalid_decision", "Use a button of the page.")
        self._bank.finish_due()
        charge = _found(self._bank.decide(token, decision))
        return see_other(charge.return_url)


def _found(charge: Charge | None) -> Charge:
    if charge is None:
        raise ApiError(404, "no_such_page", "This payment does not exist.")
    return charge
