"""Requests, responses and routes of the sandbox's server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from .addresses import is_loopback_host

MAX_BODY = 64 * 1024


class ApiError(Exception):
    """A request that is answered with an error and a code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> str:
        """Return the error as JSON."""
        return json.dumps({"error": {"code": self.code, "message": str(self)}})


class DroppedError(Exception):
    """The line goes dead: the client gets no answer."""


@dataclass(frozen=True)
class Request:
    """What the client sent; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body; ApiError if there is none."""
        try:
            data = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise ApiError(400, "invalid_json", "The body has to be a JSON object in UTF-8.")
        return data

    def form(self) -> dict[str, str]:
        """Return the last value of each field of an HTML form."""
        fields = parse_qs(self.body.decode(errors="replace"), max_num_fields=20)
        return {name: values[-1] for name, values in fields.items()}

    def params(self) -> dict[str, str]:
        """Return the last value of each parameter of the query string."""
        return {name: values[-1] for name, values in parse_qs(self.query).items()}

    def comes_from_here(self) -> bool:
        """Tell whether this is no other site's doing: our host name, and our own page if any."""
        host = self.headers.get("host", "")
        origin = self.headers.get("origin")
        return is_loopback_host(host.split(":")[0]) and origin in {None, f"http://{host}"}


@dataclass(frozen=True)
class Response:
    """What the client gets."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[..., Response]
Route = tuple[str, re.Pattern[str], Handler]


def route(method: str, pattern: str, handler: Handler) -> Route:
    """Return a route; groups of the pattern become arguments of the handler."""
    return method, re.compile(pattern, re.ASCII), handler


def resolve(routes: list[Route], request: Request) -> Response:
    """Call the handler of the request's path and method; ApiError 404 or 405 without one."""
    found = [(route, route[1].fullmatch(request.path)) for route in routes]
    allowed = {route[0]: (route[2], match) for route, match in found if match}
    if not allowed:
        raise ApiError(404, "not_found", "There is nothing here.")
    if request.method not in allowed:
        raise ApiError(405, "method_not_allowed", f"Use {', '.join(sorted(allowed))}.")
    handler, match = allowed[request.method]
    return handler(request, *match.groups())
