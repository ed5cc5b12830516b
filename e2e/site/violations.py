"""What browsers report of the strict policy: those that drivers cannot read it from, too."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

PATH = "director-violations/"
HEADER = "Content-Security-Policy"

reported: list[str] = []


def asking(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Middleware: every policy asks for reports."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if policy := response.headers.get(HEADER):
            response.headers[HEADER] = f"{policy.rstrip('; ')}; report-uri /{PATH}"
        return response

    return respond


@csrf_exempt
def report(request: HttpRequest) -> HttpResponse:
    """Keep what a browser reports."""
    said = json.loads(request.body)["csp-report"]
    told = (said.get(name, "") for name in ("effective-directive", "blocked-uri", "document-uri"))
    reported.append(" ".join(told))
    return HttpResponse(status=204)
