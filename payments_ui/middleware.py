"""What the kit does around every page of a site."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.deprecation import MiddlewareMixin

from . import http


class PrivatePagesMiddleware(MiddlewareMixin):
    """Pages with a widget are for their visitor alone: no shared cache stores them.

    Anywhere in ``MIDDLEWARE``; before what stores pages, if that is not Django's own.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Say so where a widget is on the page."""
        if http.is_marked_private(request):
            patch_cache_control(response, private=True)
        return response
