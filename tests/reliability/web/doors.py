"""Every URL of the kit, written down by hand: who is answered what.

A URL that is not here fails the tests: whoever adds one says who may do what with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.urls import URLResolver, get_resolver

METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
SIGN_IN = "sign in"

#: What the owner of a pending payment is answered, by method; anything else is 405.
OWNER: dict[str, dict[str, int]] = {
    "charges/": {"GET": 200, "HEAD": 200},
    # Nothing is owed but the payment: there is nothing to tick.
    "charges/selection/": {"GET": 422, "HEAD": 422},
    # It names no group.
    "charges/uses/": {"GET": 404, "HEAD": 404},
    "heartbeat/": {"GET": 200, "HEAD": 200},
    "payments/": {"GET": 200, "HEAD": 200, "POST": 303},
    "payments/<uuid:pk>/": {"GET": 200, "HEAD": 200},
    "payments/<uuid:pk>/moochers/<str:identifier>/": {"GET": 200, "HEAD": 200, "POST": 409},
    "payments/<uuid:pk>/moochers/<str:identifier>/step/": {"POST": 409},
    "payments/<uuid:pk>/moochers/<str:identifier>/return/": {"GET": 404, "HEAD": 404, "POST": 404},
    "payments/<uuid:pk>/attempt/cancellation/": {"GET": 200, "HEAD": 200, "POST": 303},
    "payments/<uuid:pk>/cancellation/": {"GET": 200, "HEAD": 200, "POST": 303},
    "payments/<uuid:pk>/lineitems/": {"POST": 303},
    "payments/<uuid:pk>/receipt/": {"GET": 404, "HEAD": 404},
    "methods/": {"GET": 200, "HEAD": 200},
    # "cards" saves nothing.
    "methods/moochers/<str:identifier>/": {"GET": 404, "HEAD": 404, "POST": 404},
    "methods/<uuid:pk>/": {"GET": 200, "HEAD": 200},
    "methods/<uuid:pk>/default/": {"POST": 303},
    "methods/<uuid:pk>/removal/": {"GET": 200, "HEAD": 200, "POST": 303},
    "methods/<uuid:pk>/return/": {"GET": 303, "HEAD": 303, "POST": 303},
    "methods/<uuid:pk>/step/": {"POST": 409},
    # No token was made by this site.
    "links/<str:token>/": {"GET": 404, "HEAD": 404},
    "mails/<str:token>/": {"GET": 404, "HEAD": 404, "POST": 404},
    "widgets/<slug:name>/": {"GET": 200, "HEAD": 200},
    "webhooks/<str:identifier>/": {"POST": 400},
}
#: Open to everybody: what protects them is a signature, or that they show nothing.
OPEN = frozenset(
    {
        "heartbeat/",
        "links/<str:token>/",
        "mails/<str:token>/",
        "methods/<uuid:pk>/return/",
        "payments/<uuid:pk>/moochers/<str:identifier>/return/",
        "webhooks/<str:identifier>/",
    }
)

_PAGE = "<path:object_id>/"
_READ_ONLY = {"": 200, "add/": 403, f"{_PAGE}history/": 200, f"{_PAGE}delete/": 403}
# Which action is whose is tested with the admin.
_READ_ONLY |= {f"{_PAGE}change/": 200, _PAGE: 302, f"{_PAGE}actions/<slug:name>/": 403}
#: What a clerk with every permission gets to read in the admin.
CLERK: dict[str, dict[str, int]] = {
    "arrival": _READ_ONLY,
    "attempt": _READ_ONLY,
    "customer": _READ_ONLY,
    "dispute": _READ_ONLY,
    "event": _READ_ONLY,
    "journalentry": _READ_ONLY,
    "lineitem": _READ_ONLY | {"add/": 200},  # this one is bound
    "mail": _READ_ONLY,
    "mailstop": _READ_ONLY,
    "payment": _READ_ONLY,
    "paymentmethod": _READ_ONLY,
    "recovery": _READ_ONLY,
    "refund": _READ_ONLY,
    "run": _READ_ONLY,
    "suspenseitem": _READ_ONLY | {"statement/": 200},
}
ADMIN = {
    f"admin/payments_core/{model}/{route}": status
    for model, routes in CLERK.items()
    for route, status in routes.items()
}
#: The site's own.
_HOSTS = re.compile(r"login/|admin/(?!payments_core/)")


def routes() -> list[str]:
    """Every route of the site under test, but those of Django and of the host."""
    return [route for route in _walk(get_resolver().url_patterns) if not _HOSTS.match(route)]


def _walk(patterns: list[Any], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, route)
        else:
            yield route


def path_of(
    route: str,
    pk: UUID | str,
    identifier: str = "cards",
    row: object = "1",
    method: UUID | str = "",
) -> str:
    """A path of this route: to a payment, or to a saved payment method."""
    found = method if method and route.startswith("methods/") else pk
    values = {
        "uuid:pk": found,
        "str:identifier": identifier,
        "path:object_id": row,
        "str:token": "x",
    }
    values["slug:name"] = "pending-charges"
    return "/" + re.sub("<(.+?)>", lambda found: str(values[found[1]]), route)


def expected(route: str, role: str, method: str) -> int | str:
    """The status, or that one is sent to sign in."""
    if route in ADMIN:
        return _expected_in_admin(route, role, method)
    if (route, method) == ("payments/", "POST") and role in ("other", "staff"):
        return 409  # they owe nothing
    if role == "anonymous" and route not in OPEN:
        return SIGN_IN
    allowed = OWNER[route].get(method)
    if allowed is None:
        return 405
    is_found = "<uuid:pk>" not in route or role == "owner" or route in OPEN
    return allowed if is_found else 404


def _expected_in_admin(route: str, role: str, method: str) -> int | str:
    if role != "staff":
        return SIGN_IN
    if not route.endswith(f"/{_PAGE}"):
        return 403
    # Leads to the page, which refuses; Django's redirects are for reading and posting.
    return 302 if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else 405
