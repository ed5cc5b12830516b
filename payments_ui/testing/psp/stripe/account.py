"""The merchant's account at Stripe: what all its resources work with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.ledger.store import Row
from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct
from payments_ui.testing.psp.webhooks import Event

from .calls import StripeObject
from .errors import StripeError, missing
from .params import Params, integer, mapping, names, text

#: The version that the fake plays; other releases of its train do not break it.
API_VERSION = "2026-10-28.endive"
TRAIN = "endive"


@dataclass
class Account:
    """Where objects are kept and events come from. `url` is where the pages are.

    `retrieve` finds objects by the prefix of their ids, for `expand`.
    """

    bank: Bank
    url: str
    retrievers: dict[str, Callable[[str], StripeObject]] = field(default_factory=dict)

    @property
    def livemode(self) -> bool:
        """Whether real money would move."""
        return self.bank.ledger.live

    def now(self) -> int:
        """Seconds since the epoch, on the PSP's clock."""
        return int(self.bank.ledger.clock.now())

    def add(self, kind: str, prefix: str, **fields: Any) -> StripeObject:
        """Make an object; fields that begin with an underscore are never shown."""
        made = {"id": f"{prefix}_{secrets.token_hex(12)}", "object": kind}
        made |= {"created": self.now(), "livemode": self.livemode} | fields
        return self.bank.ledger.documents.add(kind, made)

    def get(self, kind: str, object_id: str, param: str = "id") -> StripeObject:
        """Return an object; StripeError 404 where there is none."""
        found = self.bank.ledger.documents.get(kind, object_id)
        if found is None:
            raise missing(kind, object_id, param)
        return found

    def save(self, changed: StripeObject) -> None:
        """Keep an object as it is now."""
        self.bank.ledger.documents.save(changed)

    def find(self, kind: str, **fields: object) -> list[StripeObject]:
        """Return the objects of a kind whose fields have these values, newest first."""
        return self.bank.ledger.documents.find(kind, **fields)

    def post(
        self,
        kind: str,
        subject: StripeObject,
        *,
        charge_id: str | None = None,
        conduct: Conduct = AS_USUAL,
        final: bool = True,
        before: StripeObject | None = None,
    ) -> None:
        """Write an event about an object, and send it to the endpoints that want it.

        `before` are the fields that had other values.
        """
        endpoints = [
            endpoint["url"]
            for endpoint in reversed(self.find("webhook_endpoint"))
            if endpoint["status"] == "enabled" and {"*", kind} & set(endpoint["enabled_events"])
        ]
        event_id = f"evt_{secrets.token_hex(12)}"
        body = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": shown(subject)}
            | ({"previous_attributes": before} if before is not None else {}),
            "livemode": subject.get("livemode", self.livemode),
            "pending_webhooks": len(endpoints),
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        event = Event(
            id=event_id, face="stripe", type=kind, body=json.dumps(body), charge_id=charge_id
        )
        self.bank.outbox.post(event, endpoints, conduct, final=final)

    def page(self, url: str, found: list[StripeObject], params: Params) -> StripeObject:
        """Return a page of objects, newest first, as `limit` and its cursors ask for it."""
        limit = integer(params, "limit") or 10
        if not 1 <= limit <= 100:
            code = "parameter_invalid_integer"
            raise StripeError("A page has 1 to 100 objects.", code=code, param="limit")
        for name, moment in mapping(params, "created").items():
            bound = int(moment) if str(moment).isdecimal() else 0
            found = [one for one in found if _COMPARE[name](one["created"], bound)]
        ids = [one["id"] for one in found]
        after, before = text(params, "starting_after"), text(params, "ending_before")
        for cursor in (after, before):
            if cursor is not None and cursor not in ids:
                raise missing("object", cursor, "starting_after")
        if after is not None:
            found = found[ids.index(after) + 1 :]
        more = len(found) > limit
        if before is not None:
            found = found[: ids.index(before)]
            more, found = len(found) > limit, found[-limit:]
        return {"object": "list", "data": found[:limit], "has_more": more, "url": url}

    def expanded(self, answer: StripeObject, params: Params) -> StripeObject:
        """Return an answer without what is not shown, with what `expand` asks for."""
        answer = shown(answer)
        for path in names(params, "expand"):
            self._expand(answer, path.split("."), path)
        return answer

    def _expand(self, answer: Any, path: list[str], whole: str) -> None:
        if isinstance(answer, list):
            for one in answer:
                self._expand(one, path, whole)
            return
        refused = StripeError(f"This property cannot be expanded ({whole}).", param="expand")
        if not isinstance(answer, dict) or path[0] not in answer:
            raise refused
        value = answer[path[0]]
        if isinstance(value, str):
            retrieve = self.retrievers.get(value.partition("_")[0])
            if retrieve is None:
                raise refused
            answer[path[0]] = value = shown(retrieve(value))
        elif not isinstance(value, dict | list | None):
            raise refused
        if len(path) > 1 and value is not None:
            self._expand(value, path[1:], whole)


def shown(answer: Any) -> Any:
    """Return an object without the fields that are not shown, a copy."""
    if isinstance(answer, dict):
        return {key: shown(one) for key, one in answer.items() if not key.startswith("_")}
    return [shown(one) for one in answer] if isinstance(answer, list) else answer


def event_of(row: Row) -> StripeObject:
    """Return an event as it was written."""
    event: StripeObject = json.loads(row["body"])
    return event


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
