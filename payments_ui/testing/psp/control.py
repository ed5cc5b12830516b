"""The API of whoever directs the sandbox: what happens next, what time it is, what was taken."""

from __future__ import annotations

from .api import as_json
from .bank import Bank
from .exchange import ApiError, Request
from .faults import Plan
from .keys import Answer


class Control:
    """Answers calls about the sandbox itself."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self._bank = bank
        self._plan = plan

    def show_plan(self, request: Request) -> Answer:
        """Return the scenarios that are still waiting for a call."""
        steps = [{"scenario": step.scenario.name, "on": step.on} for step in self._plan.steps()]
        return as_json({"object": "plan", "steps": steps})

    def add_plan(self, request: Request) -> Answer:
        """Plan a scenario for the next `times` calls of the operation `on`."""
        data = request.json()
        on, times = data.get("on", "create"), data.get("times", 1)
        try:
            self._plan.add(str(data.get("scenario")), on=str(on), times=times)
        except ValueError as error:
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
