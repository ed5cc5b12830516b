"""The pages customers see at the PSP: pay there, and 3-D Secure."""

from __future__ import annotations

from .addresses import origin
from .amounts import readable
from .bank import DECISIONS, Bank
from .exchange import ApiError, Request, Response
from .ledger import Charge, Status
from .markup import Html, fill, page, see_other

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
    Status.SUCCEEDED: ("Paid", "This payment is made. There is nothing left to do."),
    Status.PROCESSING: ("Accepted", "This payment is being processed. The shop will be told."),
    Status.DECLINED: ("Declined", "Nothing was charged. You can try again in the shop."),
    Status.CANCELLED: ("Cancelled", "Nothing was charged. You can try again in the shop."),
}


class Pages:
    """Shows a charge to the customer and takes the decision."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def show(self, request: Request, token: str) -> Response:
        """Show what is asked, or how it ended."""
        self._bank.tick()
        charge = _found(self._bank.ledger.by_token(token))
        asks = charge.status == Status.REQUIRES_ACTION
        heading, lead, form = _question(charge) if asks else _end(charge)
        content = fill(
            "pay.html",
            heading=heading,
            lead=lead,
            form=form,
            amount=readable(charge.amount, charge.currency),
            account=charge.account,
            description=charge.description or "a purchase",
            reference=charge.reference,
        )
        return page(heading, content, kind="sheet", leads_to=origin(charge.return_url))

    def decide(self, request: Request, token: str) -> Response:
        """Do what the customer chose, once, and lead back to the shop."""
        decision = request.form().get("decision", "")
        if decision not in DECISIONS:
            raise ApiError(400, "invalid_decision", "Choose one of the buttons.")
        self._bank.tick()
        charge = _found(self._bank.decide(token, decision))
        return see_other(charge.return_url)


def _found(charge: Charge | None) -> Charge:
    if charge is None:
        raise ApiError(404, "no_such_page", "There is no such payment.")
    return charge


def _question(charge: Charge) -> tuple[str, str, Html]:
    heading, lead, approve, refuse = _ASKING[charge.method]
    form = fill("decision.html", token=charge.page_token, approve=approve, refuse=refuse)
    return heading, lead, form


def _end(charge: Charge) -> tuple[str, str, Html]:
    return *_ENDED[charge.status], fill("done.html", return_url=charge.return_url)
