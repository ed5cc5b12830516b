"""Signals of the core: each is sent once, after the commit.

A receiver that raises is logged and stops nothing. Where a process is killed in that very moment,
``reconcile_payments`` sends the signal again, so a receiver may get it twice rather than never.
"""

from __future__ import annotations

from django.dispatch import Signal

#: A payment is charged. Sent with ``sender=Payment`` and the ``payment``, whatever charged it;
#: django-mooch's ``post_charge`` is sent, too, with the moocher as its sender.
payment_charged = Signal()

#: A pending payment was cancelled, its line items are unbound. Sent with ``sender=Payment`` and the
#: ``payment``; where no PSP was ever asked, its row is deleted afterwards.
payment_cancelled = Signal()

#: A charge was taken back in the books. Sent with ``sender=Payment`` and the ``payment``.
payment_undone = Signal()

#: Money was given back. Sent with ``sender=Refund`` and the ``refund``.
refund_succeeded = Signal()
