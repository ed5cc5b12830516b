"""The API of whoever directs the sandbox: what happens next, what time it is, what was taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import as_json
from .bank import Bank
from .exchange import ApiError, Request
from .keys import Answer
from .plan import Plan


class Control:
    """Answers calls about the sandbox itself."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self._bank = bank
        self._plan = plan

    def show_plan(self, request: Request) -> Answer:
        """Return what is still waiting for a call, strikes some calls, and how long it is out."""
        steps = [{"scenario": step.scenario.name, "on": step.on} for step in self._plan.steps()]
        weather = [
            {"scenario": one.scenario.name, "on": one.on, "share": one.share}
            for one in self._plan.weather()
        ]
        out = int(self._plan.out_until)
        return as_json({"object": "plan", "steps": steps, "sometimes": weather, "out_until": out})

    def add_plan(self, request: Request) -> Answer:
        """Plan a scenario for the next `times` calls of the operation `on`.

        Or for a `share` of them by the dice of a `seed`; or an `outage` for so many seconds;
        or to `reorder` so many events, by a `seed` or the last one first.
        """
        data = request.json()
        try:
            self._planned(data)
        except (ValueError, TypeError) as error:
            raise ApiError(400, "invalid_parameter", str(error)) from error
        return self.show_plan(request)

    def clear_plan(self, request: Request) -> Answer:
        """Let the next calls behave as usual."""
        self._plan.clear()
        return self.show_plan(request)

    def clock(self, request: Request) -> Answer:
        """Return the time on the sandbox's clock."""
        return as_json({"object": "clock", "now": int(self._bank.ledger.clock.now())})

    def advance(self, request: Request) -> Answer:
        """Put the clock forward by whole seconds, and do what is due then."""
        seconds = request.json().get("advance")
        if type(seconds) is not int or not 0 <= seconds <= 10**9:
            raise ApiError(400, "invalid_parameter", "The clock is advanced by whole seconds.")
        self._bank.ledger.advance(seconds)
        self._bank.tick()
        return self.clock(request)

    def totals(self, request: Request) -> Answer:
        """Return what was taken and given back, by currency, in minor units."""
        totals = self._bank.ledger.totals().items()
        data = {code: {"taken": one.taken, "refunded": one.refunded} for code, one in totals}
        return as_json({"object": "totals", "data": data})

    def _planned(self, data: dict[str, Any]) -> None:
        verbs: dict[str, Callable[..., None]] = {
            "outage": self._plan.outage,
            "reorder": self._plan.reorder,
            "scenario": self._plan.sometimes if "share" in data else self._plan.add,
        }
        verb = next((name for name in verbs if name in data), "scenario")
        verbs[verb](data.pop(verb, ""), **data)
