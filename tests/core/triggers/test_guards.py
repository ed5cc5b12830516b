"""Conditions are taken apart, so that a query in them is run only where it decides."""

from __future__ import annotations

from payments_ui.core.triggers.compiler import by_event, guarded


def together(condition: str) -> str:
    """The parts as one condition again."""
    return " OR ".join(" AND ".join(filter(None, pair)) for pair in guarded(condition))


def test_every_condition_of_the_rules_is_the_sum_of_its_parts() -> None:
    conditions = [rule.refused(event) for _table, event, rules in by_event() for rule in rules]
    assert conditions
    for condition in conditions:
        assert together(condition).split() == condition.split()
        assert not any("SELECT" in guard for guard, _question in guarded(condition))


def test_parentheses_cases_and_texts_stay_whole() -> None:
    plain, text = "(a OR b)", "c = 'x AND (y'"
    query = "EXISTS (SELECT 1 AND 2)"
    case = "CASE WHEN d OR e THEN f AND g END"
    assert list(guarded(f"{plain} AND {text} AND {query} AND {case} OR {case}")) == [
        (f"{plain} AND {text}", f"{query} AND {case}"),
        (case, ""),
    ]
