"""QR codes that banking apps read, as facts for an inline SVG without any ``style``.

- Accounts in Switzerland and Liechtenstein, CHF or EUR: Swiss QR Code, by qrbill. Swiss
  Implementation Guidelines QR-bill 2.3 (SIX, since 22 November 2025): structured address,
  error correction M, 46 mm with 5 mm white around, Swiss cross of 7 mm in the middle.
- All others, EUR: EPC QR Code, version 002, by segno. EPC069-12 (European Payments
  Council): error correction M, at most 331 bytes and QR version 13.

segno draws both: what qrbill draws is a whole payment slip for paper, with inline styles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from decimal import Decimal

from .accounts import Account, Creditor
from .libraries import QRBill, segno, segno_helpers

#: Both standards' limits.
LEAST = Decimal("0.01")
MOST = Decimal("999999999.99")

MILLIMETRES = 46
QUIET_MILLIMETRES = 5
#: The template draws the cross in units of 1/36 mm, around the middle.
CROSS_UNITS = 36

#: Characters of the Swiss Payment Standards since November 2025: what is printable in Basic
#: Latin, Latin-1 Supplement and Latin Extended-A, comma-below S and T, and the euro sign.
_TEXT = re.compile("[ -~\u00a1-\u00ac\u00ae-\u017f\u0218-\u021b\u20ac]*")


@dataclass(frozen=True, slots=True)
class Code:
    """One drawing. All texts are ready for SVG attributes, whatever the locale.

    Units are modules (the squares of the code); 46 mm of code in print, like paper slips.
    """

    path: str
    origin: str
    side: str
    width: str
    cross: str

    @property
    def view_box(self) -> str:
        """White all around: the code stays readable on a dark page."""
        return f"{self.origin} {self.origin} {self.side} {self.side}"


def make(
    *, account: Account, creditor: Creditor, amount: Decimal, currency: str, reference: str
) -> Code:
    """Return the code for one transfer. Raises ``ValueError`` where the standard has none."""
    for text in astuple(creditor):
        if not _TEXT.fullmatch(text):
            raise ValueError(f"{text!r} has characters that banks do not take")
    if not LEAST <= amount <= MOST:
        raise ValueError(f"{amount} is not between {LEAST} and {MOST}")
    if account.is_swiss:
        return _swiss(account, creditor, amount, currency, reference)
    return _epc(account, creditor, amount, currency, reference)


def _swiss(
    account: Account, creditor: Creditor, amount: Decimal, currency: str, reference: str
) -> Code:
    address = {
        "name": creditor.name,
        "street": creditor.street,
        "house_num": creditor.house_number,
        "pcode": creditor.postal_code,
        "city": creditor.town,
        "country": creditor.country,
    }
    bill = QRBill(
        account=account.iban,
        creditor=address,
        amount=f"{amount:.2f}",
        currency=currency,
        reference_number=reference,
    )
    symbol = segno.make_qr(bill.qr_data(), error="m", boost_error=False, encoding="utf-8")
    return _draw(symbol.matrix, cross=True)


def _epc(
    account: Account, creditor: Creditor, amount: Decimal, currency: str, reference: str
) -> Code:
    if currency != "EUR":
        raise ValueError(f"a transfer in {currency} needs an account in CH or LI for its code")
    if account.needs_bic and not account.bic:
        raise ValueError(f"{account.iban} is outside of the EEA: name the bank by its bic")
    symbol = segno_helpers.make_epc_qr(
        name=creditor.name,
        iban=account.iban,
        amount=amount,
        reference=reference,
        bic=account.bic or None,
        encoding="utf-8",
    )
    return _draw(symbol.matrix, cross=False)


def _draw(matrix: Iterable[Iterable[int]], *, cross: bool) -> Code:
    rows = [bytes(row) for row in matrix]
    size = len(rows)
    quiet = -(-size * QUIET_MILLIMETRES // MILLIMETRES)
    side = size + 2 * quiet
    # Each run of dark modules in a row is a rectangle.
    runs = ((y, *run.span()) for y, row in enumerate(rows) for run in re.finditer(b"\x01+", row))
    middle, scale = size / 2, size / MILLIMETRES / CROSS_UNITS
    return Code(
        path="".join(f"M{x} {y}h{end - x}v1h{x - end}z" for y, x, end in runs),
        origin=str(-quiet),
        side=str(side),
        width=f"{MILLIMETRES * side / size:.2f}mm",
        cross=f"translate({middle} {middle}) scale({scale:.5f})" if cross else "",
    )
