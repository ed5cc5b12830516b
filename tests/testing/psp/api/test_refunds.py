from __future__ import annotations

import json
from typing import Any

import pytest

from payments_ui.testing.psp import RefundStatus, SandboxPSP, Total
from payments_ui.testing.psp.calls import KEY_LIFE
from tests.testing.psp.conftest import Client, Merchant, Reply


@pytest.fixture
def charge(client: Client) -> str:
    return str(client.charge().json["id"])


def refund(client: Client, charge: str, amount: Any = 500, key: str = "", **changes: Any) -> Reply:
    key = key or f"refund-{next(client.keys)}"
    order = {"charge": charge, "amount": amount, "reference": key} | changes
    return client.call("POST", "/v1/refunds", order, Idempotency_Key=key)


def refunded(psp: SandboxPSP) -> int:
    return psp.ledger.totals()["CHF"].refunded


def test_a_part_is_refunded(psp: SandboxPSP, client: Client, charge: str) -> None:
    reply = refund(client, charge, key="part", metadata={"refund": "7"})
    assert reply.status == 201
    assert reply.json == {
        "object": "refund",
        "id": reply.json["id"],
        "account": "acct_sandbox",
        "live": False,
        "charge": charge,
        "reference": "part",
        "amount": 500,
        "currency": "CHF",
        "status": "succeeded",
        "failure_code": "",
        "metadata": {"refund": "7"},
        "created_at": reply.json["created_at"],
    }
    assert psp.ledger.totals()["CHF"] == Total(1200, 500)
    assert client.call("GET", f"/v1/charges/{charge}").json["refunded"] == 500
    assert client.call("GET", f"/v1/refunds/{reply.json['id']}").json == reply.json
    assert [stored.amount for stored in psp.ledger.refunds.all()] == [500]


def test_a_refund_is_never_more_than_was_taken(
    psp: SandboxPSP, client: Client, charge: str
) -> None:
    assert refund(client, charge, 1201).code == "refund_too_large"
    assert refund(client, charge, 700).status == 201
    too_much = refund(client, charge, 501)
    assert (too_much.status, too_much.code) == (409, "refund_too_large")
    assert refund(client, charge, 500).status == 201
    assert refund(client, charge, 1).code == "refund_too_large"
    assert refunded(psp) == 1200


def test_a_pending_refund_counts_and_a_failed_refund_does_not(
    psp: SandboxPSP, client: Client, charge: str
) -> None:
    psp.plan.add("failed")
    psp.plan.add("pending")
    assert refund(client, charge, 1200).json["status"] == "failed"
    assert refund(client, charge, 1200).json["status"] == "pending"
    assert refund(client, charge, 1).code == "refund_too_large"
    assert refunded(psp) == 0


@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [("pending", "succeeded", ""), ("pending_failed", "failed", "account_closed")],
)
def test_a_pending_refund_ends(
    psp: SandboxPSP, client: Client, charge: str, scenario: str, status: str, code: str
) -> None:
    psp.plan.add(scenario)
    pending = refund(client, charge).json
    assert (pending["status"], pending["failure_code"]) == ("pending", "")
    psp.advance(60)
    ended = client.call("GET", f"/v1/refunds/{pending['id']}").json
    assert (ended["status"], ended["failure_code"]) == (status, code)
    assert refunded(psp) == (500 if status == "succeeded" else 0)
    psp.bank.finish_due()
    assert len(psp.ledger.refunds.of(charge)) == 1


def test_a_refund_that_comes_back_gives_nothing(
    psp: SandboxPSP, client: Client, charge: str
) -> None:
    psp.plan.add("returned")
    made = refund(client, charge).json
    assert (made["status"], refunded(psp)) == ("succeeded", 500)
    psp.advance(60)
    back = client.call("GET", f"/v1/refunds/{made['id']}").json
    assert (back["status"], back["failure_code"]) == ("returned", "declined")
    assert refunded(psp) == 0


def test_the_same_key_refunds_once(psp: SandboxPSP, client: Client, charge: str) -> None:
    first, second = refund(client, charge, key="k"), refund(client, charge, key="k")
    assert first.json == second.json
    assert refunded(psp) == 500
    assert refund(client, charge, 501, key="k").code == "key_reused"


def test_a_key_is_forgotten_after_a_day(psp: SandboxPSP, client: Client, charge: str) -> None:
    refund(client, charge, key="k")
    psp.advance(KEY_LIFE)
    refund(client, charge, key="k")
    assert refunded(psp) == 1000


def test_a_refund_cannot_use_the_key_of_a_charge(client: Client) -> None:
    charge = client.charge(key="k").json["id"]
    assert refund(client, charge, key="k").code == "key_reused"


@pytest.mark.parametrize("card", ["card_declined", "card_processing", "card_3ds"])
def test_what_was_not_taken_is_not_refunded(client: Client, card: str) -> None:
    reply = refund(client, client.charge(card).json["id"])
    assert (reply.status, reply.code) == (409, "charge_not_taken")


def test_an_unknown_charge_is_not_refunded(client: Client) -> None:
    assert refund(client, f"ch_{'0' * 32}").code == "charge_not_taken"
    missing = client.call("GET", f"/v1/refunds/re_{'0' * 32}")
    assert (missing.status, missing.code) == (404, "no_such_refund")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": True},
        {"amount": "5"},
        {"charge": "ch_1"},
        {"charge": 5},
        {"reference": ""},
        {"reference": "a b"},
        {"webhook_url": "http://192.0.2.1/"},
        {"webhook_url": 5},
        {"metadata": []},
        {"currency": "CHF"},
    ],
)
def test_an_invalid_order_refunds_nothing(
    psp: SandboxPSP, client: Client, charge: str, changes: dict[str, Any]
) -> None:
    reply = refund(client, **({"charge": charge, "key": "k"} | changes))
    assert (reply.status, reply.code) == (400, "invalid_parameter")
    assert refunded(psp) == 0


def test_without_a_key_nothing_is_refunded(client: Client, charge: str) -> None:
    order = {"charge": charge, "amount": 1, "reference": "r"}
    assert client.call("POST", "/v1/refunds", order).code == "invalid_key"


def test_refunds_are_found_by_reference_and_by_charge(client: Client, charge: str) -> None:
    first, second = (refund(client, charge, 1, key=key).json for key in ("a", "b"))
    other = refund(client, client.charge().json["id"], 1, key="c").json
    for question, found in (
        ("reference=a", [first]),
        ("reference=z", []),
        (f"charge={charge}", [first, second]),
        (f"charge={other['charge']}", [other]),
    ):
        assert client.call("GET", f"/v1/refunds?{question}").json["data"] == found
    assert client.call("GET", "/v1/refunds").code == "invalid_parameter"


def test_a_closed_reference_is_never_refunded(psp: SandboxPSP, client: Client, charge: str) -> None:
    closed = client.call("POST", "/v1/refunds/close", {"reference": "r"})
    assert closed.json == {"object": "closure", "reference": "r", "refund": None}
    late = refund(client, charge, reference="r")
    assert (late.status, late.code) == (409, "reference_closed")
    assert refunded(psp) == 0
    assert client.charge(reference="r").status == 201


def test_closing_a_reference_tells_what_happened(client: Client, charge: str) -> None:
    done = refund(client, charge, key="r").json
    closed = client.call("POST", "/v1/refunds/close", {"reference": "r"})
    assert closed.json["refund"] == done
    assert client.call("POST", "/v1/refunds/close", {}).code == "invalid_parameter"
    assert client.call("POST", "/v1/refunds/close", {"reference": []}).status == 400


@pytest.mark.parametrize(
    ("scenario", "status", "moved"),
    [
        ("error_before", 500, 0),
        ("error_after", 500, 500),
        ("rate_limited", 429, 0),
        ("garbled", 200, 500),
    ],
)
def test_faults_of_refunds(
    psp: SandboxPSP, client: Client, charge: str, scenario: str, status: int, moved: int
) -> None:
    psp.plan.add(scenario, on="refund")
    assert client.charge().status == 201
    assert refund(client, charge).status == status
    assert refunded(psp) == moved


@pytest.mark.parametrize(("scenario", "moved"), [("lost_reply", 500), ("lost_request", 0)])
def test_connections_that_break(
    psp: SandboxPSP, client: Client, charge: str, scenario: str, moved: int
) -> None:
    psp.plan.add(scenario, on="refund")
    with pytest.raises(ConnectionError):
        refund(client, charge)
    assert refunded(psp) == moved


def test_the_ledger_can_be_wrong_about_a_refund(
    psp: SandboxPSP, client: Client, charge: str
) -> None:
    psp.plan.add("wrong_amount", on="refund", times=2)
    psp.plan.add("wrong_currency", on="refund")
    assert refund(client, charge, 1200).code == "refund_too_large"
    assert refund(client, charge, 500).json["amount"] == 501
    assert refund(client, charge, 500).json["currency"] == "XTS"


def test_webhooks_about_refunds_go_where_those_of_the_charge_go(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    charge = client.charge(webhook_url=merchant.url).json["id"]
    psp.plan.add("pending")
    refund(client, charge)
    psp.advance(60)
    assert psp.deliver_webhooks()
    assert sorted(merchant.events) == ["charge.succeeded", "refund.pending", "refund.succeeded"]
    events = [json.loads(body) for _, body in merchant.received]
    assert {event["data"].get("charge", event["data"]["id"]) for event in events} == {charge}


def test_webhooks_about_a_refund_may_go_elsewhere_or_nowhere(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    silent = client.charge().json["id"]
    refund(client, silent, webhook_url=merchant.url)
    loud = client.charge("card_no_webhook", webhook_url=merchant.url).json["id"]
    refund(client, loud, webhook_url="")
    assert psp.deliver_webhooks()
    assert merchant.events == ["refund.succeeded"]


def test_a_refund_moves_once(psp: SandboxPSP, client: Client, charge: str) -> None:
    psp.plan.add("pending")
    refund_id = refund(client, charge).json["id"]
    refunds, pending = psp.ledger.refunds, {RefundStatus.PENDING}
    assert refunds.move(refund_id, allowed=pending, status=RefundStatus.SUCCEEDED)
    assert not refunds.move(refund_id, allowed=pending, status=RefundStatus.FAILED)
    stored = refunds.get(refund_id)
    assert stored
    assert stored.status == RefundStatus.SUCCEEDED


def test_two_threads_that_finish_a_refund_send_an_event_once(
    psp: SandboxPSP, client: Client, charge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    psp.plan.add("pending")
    refund(client, charge, webhook_url="http://127.0.0.1:9/")
    monkeypatch.setattr(psp.ledger.refunds, "due", lambda: psp.ledger.refunds.all() * 2)
    psp.bank.finish_due()
    types = [delivery["type"] for delivery in psp.outbox.deliveries(charge)]
    assert types == ["refund.pending", "refund.succeeded"]
