"""Every URL for everybody with every method; a URL that is not listed here fails the tests."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, reverse

import payments_ui
from payments_ui import urls
from payments_ui.core.models import Payment
from payments_ui.views import access
from tests.fakes import FakePSP
from tests.fixtures import MakeShopper
from tests.shopping import IN_PLACE, Shopper, dom, url

READ = frozenset({"GET", "HEAD"})
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE")

#: What the owner of a pending payment is answered.
OWNER: dict[str, dict[str, int]] = {
    "charges": {"GET": 200, "HEAD": 200},
    "heartbeat": {"GET": 200, "HEAD": 200},
    "payments": {"GET": 200, "HEAD": 200, "POST": 303},
    "payment": {"GET": 200, "HEAD": 200},
    "moocher": {"GET": 200, "HEAD": 200, "POST": 409},
    "return": {"GET": 404, "HEAD": 404},
    "attempt_cancellation": {"POST": 303},
    "cancellation": {"POST": 303},
    "lineitems": {"POST": 303},
    "receipt": {"GET": 404, "HEAD": 404},
    "webhook": {"POST": 400},
}
#: Open to everybody: what protects them is a signature, or that they show nothing.
OPEN = frozenset({"heartbeat", "return", "webhook"})


def patterns(found: list[Any], params: frozenset[str] = frozenset()) -> dict[str, frozenset[str]]:
    names: dict[str, frozenset[str]] = {}
    for one in found:
        more = params | set(one.pattern.converters)
        if isinstance(one, URLResolver):
            names |= patterns(one.url_patterns, more)
        else:
            assert isinstance(one, URLPattern)
            names[str(one.name)] = more
    return names


ALL = patterns(urls.urlpatterns)


def path_of(name: str, payment: Payment, **changes: Any) -> str:
    values: dict[str, Any] = {"pk": payment.pk, "identifier": "cards", **changes}
    return reverse(f"payments_ui:{name}", kwargs={p: values[p] for p in ALL[name]})


def expected(name: str, role: str, method: str) -> int:
    allowed = OWNER[name].get(method)
    if (name, method) == ("payments", "POST") and role in ("other", "staff"):
        return 409  # they owe nothing
    if name not in OPEN and role == "anonymous":
        return 302
    if allowed is None:
        return 405
    return 404 if "pk" in ALL[name] and role != "owner" else allowed


def test_every_url_is_listed() -> None:
    assert set(ALL) == set(OWNER)


@pytest.mark.parametrize(
    ("name", "role", "method"),
    list(product(sorted(OWNER), ("anonymous", "owner", "other", "staff"), METHODS)),
)
def test_who_may_do_what(make_shopper: MakeShopper, name: str, role: str, method: str) -> None:
    owner = make_shopper()
    payment = owner.begin("5.00")
    browsers: dict[str, Callable[[], Client]] = {
        "anonymous": Client,
        "owner": lambda: owner.client,
        "other": lambda: make_shopper().client,
        "staff": lambda: make_shopper(is_staff=True, is_superuser=True).client,
    }
    response = browsers[role]().generic(method, path_of(name, payment))
    assert response.status_code == expected(name, role, method)
    if response.status_code == 302:
        assert response["Location"].startswith("/login/?next=")
    assert Payment.all_objects.filter(user=owner.user, charged_at__isnull=False).count() == 0


@pytest.mark.parametrize("name", [name for name in sorted(OWNER) if "pk" in ALL[name]])
@pytest.mark.parametrize("headers", [{}, IN_PLACE], ids=["plain", "htmx"])
def test_a_foreign_payment_and_a_missing_one_look_the_same(
    make_shopper: MakeShopper, name: str, headers: dict[str, str]
) -> None:
    payment, stranger = make_shopper().begin("5.00"), make_shopper()
    method = next(iter(OWNER[name]))
    foreign, missing = (
        stranger.client.generic(method, path_of(name, payment, pk=pk), headers=headers)
        for pk in (payment.pk, uuid4())
    )
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert foreign.headers == missing.headers


@pytest.mark.parametrize("pk", ["1", "x" * 36, "0" * 31, "null", "%00", "..%2f"])
def test_a_malformed_id_is_not_found(shopper: Shopper, pk: str) -> None:
    for rest in ("", "receipt/", "moochers/cards/", "cancellation/"):
        assert shopper.client.get(f"/payments/{pk}/{rest}").status_code == 404


def test_what_the_client_says_about_the_owner_is_not_believed(make_shopper: MakeShopper) -> None:
    owner, stranger = make_shopper(), make_shopper()
    payment = owner.begin("5.00")
    assert stranger.get(url("payment", payment), user=owner.user.pk).status_code == 404
    response = stranger.post(url("cancellation", payment), user=owner.user.pk)
    assert response.status_code == 404
    assert Payment.objects.get().state == "pending"


@pytest.mark.parametrize(
    "name", [name for name in sorted(OWNER) if "POST" in OWNER[name] and name != "webhook"]
)
@pytest.mark.parametrize("headers", [{}, IN_PLACE], ids=["plain", "htmx"])
def test_every_post_needs_a_csrf_token(
    shopper: Shopper, psp: FakePSP, name: str, headers: dict[str, str]
) -> None:
    payment = shopper.begin("5.00")
    browser = Client(enforce_csrf_checks=True, headers=headers)
    browser.force_login(shopper.user)
    path = path_of(name, payment)
    assert browser.post(path).status_code == 403
    page = dom(browser.get(url("moocher", payment, "cards"), headers={"HX-Request": "false"}))
    token = page.form(url("cancellation", payment)).fields()["csrfmiddlewaretoken"]
    assert browser.post(path, {"csrfmiddlewaretoken": token}).status_code != 403
    assert psp.asked == []


def test_only_webhooks_are_exempt_from_csrf_protection() -> None:
    package = Path(payments_ui.__file__).parent
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if "csrf_exempt" in {getattr(node, "id", ""), getattr(node, "attr", "")}
        or (isinstance(node, ast.ImportFrom) and "csrf_exempt" in {a.name for a in node.names})
    }
    assert users == {"views/webhooks.py"}


def test_a_view_that_forgot_to_ask_who_it_is_fails_closed(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        access.payment_of(request, uuid4())
