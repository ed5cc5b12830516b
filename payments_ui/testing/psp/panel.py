"""The control panel: what happens next, the clock, and the ledger."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from .amounts import readable
from .bank import Bank
from .exchange import ApiError, Request, Response
from .faults import SCENARIOS
from .ledger import Charge, Status
from .markup import Html, fill, joined, page, see_other, tag
from .plan import Plan

SHOWN = 50
_NOTICES = {
    "planned": "Planned for the next charge.",
    "cleared": "The plan is forgotten.",
    "advanced": "The clock is put forward.",
}


_CALLS = {
    "create": "next charge",
    "refund": "next refund",
    "fetch": "next question",
    "cancel": "next cancellation",
    "any": "next call",
}


class Panel:
    """The page at `/` and its forms."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self._bank = bank
        self._plan = plan

    def show(self, request: Request) -> Response:
        """Show what is planned and what happened so far."""
        self._bank.tick()
        notice = _NOTICES.get(request.params().get("done", ""))
        content = fill(
            "panel.html",
            notice=tag("p", notice, class_="notice", role="status") if notice else "",
            options=_options(),
            plan=self._planned(),
            now=_time(self._bank.ledger.clock.now()),
            totals=self._totals(),
            charges=self._charges(),
        )
        return page("What happens next", content, kind="wide")

    def add(self, request: Request) -> Response:
        """Plan a scenario for the next charges."""
        form = request.form()
        times = form.get("times", "1")
        try:
            self._plan.add(form.get("scenario", ""), times=int(times))
        except ValueError as error:
            raise ApiError(400, "invalid_plan", "This cannot be planned.") from error
        return see_other("/?done=planned")

    def clear(self, request: Request) -> Response:
        """Forget the plan."""
        self._plan.clear()
        return see_other("/?done=cleared")

    def advance(self, request: Request) -> Response:
        """Put the clock forward."""
        seconds = request.form().get("advance", "")
        if seconds not in {"60", "3600", "86400"}:
            raise ApiError(400, "invalid_clock", "Choose one of the buttons.")
        self._bank.ledger.advance(int(seconds))
        return see_other("/?done=advanced")

    def _planned(self) -> Html:
        steps = [
            tag("li", f"{step.scenario.title} ({_CALLS[step.on]})") for step in self._plan.steps()
        ]
        steps += [
            tag("li", f"{one.scenario.title} ({one.share:.0%} of all calls)")
            for one in self._plan.weather()
        ]
        if until := self._plan.out_until:
            steps.insert(0, tag("li", f"Out of order until {_time(until)}"))
        return fill("plan.html", steps=joined(steps)) if steps else Html()

    def _totals(self) -> Html:
        taken = [
            tag("li", f"{readable(total.taken, currency)} taken{_less(total.refunded, currency)}")
            for currency, total in self._bank.ledger.totals().items()
        ]
        return tag("ul", *taken) if taken else tag("p", "Nothing was taken so far.")

    def _charges(self) -> Html:
        rows = [self._row(charge) for charge in self._bank.ledger.charges(limit=SHOWN)]
        return fill("charges.html", rows=joined(rows)) if rows else Html()

    def _row(self, charge: Charge) -> Html:
        label = charge.status.replace("_", " ")
        why = f" ({charge.decline_code.replace('_', ' ')})" if charge.decline_code else ""
        return fill(
            "charge.html",
            time=_time(charge.created_at),
            amount=readable(charge.amount, charge.currency)
            + _less(charge.refunded, charge.currency),
            card=charge.card or charge.method,
            status=charge.status,
            label=label + why,
            link=_page_link(charge),
            webhooks=self._webhooks(charge),
            reference=charge.reference,
        )

    def _webhooks(self, charge: Charge) -> str:
        sent = self._bank.outbox.deliveries(charge.id)
        return ", ".join(f"{one['type']}: {one['answer'] or one['state']}" for one in sent)


def _less(refunded: int, currency: str) -> str:
    return f", {readable(refunded, currency)} given back" if refunded else ""


def _page_link(charge: Charge) -> Html:
    if charge.status != Status.REQUIRES_ACTION:
        return Html()
    return joined([" ", tag("a", "open the page", href=f"/pay/{charge.page_token}")])


def _options() -> Html:
    groups = groupby(SCENARIOS.values(), key=lambda scenario: scenario.group)
    return joined(
        tag("optgroup", *(tag("option", one.title, value=one.name) for one in group), label=name)
        for name, group in groups
    )


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
