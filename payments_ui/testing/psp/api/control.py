"""Calls that direct the fake PSP: what happens next, what time it is, what was taken."""

from __future__ import annotations

import json
from collections.abc import Callable

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.plan import Plan


class ControlApi:
    """Answers calls about the PSP itself."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self._bank = bank
        self._plan = plan

    def show_plan(self, request: Request) -> Answer:
        """Return the steps that wait, those that hit a share of the calls, and the outage's end."""
        steps = [{"scenario": step.scenario.name, "on": step.on} for step in self._plan.steps()]
        sometimes = [
            {"scenario": step.scenario.name, "on": step.on, "share": step.share}
            for step in self._plan.random_steps()
        ]
        end = int(self._plan.outage_until)
        data = {"object": "plan", "steps": steps, "sometimes": sometimes, "outage_until": end}
        return Answer(200, json.dumps(data))

    def add_to_plan(self, request: Request) -> Answer:
        """Plan what the body names, with the parameters of the plan's method.

        `scenario` with `share` is `Plan.sometimes`, else `Plan.add`; `outage` and `reorder` are
        the methods of that name.
        """
        data = request.json()
        methods: dict[str, Callable[..., None]] = {
            "outage": self._plan.outage,
            "reorder": self._plan.reorder,
            "scenario": self._plan.sometimes if "share" in data else self._plan.add,
        }
        name = next((name for name in methods if name in data), "scenario")
        try:
            methods[name](data.pop(name, ""), **data)
        except (ValueError, TypeError) as error:
            raise ApiError(400, "invalid_parameter", str(error)) from error
        return self.show_plan(request)

    def clear_plan(self, request: Request) -> Answer:
        """Let the next calls behave as usual."""
        self._plan.clear()
        return self.show_plan(request)

    def show_clock(self, request: Request) -> Answer:
        """Return the time on the PSP's clock."""
        now = int(self._bank.ledger.clock.now())
        return Answer(200, json.dumps({"object": "clock", "now": now}))

    def advance_clock(self, request: Request) -> Answer:
        """Put the clock forward by whole seconds, and finish what is due then."""
        seconds = request.json().get("advance")
        if type(seconds) is not int or not 0 <= seconds <= 10**9:
            raise ApiError(400, "invalid_parameter", "The clock is advanced by whole seconds.")
        self._bank.ledger.advance(seconds)
        self._bank.finish_due()
        return self.show_clock(request)

    def show_totals(self, request: Request) -> Answer:
        """Return what was taken and refunded, by currency, in minor units."""
        data = {
            currency: {"taken": total.taken, "refunded": total.refunded}
            for currency, total in self._bank.ledger.totals().items()
        }
        return Answer(200, json.dumps({"object": "totals", "data": data}))
