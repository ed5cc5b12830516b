"""Bank statements: camt.053 and camt.054 (versions 2, 4 and 8) and MT940, read as transactions.

Needs the extra ``statements``: ``pip install 'django-payments-ui[qr,statements]'``.
"""

from __future__ import annotations

from .transaction import Skipped, Transaction

__all__ = ["Skipped", "Transaction"]
