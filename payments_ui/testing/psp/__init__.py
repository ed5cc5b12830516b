"""A fake PSP: it behaves like a real PSP, over HTTP on this machine, and keeps its own ledger.

    with SandboxPSP(api_key="key", webhook_secret="secret") as psp:
        psp.plan.add("lost_reply")  # the next charge is made, but its answer gets lost
        psp.plan.add("pending", on="refund")  # the next refund is made some seconds later
        psp.plan.outage(600)  # nothing but 503 for ten minutes
        psp.advance(600)  # on the PSP's clock, which are over now
        ...
        assert psp.ledger.totals()["CHF"].kept == 1200

`python -m payments_ui.testing.psp --port 8001` starts it from the command line. It needs nothing
but Python, not even Django.

- `server`: its parts, and the URLs it answers
- `ledger`: what was charged and refunded, in a store of its own, on a clock of its own
- `bank`: what the PSP does with money
- `scenarios`, `plan`: what can go wrong, and when it will
- `calls`: idempotency keys and faults
- `webhooks`: events on their way to the merchant
- `api`, `objects`: the JSON of the sandbox; `stripe` and `mollie` are other APIs of the same bank
- `pages`: the dashboard, and where customers pay
- `amounts`: minor units, for people
- `http`: requests, responses and the socket
"""

from __future__ import annotations

from .ledger import Ledger, Total
from .ledger.charges import Charge, Order, Status
from .ledger.refunds import Refund, RefundStatus
from .plan import Plan
from .scenarios import CARDS, SCENARIOS, Conduct, Scenario
from .server import SandboxPSP
from .webhooks import SIGNATURE_HEADER, sign

__all__ = [
    "CARDS",
    "SCENARIOS",
    "SIGNATURE_HEADER",
    "Charge",
    "Conduct",
    "Ledger",
    "Order",
    "Plan",
    "Refund",
    "RefundStatus",
    "SandboxPSP",
    "Scenario",
    "Status",
    "Total",
    "sign",
]
