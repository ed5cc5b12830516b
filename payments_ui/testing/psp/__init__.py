"""An offline PSP: it behaves like one, over real HTTP on this machine, and keeps its own books.

    with SandboxPSP(api_key="key", webhook_secret="secret") as psp:
        psp.plan.add("lost_reply")  # the next charge is made, but its answer gets lost
        ...
        assert psp.ledger.totals()["CHF"].taken == 1200

The same from the command line: ``python -m payments_ui.testing.psp --port 8001``. It needs
neither Django nor anything else but Python.
"""

from __future__ import annotations

from .faults import CARDS, SCENARIOS
from .ledger import Charge, Order, Status, Total
from .server import SandboxPSP
from .webhooks import SIGNATURE_HEADER, sign

__all__ = [
    "CARDS",
    "SCENARIOS",
    "SIGNATURE_HEADER",
    "Charge",
    "Order",
    "SandboxPSP",
    "Status",
    "Total",
    "sign",
]
