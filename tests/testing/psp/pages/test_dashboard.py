from __future__ import annotations

import pytest

from payments_ui.testing.psp import SCENARIOS, SandboxPSP
from payments_ui.testing.psp.stripe.calls import Call
from tests.testing.psp.conftest import Client, Merchant


def test_the_dashboard_offers_every_scenario(client: Client) -> None:
    page = client.send("GET", "/").text
    for name, scenario in SCENARIOS.items():
        assert f'<option value="{name}">{scenario.title}</option>' in page
    assert "Nothing was taken so far." in page


def test_the_dashboard_says_what_happens_next(psp: SandboxPSP, client: Client) -> None:
    reply = client.post("/dashboard/plan", scenario="expired", times="2")
    assert (reply.status, reply.headers["Location"]) == (303, "/?done=planned")
    page = client.send("GET", "/?done=planned").text
    assert page.count("<li>Card has expired (next charge)</li>") == 2
    assert 'role="status">Planned for the next charge.' in page
    assert client.charge().json["decline_code"] == "expired_card"


def test_the_plan_can_be_forgotten(psp: SandboxPSP, client: Client) -> None:
    psp.plan.add("declined")
    reply = client.post("/dashboard/clear")
    assert (reply.status, reply.headers["Location"]) == (303, "/?done=cleared")
    assert psp.plan.steps() == []


def test_time_passes_at_the_push_of_a_button(psp: SandboxPSP, client: Client) -> None:
    charge = client.charge("card_processing").json
    assert client.post("/dashboard/clock", advance="60").status == 303
    assert client.call("GET", f"/v1/charges/{charge['id']}").json["status"] == "succeeded"
    assert psp.ledger.clock.offset == 60


def stripe_charge(psp: SandboxPSP) -> str:
    made = psp.stripe.payment_intents.create(
        Call(
            {
                "amount": "1200",
                "currency": "chf",
                "confirm": "true",
                "payment_method": "pm_card_visa",
            }
        )
    )
    return str(psp.stripe.payment_intents.find(made["id"])["latest_charge"])


def test_what_stripe_keeps_is_shown(psp: SandboxPSP, client: Client) -> None:
    charge = psp.stripe.charges.find(stripe_charge(psp))
    page = client.send("GET", "/").text
    assert "stripe: card" in page
    for shown in (charge["payment_intent"], charge["payment_method"], "payment intent"):
        assert shown in page


@pytest.mark.parametrize(("decision", "kept"), [("win", 1200), ("lose", 0)])
def test_the_customers_bank_disputes_and_decides(
    psp: SandboxPSP, client: Client, decision: str, kept: int
) -> None:
    charge = stripe_charge(psp)
    assert 'value="inquire">Inquire' in client.send("GET", "/").text
    client.post("/dashboard/dispute", charge=charge, decision="dispute")
    [dispute] = psp.ledger.disputes.of(charge)
    page = client.send("GET", "/?done=disputed").text
    assert "CHF 12.00 taken, CHF 12.00 disputed" in page
    assert "has decided" in page
    assert "Dispute it" not in page
    reply = client.post("/dashboard/dispute", dispute=dispute.id, decision=decision)
    assert reply.status == 303
    assert psp.ledger.totals()["CHF"].kept == kept
    assert "Shop wins" not in client.send("GET", "/").text
    assert client.post("/dashboard/dispute", charge="ch_none").status == 409


def test_an_inquiry_becomes_a_dispute_or_does_not(psp: SandboxPSP, client: Client) -> None:
    charge = stripe_charge(psp)
    client.post("/dashboard/dispute", charge=charge, decision="inquire")
    [dispute] = psp.ledger.disputes.of(charge)
    assert "Take the money" in client.send("GET", "/").text
    client.post("/dashboard/dispute", dispute=dispute.id, decision="escalate")
    assert psp.ledger.totals()["CHF"].kept == 0


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("plan", {}),
        ("plan", {"scenario": "nonsense"}),
        ("plan", {"scenario": "declined", "times": "0"}),
        ("plan", {"scenario": "declined", "times": "many"}),
        ("clock", {}),
        ("clock", {"advance": "1"}),
    ],
)
def test_an_invalid_form_changes_nothing(
    psp: SandboxPSP, client: Client, path: str, fields: dict[str, str]
) -> None:
    assert client.post(f"/dashboard/{path}", **fields).status == 400
    assert psp.plan.steps() == []
    assert psp.ledger.clock.offset == 0


def test_the_ledger_shows_what_happened(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    client.charge(webhook_url=merchant.url)
    client.charge("card_insufficient_funds")
    waiting = client.pay_page()
    assert psp.deliver_webhooks()
    page = client.send("GET", "/").text
    assert "<li>CHF 12.00 taken</li>" in page
    assert "charge.succeeded: 200" in page
    assert "declined (insufficient funds)" in page
    assert f'href="/pay/{waiting["action_url"].split("/pay/")[1]}"' in page


def test_the_dashboard_shows_refunds(psp: SandboxPSP, client: Client) -> None:
    order = {"charge": client.charge().json["id"], "amount": 450, "reference": "r"}
    client.call("POST", "/v1/refunds", order, Idempotency_Key="r")
    page = client.send("GET", "/").text
    assert "<li>CHF 12.00 taken, CHF 4.50 refunded</li>" in page
    assert '<td class="number">CHF 12.00, CHF 4.50 refunded</td>' in page


def test_the_dashboard_shows_outage_and_random_steps(psp: SandboxPSP, client: Client) -> None:
    psp.plan.sometimes("rate_limited", share=0.5)
    psp.plan.add("failed")
    psp.plan.outage(60)
    page = client.send("GET", "/").text
    assert "<li>The refund fails (next refund)</li>" in page
    assert "<li>Error 429, nothing charged (50% of all calls)</li>" in page
    assert page.index("<li>Out of order until ") < page.index("<li>The refund fails")
