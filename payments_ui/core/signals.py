"""Signals of the core. A charge is told by django-mooch's ``post_charge``."""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("payments_ui")

#: Money was given back. Sent once, after the commit, with ``sender=Refund`` and the ``refund``;
#: a receiver that raises is logged and stops nothing. Where a process is killed in that very
#: moment, ``reconcile_payments`` sends it, so a receiver may hear it twice rather than never.
refund_succeeded = Signal()


def tell(signal: Signal, name: str, about: object, **arguments: Any) -> None:
    """Send it to every receiver; those that raise are logged, and stop nobody."""
    for receiver, error in signal.send_robust(**arguments):
        if isinstance(error, Exception):
            logger.error("%s: %r failed for %s", name, receiver, about, exc_info=error)
