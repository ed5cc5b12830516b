"""Mollie's payments, line by line, as the audit reads them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from payments_ui.exceptions import MoocherError
from payments_ui.moochers.answers import Object, matching, part, text
from payments_ui.moochers.base import LedgerLine, LedgerStatus

from .charges import amount_of
from .client import PAYMENT_ID, Client

_STATUS = {
    "paid": LedgerStatus.TAKEN,
    "open": LedgerStatus.OPEN,
    "pending": LedgerStatus.OPEN,
    "authorized": LedgerStatus.OPEN,
    "failed": LedgerStatus.FAILED,
    "canceled": LedgerStatus.FAILED,
    "expired": LedgerStatus.FAILED,
}


def lines(client: Client, *, moocher: str) -> Iterator[LedgerLine]:
    """Go through the payments that this moocher asked for, or no moocher of ours, newest first.

    Raises ``MoocherError`` for a line that cannot be read, rather than leave it out.
    """
    for payment in client.payments():
        metadata = part(payment, "metadata")
        # Payments that save a method take nothing.
        if metadata.get("moocher", moocher) != moocher or "setup" in metadata:
            continue
        status = _STATUS.get(text(payment, "status"))
        if status is None:
            raise MoocherError("A payment of Mollie's has an unknown status")
        amount, currency = amount_of(payment)
        yield LedgerLine(
            psp_reference=matching(PAYMENT_ID, payment.get("id")),
            reference=text(metadata, "key"),
            amount=amount,
            refunded=_sum(payment, "amountRefunded"),
            disputed=_sum(payment, "amountChargedBack"),
            currency=currency,
            status=status,
        )


def _sum(payment: Object, name: str) -> Decimal:
    # Left out where it is nothing.
    return amount_of(payment, name)[0] if payment.get(name) is not None else Decimal(0)
