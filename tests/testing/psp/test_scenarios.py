from __future__ import annotations

from payments_ui.testing.psp.scenarios import CARDS, SCENARIOS, Conduct


def test_cards_play_the_scenario_they_are_named_after() -> None:
    assert CARDS["card_lost_reply"] is SCENARIOS["lost_reply"]
    assert CARDS["card_fraud"].conduct.decline == "fraudulent"


def test_no_card_makes_the_ledger_wrong() -> None:
    assert "wrong_amount" in SCENARIOS
    assert "card_wrong_amount" not in CARDS


def test_a_conduct_fills_its_gaps_from_another() -> None:
    planned = Conduct(copies=2)
    card = Conduct(copies=1, decline="expired_card")
    assert planned.over(card) == Conduct(copies=2, decline="expired_card")
