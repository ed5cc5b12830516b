"""Mollie's API, v2, at the fake PSP: the part that `MollieMoocher` uses, as of autumn 2026.

    with SandboxPSP(api_key="key", webhook_secret="secret") as psp:
        moocher = MollieMoocher(api_key=psp.mollie.api_key, endpoint=psp.url)
        ...
        psp.decide(attempt.action_url, "approve")  # what the customer does on the page
        psp.mollie.decide(method.action_url, "approve")  # the same, where a card is saved
        psp.bank.open_dispute(charge_id, reason="fraudulent")  # a chargeback

Money moves in the one ledger, by the one plan. The operations of the plan are "create" (payments),
"refund", "save" (customers and mandates), "cancel" and "fetch".

- `face`: the URLs, errors, and webhooks
- `payments`, `refunds`, `customers`: the calls
- `objects`: the JSON
"""

from __future__ import annotations

from .face import MollieFace

__all__ = ["MollieFace"]
