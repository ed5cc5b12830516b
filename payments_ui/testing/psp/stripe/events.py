"""Events: what happened, also where no webhook arrived."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from . import params as read
from .account import Account, event_of
from .calls import PAGE, ApiCall, Call, StripeObject, get
from .errors import missing

#: Seconds on the PSP's clock for which events are listed.
LIFE = 30 * 24 * 3600
LIST = PAGE | {"type", "types", "delivery_success"}
_ARRIVED = "SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.state = 'arrived'"
_QUEUED = "SELECT 1 FROM deliveries d WHERE d.event_id = e.id"


class Events:
    """Answers calls about events."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.bank.ledger.store

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        return [
            get("/v1/events", self.list, LIST),
            get(r"/v1/events/(evt_\w+)", self.retrieve),
        ]

    def retrieve(self, call: Call, event_id: str) -> StripeObject:
        """Return an event of the last thirty days."""
        row = self._store.row(
            "SELECT body FROM events WHERE face = 'stripe' AND id = ? AND created_at > ?",
            event_id,
            self._account.now() - LIFE,
        )
        if row is None:
            raise missing("event", event_id)
        return event_of(row)

    def list(self, call: Call) -> StripeObject:
        """Return the events of the last thirty days, of some types, or that did not arrive."""
        params = call.params
        sql = "SELECT e.body FROM events e WHERE e.face = 'stripe' AND e.created_at > ?"
        if "delivery_success" in params:
            arrived = f"EXISTS ({_ARRIVED})"
            if not read.flag(params, "delivery_success"):
                arrived = f"NOT {arrived} AND EXISTS ({_QUEUED})"
            sql = f"{sql} AND {arrived}"
        since = self._account.now() - LIFE
        found = [event_of(row) for row in self._store.rows(f"{sql} ORDER BY number DESC", since)]
        one = read.text(params, "type")
        types = read.names(params, "types") + ([one] if one else [])
        if types:
            found = [
                event for event in found if any(fnmatchcase(event["type"], kind) for kind in types)
            ]
        return self._account.page("/v1/events", found, params)
