from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views import View
from pytest_django import Settings

from payments_ui.mooch.middleware import MoochMiddleware
from tests.mooch import site


class HostView(View):
    """A view of the host's own."""


def host(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the host's")


class Host:
    def method(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("the host's")


@pytest.mark.parametrize("view", [host, Host().method, HostView.as_view(), [].append])
def test_views_of_the_host_are_left_alone(
    rf: RequestFactory, settings: Settings, view: Callable[..., Any]
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": site.ALL}
    assert MoochMiddleware(host).process_view(rf.post("/"), view, (), {}) is None


def test_it_passes_the_request_on(rf: RequestFactory) -> None:
    assert MoochMiddleware(host)(rf.get("/")).getvalue() == b"the host's"
