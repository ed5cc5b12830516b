"""Stripe's ledger of what this moocher charged, line by line, as the audit reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers
from payments_ui.moochers.base import LedgerLine, LedgerStatus

from . import amounts, disputes, objects
from .client import Client, Page

if TYPE_CHECKING:
    from stripe import StripeClient, StripeObject
    from stripe.params import DisputeListParams, PaymentIntentListParams

STATUS = {
    "succeeded": LedgerStatus.TAKEN,
    "canceled": LedgerStatus.FAILED,
    "processing": LedgerStatus.OPEN,
    "requires_action": LedgerStatus.OPEN,
    "requires_confirmation": LedgerStatus.OPEN,
    "requires_payment_method": LedgerStatus.OPEN,
}


def lines(client: Client, *, moocher: str, live: bool) -> Iterator[LedgerLine]:
    """Go through the payments that the moocher of this identifier made, newest first.

    Raises ``MoocherError`` for a line that cannot be read, rather than leave it out.
    """
    for intent in client.pages(_page):
        objects.checked("payment_intent", intent, live=live)
        metadata = answers.part(intent, "metadata")
        if metadata.get(objects.MOOCHER) == moocher:
            disputed = _disputed(client, intent, live=live)
            yield _line(intent, str(metadata.get(objects.KEY) or ""), disputed)


def _disputed(client: Client, intent: Mapping[str, Any], *, live: bool) -> Decimal:
    """What disputes have taken, and not put back; Stripe is asked where there is one."""
    if answers.part(intent, "latest_charge").get("disputed") is not True:
        return Decimal(0)
    query: DisputeListParams = {"payment_intent": intent["id"]}
    found = client.pages(lambda stripe, page: stripe.v1.disputes.list({**query, **page}))
    reports = [disputes.report(dispute, live=live) for dispute in found]
    return sum((report.withdrawn - report.reinstated for report in reports), Decimal(0))


def _page(stripe: StripeClient, page: Page) -> StripeObject:
    expanded: PaymentIntentListParams = {"expand": ["data.latest_charge"]}
    return stripe.v1.payment_intents.list({**expanded, **page})


def _line(intent: Mapping[str, Any], key: str, disputed: Decimal) -> LedgerLine:
    status = STATUS.get(objects.text(intent, "status"))
    if status is None:
        raise MoocherError("A line of Stripe's ledger has a status that says nothing")
    currency = objects.currency(intent)
    is_taken = status == LedgerStatus.TAKEN
    units = objects.integer(intent, "amount_received" if is_taken else "amount")
    charge = answers.part(intent, "latest_charge")
    refunded = objects.integer(charge, "amount_refunded") if is_taken else 0
    return LedgerLine(
        psp_reference=intent["id"],
        reference=key,
        amount=amounts.from_stripe(units, currency),
        refunded=amounts.from_stripe(refunded, currency) if refunded else Decimal(0),
        disputed=disputed,
        currency=currency,
        status=status,
    )
