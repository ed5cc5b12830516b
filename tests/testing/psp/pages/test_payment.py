from __future__ import annotations

import re

import pytest

from payments_ui.testing.psp import SandboxPSP
from tests.testing.psp.conftest import Client

HOSTILE = "<script>alert(1)</script>\"'><img src=x>"


def path(charge: dict[str, str]) -> str:
    return "/pay/" + charge["action_url"].split("/pay/")[1]


def buttons(html: str) -> list[str]:
    return re.findall(r'<button [^>]*name="decision" value="(\w+)"', html)


def test_the_pay_page_names_amount_payee_and_purpose(client: Client) -> None:
    page = client.send("GET", path(client.pay_page(description="Rendering", key="ref")))
    assert page.status == 200
    for text in ("Pay here", "CHF 12.00", "acct_sandbox", "Rendering", "ref", "no real money"):
        assert text in page.text
    assert buttons(page.text) == ["approve", "refuse", "cancel"]


def test_3d_secure_has_its_own_words(client: Client) -> None:
    page = client.send("GET", path(client.charge("card_3ds").json))
    assert "3-D Secure" in page.text
    assert buttons(page.text) == ["approve", "refuse", "cancel"]


@pytest.mark.parametrize(
    ("decision", "status", "heading"),
    [
        ("approve", "succeeded", "Paid"),
        ("refuse", "declined", "Declined"),
        ("cancel", "cancelled", "Cancelled"),
    ],
)
def test_a_decision_leads_back_to_the_shop(
    client: Client, decision: str, status: str, heading: str
) -> None:
    charge = client.pay_page(return_url="http://localhost:8000/back?attempt=a%20b")
    reply = client.post(path(charge), decision=decision)
    assert reply.status == 303
    assert reply.headers["Location"] == "http://localhost:8000/back?attempt=a%20b"
    assert client.call("GET", f"/v1/charges/{charge['id']}").json["status"] == status
    page = client.send("GET", path(charge)).text
    assert f"<h1>{heading}</h1>" in page
    assert buttons(page) == []
    assert 'href="http://localhost:8000/back?attempt=a%20b"' in page


def test_a_second_click_leads_back_too(psp: SandboxPSP, client: Client) -> None:
    charge = client.pay_page()
    for decision in ("approve", "cancel"):
        assert client.post(path(charge), decision=decision).status == 303
    assert psp.ledger.totals()["CHF"].taken == 1200


def test_a_planned_processing_is_shown(psp: SandboxPSP, client: Client) -> None:
    psp.plan.add("processing")
    charge = client.pay_page()
    client.post(path(charge), decision="approve")
    assert "<h1>Accepted</h1>" in client.send("GET", path(charge)).text


def test_an_expired_page_asks_no_more(psp: SandboxPSP, client: Client) -> None:
    charge = client.pay_page()
    psp.advance(3600)
    client.post(path(charge), decision="approve")
    assert "<h1>Declined</h1>" in client.send("GET", path(charge)).text
    assert psp.ledger.totals() == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_page_is_not_found(client: Client, method: str) -> None:
    body = b"decision=approve" if method == "POST" else None
    reply = client.send(method, "/pay/" + "a" * 32, body)
    assert reply.status == 404
    assert "<h1>This payment does not exist.</h1>" in reply.text


@pytest.mark.parametrize("fields", [{}, {"decision": "nonsense"}])
def test_only_the_buttons_decide(client: Client, fields: dict[str, str]) -> None:
    charge = client.pay_page()
    assert client.post(path(charge), **fields).status == 400
    status = client.call("GET", f"/v1/charges/{charge['id']}").json["status"]
    assert status == "requires_action"


def test_what_a_merchant_sends_is_text_and_nothing_else(client: Client) -> None:
    charge = client.pay_page(
        description=HOSTILE, key="ref", reference='"><b>', return_url='http://localhost/?"><b>'
    )
    pages = [client.send("GET", path(charge)).text, client.send("GET", "/").text]
    client.post(path(charge), decision="approve")
    pages.append(client.send("GET", path(charge)).text)
    for page in pages:
        for tag in ("<script", "<img", "<b>"):
            assert tag not in page
    assert "&lt;script&gt;" in pages[0]
    assert "&quot;&gt;&lt;b&gt;" in pages[1]


def test_pages_hold_under_a_strict_policy(client: Client) -> None:
    charge = client.pay_page(return_url="http://localhost:8000/back")
    page = client.send("GET", path(charge))
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    # A browser takes the redirect after the form for a part of the form's action.
    assert policy.endswith("form-action 'self' http://localhost:8000")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script|<style| style=| on\w+=", page.text)


@pytest.mark.parametrize(
    ("file", "kind"), [("sandbox.css", "text/css"), ("sandbox.svg", "image/svg+xml")]
)
def test_the_pages_files_are_served(client: Client, file: str, kind: str) -> None:
    reply = client.send("GET", f"/{file}")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
