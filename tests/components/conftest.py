"""A page of a host: a request with its user, and tags rendered into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.template import RequestContext, Template
from django.test import RequestFactory
from pytest_django import Settings

from payments_ui.core.models import LineItem, Payment
from tests.dom import Node, parse
from tests.fakes import CARDS, FRANCS

RequestOf = Callable[..., HttpRequest]
RenderTag = Callable[..., Node]
Owe = Callable[..., list[LineItem]]


@pytest.fixture(autouse=True)
def moochers(settings: Settings) -> dict[str, Any]:
    """Offer two ways to pay."""
    options: dict[str, Any] = {"MOOCHERS": [CARDS, FRANCS], "PAYEE": "Hillshade GmbH"}
    settings.PAYMENTS_UI = options
    return options


@pytest.fixture
def request_of() -> RequestOf:
    """Return a factory of requests, each of which is one page."""

    def make(user: User | AnonymousUser | None = None, **query: str) -> HttpRequest:
        request = RequestFactory().get("/", query)
        request.user = user or AnonymousUser()
        return request

    return make


@pytest.fixture
def page(user: User, request_of: RequestOf) -> RenderTag:
    """Return a function that renders a host's page with some tags, for a signed-in user."""

    def render(source: str, of: User | AnonymousUser | None = None) -> Node:
        template = Template(f"{{% load payments_ui %}}{source}")
        return parse(template.render(RequestContext(request_of(of or user), {})))

    return render


@pytest.fixture
def owe(user: User) -> Owe:
    """Return a function that charges the user for some uses."""

    def record(*amounts: str, of: User = user, **fields: Any) -> list[LineItem]:
        return [
            LineItem.objects.record(user=of, **{"title": f"Use {n}", "amount": amount, **fields})
            for n, amount in enumerate(amounts)
        ]

    return record


@pytest.fixture
def pending(user: User, owe: Owe) -> Callable[..., Payment]:
    """Return a factory of pending payments."""

    def make(*amounts: str, **fields: Any) -> Payment:
        owe(*amounts, **fields)
        payment: Payment | None = Payment.objects.create_pending(
            user=user, currency=fields.get("currency")
        )
        assert payment is not None
        return payment

    return make
