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

#: A payment method is saved, and in use. Sent with ``sender=PaymentMethod`` and the
#: ``payment_method``.
payment_method_saved = Signal()

#: A payment method is gone for its user: removed, replaced, or given up by the PSP. Sent with
#: ``sender=PaymentMethod`` and the ``payment_method``.
payment_method_removed = Signal()

#: All tries to charge a payment without its user have failed, and no other is planned: the site
#: decides. Sent with ``sender=Recovery`` and the ``recovery``; its ``payment`` is still pending.
recovery_given_up = Signal()

#: A run that stood still goes on. Sent with ``sender=Run`` and the ``run``, after the commit.
run_resumed = Signal()

#: Money was given back. Sent with ``sender=Refund`` and the ``refund``.
refund_succeeded = Signal()

#: Money that was given back has come back to the PSP's account: the refund failed after all. Sent
#: with ``sender=Refund`` and the ``refund``.
refund_came_back = Signal()

#: A customer's bank disputes a charge, or asks about it. Sent with ``sender=Dispute`` and the
#: ``dispute``.
dispute_opened = Signal()

#: A dispute is decided: its ``state`` is won, lost, or closed without any money being taken. Sent
#: with ``sender=Dispute`` and the ``dispute``; once more where the bank decides otherwise later.
dispute_closed = Signal()
