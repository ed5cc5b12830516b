"""Histories that nobody would think of: Hypothesis does."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from .frame import Trial, scenario
from .machine import Books, World
from .test_amounts import examples


@scenario(
    36,
    "Stateful machine",
    provoked="Hypothesis makes up histories of somebody who owes, from 25 verbs: uses with up to "
    "eight decimals in JPY, CHF and KWD and credits, bills, every answer of the PSP, webhooks lost "
    "and twice, refunds, also those from the dashboard and those that come back, disputes, crashes "
    "at a point, days that pass",
    promised="no invariant is broken after any step; at the end the audit finds nothing, and the "
    "PSP's books are ours",
)
def test_no_history_breaks_the_books(trial: Trial) -> None:
    runs, steps = trial.size(small=4, full=700), trial.size(small=12, full=20)
    histories = settings(examples(runs), stateful_step_count=steps)
    Books.world = World(trial)
    try:
        run_state_machine_as_test(Books, settings=histories)
    finally:
        Books.world.end()
    for what, times in sorted(Books.world.seen.items()):
        trial.metric(what, times)
        trial.check(times or not trial.full, f"No {what} in {trial.trials} histories")
