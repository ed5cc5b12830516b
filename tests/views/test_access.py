"""Whose payment, and whose request. Every URL for everybody: tests/reliability/web."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory

import payments_ui
from payments_ui.core.models import Payment
from payments_ui.testing.psp import SandboxPSP
from payments_ui.views import access
from tests.fixtures import MakeShopper
from tests.reliability.web.doors import OPEN, OWNER, path_of
from tests.saving import saved
from tests.shopping import IN_PLACE, Shopper, dom, url

#: Every POST of a signed-in user.
POSTS = [route for route, told in OWNER.items() if "POST" in told and route not in OPEN]


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


@pytest.mark.parametrize("route", POSTS)
@pytest.mark.parametrize("headers", [{}, IN_PLACE], ids=["plain", "htmx"])
def test_every_post_needs_a_csrf_token(
    shopper: Shopper, psp: SandboxPSP, route: str, headers: dict[str, str]
) -> None:
    payment = shopper.begin("5.00")
    browser = Client(enforce_csrf_checks=True, headers=headers)
    browser.force_login(shopper.user)
    path = path_of(route, payment.pk, method=saved(shopper.user).pk)
    assert browser.post(path).status_code == 403
    page = dom(browser.get(url("moocher", payment, "cards"), headers={"HX-Request": "false"}))
    token = page.form(url("cancellation", payment)).fields()["csrfmiddlewaretoken"]
    assert browser.post(path, {"csrfmiddlewaretoken": token}).status_code != 403
    assert not psp.calls


def test_only_what_psps_and_mail_programs_send_is_exempt_from_csrf_protection() -> None:
    package = Path(payments_ui.__file__).parent
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if "csrf_exempt" in {getattr(node, "id", ""), getattr(node, "attr", "")}
        or (isinstance(node, ast.ImportFrom) and "csrf_exempt" in {a.name for a in node.names})
    }
    of_psps = {"views/methods.py", "views/moochers.py", "views/webhooks.py"}
    # Its signed token is all that is believed (RFC 8058).
    of_mail_programs = {"views/links.py"}
    assert users == of_psps | of_mail_programs


def test_a_view_that_forgot_to_ask_who_it_is_fails_closed(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        access.payment_of(request, uuid4())
    with pytest.raises(PermissionDenied):
        access.method_of(request, uuid4())
