"""What a statement says of one arrival, and what it has that is none."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from payments_ui.moochers.banktransfer import references

# As our references are written: RF and check digits, or the 27 digits of a QR reference of which
# banks drop zeros in front. Spaces may stand anywhere in it.
_CREDITOR = re.compile(r"RF ?[0-9]{2}(?: ?[0-9A-Z]){1,21}", re.ASCII | re.IGNORECASE)
_QR = re.compile(r"(?<![0-9])[0-9](?: ?[0-9]){19,26}(?![0-9])", re.ASCII)
#: The length of the creditor references that are ours.
_OURS = 4 + references.LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry that is not booked, and why: money that left, or is not there yet."""

    reason: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Money that arrived. ``entry`` is the bank's own id of the entry, which may be a batch's."""

    account: str
    entry: str
    booked_on: dt.date | None
    amount: Decimal
    currency: str
    #: References in a field of their own, then the texts that may hold one.
    structured: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    payer: str = ""
    #: What the bank or the payer calls it, where that is told: tells transactions of a batch apart.
    name: str = ""
    #: The bank's own id of it, where it has one besides its entry's.
    bank_id: str = ""

    @property
    def references(self) -> list[str]:
        """What it may be about, as ``references.make`` writes it; the likeliest first."""
        found = [references.normalise(text) for text in self.structured]
        for text in self.texts:
            found += [references.normalise(each) for each in _QR.findall(text)]
            for each in _CREDITOR.findall(text):
                # What follows it without a space is not told apart: ours have one length.
                found.append(references.normalise(each)[:_OURS])
        return list(dict.fromkeys(each for each in found if each))


def with_ids(transactions: list[Transaction]) -> Iterator[tuple[str, Transaction]]:
    """Go through transactions with an id each: the same in whatever file they come again.

    Made of what all files say of them, since banks give one id to all transactions of a batch.
    Equal ones within an entry are numbered.
    """
    seen: Counter[str] = Counter()
    for each in transactions:
        date = each.booked_on.isoformat() if each.booked_on else ""
        facts = (
            *(each.account, each.entry or date, f"{each.amount.normalize():f}", each.currency),
            *(each.name, *each.references),
        )
        digest = hashlib.sha256("\n".join(facts).encode("utf-8", "backslashreplace")).hexdigest()
        seen[digest] += 1
        number = f"-{seen[digest]}" if seen[digest] > 1 else ""
        yield f"statement:{digest[:32]}{number}", each
