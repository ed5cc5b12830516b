"""Payment references: what a transfer carries so that its arrival finds the attempt.

- QR reference, for QR-IBANs: 26 digits and a check digit by modulo 10, recursive (Swiss
  Implementation Guidelines QR-bill 2.3, annex B).
- Creditor reference, for all other accounts: ``RF``, two check digits by modulo 97 and,
  here, twelve letters and digits (ISO 11649).

Both follow from the attempt's id, so that an attempt always has the same reference. Banks refuse
a reference with a typing error before any money moves.
"""

from __future__ import annotations

import re
from uuid import UUID

from .accounts import Account
from .libraries import esr, iso11649, mod_97_10

#: Crockford's base 32: nothing to mix up when it is read aloud or copied by hand.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
QR_DIGITS = 26


def make(attempt_id: UUID, account: Account) -> str:
    """Return the reference of an attempt on this account, without spaces."""
    number = attempt_id.int
    if account.is_qr_iban:
        room = QR_DIGITS - len(account.reference_prefix)
        digits = f"{account.reference_prefix}{number % 10**room:0{room}}"
        return digits + esr.calc_check_digit(digits)
    # Never a zero in front: banks may drop or add those, and the check digits still agree.
    least = len(ALPHABET) ** (LENGTH - 1)
    number = least + number % (least * (len(ALPHABET) - 1))
    body = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        body = ALPHABET[digit] + body
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def fits(reference: str, account: Account) -> bool:
    """Whether this account takes this kind of reference."""
    return reference.isdigit() == account.is_qr_iban


def normalise(text: str) -> str:
    """Return a reference, as a person typed it or a bank reported it, as ``make`` writes it.

    Takes any text: other references are simply not found.
    """
    reference = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    return reference.zfill(QR_DIGITS + 1) if reference.isdigit() else reference


def display(reference: str) -> str:
    """In the groups in which banks print it."""
    return esr.format(reference) if reference.isdigit() else iso11649.format(reference)
