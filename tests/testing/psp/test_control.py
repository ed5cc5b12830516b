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
def test_nonsense_is_not_planned(client: Client, plan: object) -> None:
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


def test_the_books_are_summed_by_currency(client: Client) -> None:
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
