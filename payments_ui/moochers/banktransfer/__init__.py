"""Bank transfer: shows account, reference and a code for banking apps, and waits for the money.

Needs the extra ``qr``: ``pip install 'django-payments-ui[qr]'``. Arrivals are booked with
``manage.py book_transfer`` or in the admin.
"""

from __future__ import annotations

from .accounts import Account, Creditor
from .moocher import BankTransferMoocher

__all__ = ["Account", "BankTransferMoocher", "Creditor"]
