"""The showroom's three small middlewares."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from showroom import guide, people
from showroom.kit import look_now
from showroom.preferences import Preferences

GetResponse = Callable[[HttpRequest], HttpResponse]


def preferences(get_response: GetResponse) -> GetResponse:
    """Put the visitor's switches on the request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.preferences = Preferences.of(request)  # type: ignore[attr-defined]
        token = look_now.set(request.preferences.look)  # type: ignore[attr-defined]
        try:
            return get_response(request)
        finally:
            look_now.reset(token)

    return middleware


def sign_in(get_response: GetResponse) -> GetResponse:
    """Sign a first visitor in as Ada. Only the demo's settings list this."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if people.may_be_welcomed(request) and (ada := people.ada()):
            login(request, ada, people.BACKEND)
            guide.begin(request)
        return get_response(request)

    return middleware


def follow(get_response: GetResponse) -> GetResponse:
    """Note that the visitor looked at their charges, for the guided tour."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path == reverse("atelier:dashboard") and request.user.is_authenticated:
            guide.looked(request)
        return response

    return middleware
