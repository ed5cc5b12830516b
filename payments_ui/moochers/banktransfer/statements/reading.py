"""A statement, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator

from payments_ui.exceptions import StatementError

from . import camt, swift
from .transaction import Skipped, Transaction

#: Bytes. A year of a busy account is less.
LONGEST = 20 * 1024 * 1024


def read(data: bytes) -> Iterator[Transaction | Skipped]:
    """Go through the entries of a statement; raises ``StatementError``, also in the middle."""
    if len(data) > LONGEST:
        raise StatementError("The file is too long")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return camt.read(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # As banks of the time of MT940 write it.
        text = data.decode("latin-1")
    return swift.read(text)
