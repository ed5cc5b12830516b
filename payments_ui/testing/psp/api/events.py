"""Events of the sandbox, about charges and refunds, signed with its secret."""

from __future__ import annotations

import json
import uuid

from payments_ui.testing.psp.ledger.charges import OPEN, Charge
from payments_ui.testing.psp.ledger.disputes import Dispute
from payments_ui.testing.psp.ledger.refunds import Refund, RefundStatus
from payments_ui.testing.psp.ledger.store import Row
from payments_ui.testing.psp.objects import JsonObject, charge_object, refund_object
from payments_ui.testing.psp.scenarios import Conduct
from payments_ui.testing.psp.webhooks import SIGNATURE_HEADER, Event, Outbox, sign


class SandboxEvents:
    """Tells merchants of the sandbox what became of their money. `url` is where its pages are."""

    def __init__(self, outbox: Outbox, url: str, secret: str) -> None:
        self._outbox = outbox
        self._url = url
        self._secret = secret

    def charge_moved(self, charge: Charge) -> None:
        """Post the event of a charge."""
        data = charge_object(charge, self._url)
        self._post(
            data, charge, charge.webhook_url, charge.conduct, final=charge.status not in OPEN
        )

    def refund_moved(self, refund: Refund, charge: Charge) -> None:
        """Post the event of a refund."""
        final = refund.status != RefundStatus.PENDING
        data = refund_object(refund)
        self._post(data, charge, refund.webhook_url, refund.conduct, final=final)

    def dispute_moved(self, dispute: Dispute, charge: Charge) -> None:
        """Say nothing: the sandbox's API has no disputes."""

    def sign(self, delivery: Row, now: int) -> dict[str, str]:
        """Return the headers of a delivery."""
        signature = sign(self._secret, delivery["body"].encode(), now)
        return {"Content-Type": "application/json", SIGNATURE_HEADER: signature}

    def _post(
        self, data: JsonObject, charge: Charge, url: str, conduct: Conduct, *, final: bool
    ) -> None:
        event_id, kind = f"evt_{uuid.uuid4().hex}", f"{data['object']}.{data['status']}"
        body = {
            "id": event_id,
            "type": kind,
            "object": "event",
            "created_at": self._outbox.now(),
            "account": data["account"],
            "live": data["live"],
            "data": data,
        }
        event = Event(
            id=event_id,
            face="sandbox",
            type=kind,
            body=json.dumps(body),
            charge_id=charge.id,
        )
        self._outbox.post(event, [url] if url else [], conduct, final=final)
