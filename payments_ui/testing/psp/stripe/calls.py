"""Calls: what the merchant, or a browser, sends, and where each resource says that it answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct

from .errors import missing
from .params import Params, needed

StripeObject = dict[str, Any]
#: What a call is to the plan; None: the plan does not know it.
Operation = str | Callable[[Params], str] | None

_EXPAND = frozenset({"expand"})
#: Parameters of every list.
PAGE = _EXPAND | {
    *("limit", "starting_after", "ending_before"),
    *("created.gt", "created.gte", "created.lt", "created.lte"),
}


@dataclass(frozen=True)
class Call:
    """A call: its parameters, how it goes, its idempotency key, and whether a browser made it."""

    params: Params
    conduct: Conduct = AS_USUAL
    key: str = ""
    from_browser: bool = False


@dataclass(frozen=True)
class ApiCall:
    """Where a resource answers: method and path, what it is to the plan, and what it takes.

    `for_browsers`: with the publishable key, too, as Stripe.js calls it.
    """

    operation: Operation
    method: str
    path: str
    handler: Callable[..., StripeObject]
    takes: Collection[str]
    for_browsers: bool = False


def get(
    path: str,
    handler: Callable[..., StripeObject],
    takes: Collection[str] = _EXPAND,
    *,
    for_browsers: bool = False,
) -> ApiCall:
    """Return a call that asks."""
    return ApiCall("fetch", "GET", path, handler, takes, for_browsers)


def post(
    operation: Operation,
    path: str,
    handler: Callable[..., StripeObject],
    takes: Collection[str] = _EXPAND,
    *,
    for_browsers: bool = False,
) -> ApiCall:
    """Return a call that does something, once per idempotency key."""
    return ApiCall(operation, "POST", path, handler, takes, for_browsers)


def delete(path: str, handler: Callable[..., StripeObject]) -> ApiCall:
    """Return a call that deletes."""
    return ApiCall("save", "DELETE", path, handler, ())


def check_secret(call: Call, intent: StripeObject) -> StripeObject:
    """Return a payment or set-up; to a browser with its client secret, without what it hides."""
    if not call.from_browser:
        return intent
    given = needed(call.params, "client_secret").encode()
    if not secrets.compare_digest(given, intent["client_secret"].encode()):
        raise missing(intent["object"], intent["id"], "intent")
    hidden = {"customer", "metadata", "latest_attempt", "latest_charge"}
    return {name: value for name, value in intent.items() if name not in hidden}
