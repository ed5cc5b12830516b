from __future__ import annotations

from typing import Any

import pytest

from payments_ui.testing.psp.ledger.clock import Clock
from payments_ui.testing.psp.plan import Plan
from payments_ui.testing.psp.scenarios import AS_USUAL, SCENARIOS, Transport


def test_the_plan_is_used_up_in_order() -> None:
    plan = Plan()
    plan.add("declined")
    plan.add("3ds", times=2)
    taken = [plan.take("create") for _ in range(4)]
    first, second = SCENARIOS["declined"].conduct, SCENARIOS["3ds"].conduct
    assert taken == [first, second, second, AS_USUAL]


def test_a_step_waits_for_its_operation() -> None:
    plan = Plan()
    plan.add("error_before", on="fetch")
    plan.add("slow", on="any")
    assert plan.take("create").delay
    assert plan.take("create") is AS_USUAL
    assert plan.take("fetch").transport == Transport.ERROR_BEFORE


def test_a_rate_limit_is_taken_only_when_it_is_next() -> None:
    plan = Plan()
    plan.add("declined")
    plan.add("rate_limited")
    assert plan.take("create", only=Transport.RATE_LIMITED) is AS_USUAL
    assert len(plan.steps()) == 2


def test_a_cleared_plan_is_empty() -> None:
    plan = Plan()
    plan.add("declined")
    plan.sometimes("declined", share=0.5)
    plan.reorder(2)
    plan.clear()
    assert (plan.steps(), plan.random_steps(), plan.held_batch) == ([], [], "")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nonsense", {}),
        ("declined", {"on": "nonsense"}),
        ("declined", {"times": 0}),
        ("declined", {"times": 1001}),
        ("declined", {"times": True}),
        ("declined", {"times": "2"}),
    ],
)
def test_an_invalid_step_is_refused(name: str, options: dict[str, Any]) -> None:
    plan = Plan()
    with pytest.raises(ValueError, match=r".+"):
        plan.add(name, **options)
    assert plan.steps() == []


def test_a_scenario_of_refunds_waits_for_a_refund() -> None:
    plan = Plan()
    plan.add("failed")
    assert plan.take("create") is AS_USUAL
    assert plan.take("refund").decline == "account_closed"


def test_the_same_seed_hits_the_same_share_of_the_calls() -> None:
    def hits(seed: int) -> list[bool]:
        plan = Plan()
        plan.sometimes("error_after", share=0.5, on="any", seed=seed)
        return [plan.take("fetch") is not AS_USUAL for _call in range(200)]

    assert 60 < sum(hits(1)) < 140
    assert hits(1) == hits(1) != hits(2)


@pytest.mark.parametrize(("share", "hits"), [(0, 0), (1, 20)])
def test_a_rate_limit_hits_before_a_call_is_executed(share: float, hits: int) -> None:
    plan = Plan()
    plan.sometimes("rate_limited", share=share)
    limits = [plan.take("create", only=Transport.RATE_LIMITED) for _call in range(20)]
    assert sum(limit is not AS_USUAL for limit in limits) == hits
    assert plan.take("create") is AS_USUAL
    assert plan.take("fetch", only=Transport.RATE_LIMITED) is AS_USUAL


def test_a_planned_step_comes_before_a_random_one() -> None:
    plan = Plan()
    plan.sometimes("declined", share=1)
    plan.add("3ds")
    assert [plan.take("create").decline for _call in range(2)] == [None, "card_declined"]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Plan().sometimes("declined", share=share)


def test_an_outage_ends_on_the_sandboxs_clock() -> None:
    clock = Clock()
    plan = Plan(clock)
    assert plan.outage_until == 0
    plan.outage(600)
    assert plan.outage_until
    clock.advance(600)
    assert plan.outage_until == 0
    plan.outage(until=clock.now() + 60)
    assert plan.outage_until
    plan.clear()
    assert plan.outage_until == 0


def test_events_get_their_places_from_the_last_to_the_first() -> None:
    plan = Plan()
    assert plan.next_place() == ("", 0)
    plan.reorder(3)
    name = plan.held_batch
    assert [plan.next_place() for _event in range(4)] == [(name, 2), (name, 1), (name, 0), ("", 0)]
    assert plan.held_batch == ""


def test_a_seed_shuffles_the_same_way() -> None:
    def places(seed: int) -> list[int]:
        plan = Plan()
        plan.reorder(20, seed=seed)
        return [plan.next_place()[1] for _event in range(20)]

    assert places(1) == places(1) != places(2)
    assert sorted(places(1)) == list(range(20))


@pytest.mark.parametrize("events", [0, 1001, True, "2"])
def test_an_invalid_number_of_events_is_refused(events: Any) -> None:
    with pytest.raises(ValueError, match="Reorder"):
        Plan().reorder(events)
