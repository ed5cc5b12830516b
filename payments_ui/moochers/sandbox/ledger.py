"""The sandbox's ledger, line by line, as the audit reads it."""

from __future__ import annotations

from collections.abc import Iterator

from payments_ui import money
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import LedgerLine, LedgerStatus

from .charges import check
from .client import Client

_STATUS = {
    "succeeded": LedgerStatus.TAKEN,
    "processing": LedgerStatus.OPEN,
    "requires_action": LedgerStatus.OPEN,
    "declined": LedgerStatus.FAILED,
    "cancelled": LedgerStatus.FAILED,
}


def lines(client: Client, *, account: str, method: str) -> Iterator[LedgerLine]:
    """Go through the charges of an account that were made this way, oldest first.

    Raises ``MoocherError`` for a line that cannot be read, rather than leave it out.
    """
    after = ""
    while page := client.page(after):
        for charge in page:
            check(charge)
            refunded, status = charge.get("refunded"), _STATUS.get(charge["status"])
            if type(refunded) is not int or status is None:
                raise MoocherError("A line of the sandbox's ledger makes no sense")
            if (charge["account"], charge["live"], charge.get("method")) == (
                account,
                False,
                method,
            ):
                yield LedgerLine(
                    psp_reference=charge["id"],
                    reference=charge["reference"],
                    amount=money.from_minor_units(charge["amount"], charge["currency"]),
                    refunded=money.from_minor_units(refunded, charge["currency"]),
                    currency=charge["currency"],
                    status=status,
                )
        after = page[-1]["id"]
