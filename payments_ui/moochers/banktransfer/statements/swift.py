"""Statements in SWIFT's MT940, by the library mt-940."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from payments_ui.exceptions import StatementError

from .libraries import mt940
from .transaction import Skipped, Transaction

_NONE = frozenset({"NOTPROVIDED", "NONREF", "NOTAVAILABLE"})
_TEXTS = ("purpose", "additional_purpose", "transaction_details", "extra_details")
_REFERENCES = ("end_to_end_reference", "customer_reference")


def read(text: str) -> Iterator[Transaction | Skipped]:
    """Go through all entries of a file; raises ``StatementError``."""
    try:
        statement = mt940.parse(text)
        account = str(statement.data.get("account_identification") or "")
        entries = [each.data for each in statement]
    except Exception as error:
        # The library raises whatever its parsers do.
        raise StatementError(f"This is no MT940 that can be read: {error!r:.200}") from error
    if not account:
        raise StatementError("This is no MT940: it names no account")
    for entry in entries:
        yield _read_entry(entry, account)


def _read_entry(entry: dict[str, Any], account: str) -> Transaction | Skipped:
    amount: Decimal = entry["amount"].amount
    currency = str(entry["amount"].currency or "")
    status = entry["status"]
    if status != "C":
        reversal = status in ("RC", "RD")
        reason = "a reversal: look at it by hand" if reversal else "money that left"
        return Skipped(reason=reason, amount=abs(amount), currency=currency)
    names = [_text(entry, name) for name in _REFERENCES]
    return Transaction(
        account=account,
        entry=_text(entry, "bank_reference"),
        booked_on=entry.get("entry_date") or entry["date"],
        amount=amount,
        currency=currency,
        # Wrapped after 27 or 35 characters, wherever that is: with the line breaks and without.
        texts=tuple(
            variant
            for text in (*(_text(entry, name) for name in _TEXTS), *names)
            for variant in dict.fromkeys((text, text.replace("\n", "")))
            if variant
        ),
        payer=_text(entry, "applicant_name"),
        name=next((name for name in names if name), ""),
    )


def _text(entry: dict[str, Any], name: str) -> str:
    text = str(entry.get(name) or "").strip()
    return "" if text in _NONE else text
