"""An offline PSP: it behaves like one, over real HTTP on this machine, and keeps its own books.

    with SandboxPSP(api_key="key", webhook_secret="secret") as psp:
        psp.plan.add("lost_reply")  # the next charge is made, but its answer gets lost
        psp.plan.add("pending", on="refund")  # the next refund is made, some seconds later
        psp.plan.outage(600)  # nothing but 503 for ten minutes
        psp.advance(600)  # which are over now
        ...
        assert psp.ledger.totals()["CHF"].kept == 1200

The same from the command line: ``python -m payments_ui.testing.psp --port 8001``. It needs
neither Django nor anything else but Python.
"""

from __future__ import annotations

from .faults import CARDS, SCENARIOS
from .ledger import Charge, Order, Status, Total
from .refunds import Refund, RefundStatus
from .server import SandboxPSP
from .webhooks import SIGNATURE_HEADER, sign

__all__ = [
    "CARDS",
    "SCENARIOS",
    "SIGNATURE_HEADER",
    "Charge",
    "Order",
    "Refund",
    "RefundStatus",
    "SandboxPSP",
    "Status",
    "Total",
    "sign",
]
