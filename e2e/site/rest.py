"""Whether the site is at rest: what it does for a page that is closed belongs to its test, too."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_lock = threading.Lock()
_requests: set[int] = set()


def counting(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Middleware: count the requests that are being answered, but for the director's."""

    def respond(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/director/"):
            return get_response(request)
        with _lock:
            _requests.add(id(request))
        try:
            return get_response(request)
        finally:
            with _lock:
                _requests.discard(id(request))

    return respond


def busy() -> int:
    """How many requests are being answered."""
    with _lock:
        return len(_requests)
