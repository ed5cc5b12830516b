from __future__ import annotations

from typing import Any

import pytest

from payments_ui.testing.psp.faults import AS_USUAL, CARDS, SCENARIOS, Conduct, Plan, Transport


def test_cards_play_the_scenario_they_are_named_after() -> None:
    assert CARDS["card_lost_reply"] is SCENARIOS["lost_reply"]
    assert CARDS["card_fraud"].conduct.decline == "fraudulent"


def test_no_card_makes_the_books_wrong() -> None:
    assert "wrong_amount" in SCENARIOS
    assert "card_wrong_amount" not in CARDS


def test_a_conduct_fills_its_gaps_from_another() -> None:
    planned = Conduct(copies=2)
    card = Conduct(copies=1, decline="expired_card")
    assert planned.over(card) == Conduct(copies=2, decline="expired_card")


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
    plan.clear()
    assert plan.steps() == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nonsense", {}),
        ("declined", {"on": "refund"}),
        ("declined", {"times": 0}),
        ("declined", {"times": 1001}),
        ("declined", {"times": True}),
        ("declined", {"times": "2"}),
    ],
)
def test_nonsense_is_not_planned(name: str, options: dict[str, Any]) -> None:
    plan = Plan()
    with pytest.raises(ValueError, match=r".+"):
        plan.add(name, **options)
    assert plan.steps() == []
