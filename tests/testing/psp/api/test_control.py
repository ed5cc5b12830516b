from __future__ import annotations

import pytest

from payments_ui.testing.psp import SandboxPSP
from tests.testing.psp.conftest import Client


def test_the_next_charges_are_directed_over_http(client: Client) -> None:
    plan = {"scenario": "declined", "times": 2}
    steps = [{"scenario": "declined", "on": "create"}] * 2
    assert client.call("POST", "/v1/plan", plan).json["steps"] == steps
    assert client.call("GET", "/v1/plan").json["steps"] == steps
    statuses = [client.charge().json["status"] for _ in range(3)]
    assert statuses == ["declined", "declined", "succeeded"]


def test_the_plan_comes_before_the_card(client: Client) -> None:
    client.call("POST", "/v1/plan", {"scenario": "expired"})
    assert client.charge("card_3ds").json["status"] == "requires_action"
    client.call("POST", "/v1/plan", {"scenario": "expired"})
    assert client.charge("card_declined").json["decline_code"] == "expired_card"


def test_the_plan_can_be_forgotten(client: Client) -> None:
    client.call("POST", "/v1/plan", {"scenario": "declined"})
    assert client.call("DELETE", "/v1/plan").json["steps"] == []
    assert client.charge().json["status"] == "succeeded"


@pytest.mark.parametrize(
    "plan", [{}, {"scenario": "x"}, {"scenario": "declined", "on": 1}, {"scenario": ["declined"]}]
)
def test_an_invalid_step_is_refused(client: Client, plan: object) -> None:
    reply = client.call("POST", "/v1/plan", plan)
    assert (reply.status, reply.code) == (400, "invalid_parameter")


def test_the_clock_is_put_forward_over_http(psp: SandboxPSP, client: Client) -> None:
    charge = client.charge("card_processing").json
    before = client.call("GET", "/v1/clock").json["now"]
    after = client.call("POST", "/v1/clock", {"advance": 3600}).json["now"]
    assert after - before in {3600, 3601}
    assert client.call("GET", f"/v1/charges/{charge['id']}").json["status"] == "succeeded"
    assert psp.ledger.clock.offset == 3600


@pytest.mark.parametrize("seconds", [None, -1, 1.5, True, 10**9 + 1])
def test_the_clock_takes_whole_seconds_only(client: Client, seconds: object) -> None:
    reply = client.call("POST", "/v1/clock", {"advance": seconds})
    assert (reply.status, reply.code) == (400, "invalid_parameter")


def test_totals_are_by_currency(client: Client) -> None:
    client.charge()
    client.charge(amount=5, currency="JPY")
    assert client.call("GET", "/v1/totals").json["data"] == {
        "CHF": {"taken": 1200, "refunded": 0},
        "JPY": {"taken": 5, "refunded": 0},
    }


def test_an_approval_can_be_planned_for_any_card(client: Client) -> None:
    for card in ("card_declined", "card_3ds", "card_error_before"):
        client.call("POST", "/v1/plan", {"scenario": "approve"})
        assert client.charge(card).json["status"] == "succeeded"


def test_an_outage_answers_nothing_but_503_until_it_is_over(
    psp: SandboxPSP, client: Client
) -> None:
    charge, page = client.charge().json, client.pay_page()["action_url"]
    out = client.call("POST", "/v1/plan", {"outage": 600}).json["outage_until"]
    assert out > psp.ledger.clock.now()
    order = {"charge": charge["id"], "amount": 1, "reference": "r"}
    for reply in (
        client.charge(key="k"),
        client.call("POST", "/v1/refunds", order, Idempotency_Key="r"),
        client.call("GET", f"/v1/charges/{charge['id']}"),
        client.call("POST", "/v1/cancellations", {"reference": "r"}),
    ):
        assert (reply.status, reply.code) == (503, "unavailable")
    assert client.send("GET", page.removeprefix(psp.url)).status == 503
    client.call("POST", "/v1/clock", {"advance": 600})
    assert client.call("GET", "/v1/plan").json["outage_until"] == 0
    assert client.charge(key="k").status == 201
    assert psp.ledger.totals()["CHF"].taken == 2400


def test_a_rate_limit_for_a_share_of_all_calls(psp: SandboxPSP, client: Client) -> None:
    plan = {"scenario": "rate_limited", "share": 0.5, "on": "any", "seed": 4}
    shown = client.call("POST", "/v1/plan", plan).json["sometimes"]
    assert shown == [{"scenario": "rate_limited", "share": 0.5, "on": "any"}]
    statuses = [client.charge().status for _ in range(20)]
    assert {201, 429} == set(statuses)
    assert len(psp.ledger.charges.newest()) == statuses.count(201)


def test_events_are_reordered_over_http(psp: SandboxPSP, client: Client) -> None:
    client.call("POST", "/v1/plan", {"reorder": 3, "seed": 1})
    assert psp.plan.held_batch
    client.call("DELETE", "/v1/plan")
    assert not psp.plan.held_batch


@pytest.mark.parametrize(
    "plan",
    [
        {"outage": "x"},
        {"outage": 1, "nonsense": 1},
        {"outage": float("nan")},
        {"outage": -1},
        {"reorder": 0},
        {"scenario": "declined", "share": 2},
        {"scenario": "declined", "share": "x"},
        {"scenario": "declined", "nonsense": 1},
    ],
)
def test_an_invalid_plan_is_refused(psp: SandboxPSP, client: Client, plan: object) -> None:
    reply = client.call("POST", "/v1/plan", plan)
    assert (reply.status, reply.code) == (400, "invalid_parameter")
    assert client.charge().json["status"] == "succeeded"
