"""Signals of the core; a charge sends django-mooch's ``post_charge``."""

from __future__ import annotations

from django.dispatch import Signal

#: Money was given back. Sent once, after the commit, with ``sender=Refund`` and the ``refund``;
#: a receiver that raises is logged and stops nothing. Where a process is killed in that very
#: moment, ``reconcile_payments`` sends it, so a receiver may hear it twice rather than never.
refund_succeeded = Signal()
