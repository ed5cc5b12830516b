"""The request of a signed-in person, for who reads types."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request as our middleware and ``login_required`` leave it."""

    user: User
    htmx: HtmxDetails
