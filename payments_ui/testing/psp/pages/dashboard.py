"""The dashboard: what happens next, the clock, and the ledger."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from payments_ui.testing.psp.amounts import format_amount
from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.http import ApiError, Request, Response
from payments_ui.testing.psp.ledger.charges import Charge, Status
from payments_ui.testing.psp.ledger.disputes import OPEN_DISPUTES, Dispute, DisputeStatus
from payments_ui.testing.psp.plan import Plan
from payments_ui.testing.psp.scenarios import SCENARIOS

from .html import Html, fill, join, page, see_other, tag

_SHOWN = 50
_NOTICES = {
    "planned": "Planned for the next charge.",
    "cleared": "The plan is forgotten.",
    "advanced": "The clock is put forward.",
    "disputed": "The customer's bank has decided.",
}
_CALLS = {
    "create": "next charge",
    "prepare": "next preparation",
    "save": "next customer or payment method",
    "refund": "next refund",
    "fetch": "next question",
    "cancel": "next cancellation",
    "any": "next call",
}


class Dashboard:
    """The page at `/` and its forms."""

    def __init__(self, bank: Bank, plan: Plan) -> None:
        self._bank = bank
        self._plan = plan

    def show(self, request: Request) -> Response:
        """Show what is planned and what happened so far."""
        self._bank.finish_due()
        notice = _NOTICES.get(request.params().get("done", ""))
        ledger = self._bank.ledger
        totals = [
            tag("li", _money(total.taken, total.refunded, currency, "taken", total.disputed))
            for currency, total in ledger.totals().items()
        ]
        rows = [self._row(charge) for charge in ledger.charges.newest(limit=_SHOWN)]
        options = [
            tag(
                "optgroup", *(tag("option", one.title, value=one.name) for one in group), label=name
            )
            for name, group in groupby(SCENARIOS.values(), key=lambda scenario: scenario.group)
        ]
        content = fill(
            "dashboard.html",
            notice=tag("p", notice, class_="notice", role="status") if notice else "",
            options=join(options),
            plan=self._planned(),
            now=_time(ledger.clock.now()),
            totals=tag("ul", *totals) if totals else tag("p", "Nothing was taken so far."),
            charges=fill("charges.html", rows=join(rows)) if rows else "",
            disputes=self._disputes(),
            documents=self._documents(),
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
            raise ApiError(400, "invalid_clock", "Use a button of the page.")
        self._bank.ledger.advance(int(seconds))
        return see_other("/?done=advanced")

    def dispute(self, request: Request) -> Response:
        """Do what the bank of a customer does: dispute a charge, or decide a dispute."""
        form = request.form()
        bank, dispute = self._bank, form.get("dispute", "")
        verbs = {
            "win": bank.win_dispute,
            "lose": bank.lose_dispute,
            "escalate": bank.escalate_dispute,
        }
        decision = form.get("decision", "")
        if decision in verbs:
            verbs[decision](dispute)
        else:
            inquiry = decision == "inquire"
            bank.open_dispute(form.get("charge", ""), reason="fraudulent", inquiry=inquiry)
        return see_other("/?done=disputed")

    def _disputes(self) -> Html:
        rows = [
            fill(
                "dispute.html",
                time=_time(dispute.created_at),
                amount=format_amount(dispute.amount, dispute.currency),
                status=dispute.status,
                label=dispute.status.replace("_", " "),
                charge=dispute.charge,
                buttons=self._verbs(dispute),
            )
            for dispute in reversed(self._bank.ledger.disputes.all()[-_SHOWN:])
        ]
        return fill("disputes.html", rows=join(rows)) if rows else Html()

    def _verbs(self, dispute: Dispute) -> Html:
        if dispute.status not in OPEN_DISPUTES:
            return Html()
        verbs = {"win": "Shop wins", "lose": "Customer wins"}
        if dispute.status == DisputeStatus.INQUIRY:
            verbs = {"escalate": "Take the money", "lose": "Let it be"}
        buttons = [_button(name, title) for name, title in verbs.items()]
        return fill("dispute_form.html", name="dispute", value=dispute.id, buttons=join(buttons))

    def _documents(self) -> Html:
        rows = [
            tag(
                "tr",
                tag("td", _time(made), class_="code number"),
                tag("td", kind.replace("_", " ").replace(".", " ")),
                tag("td", body["id"], class_="code"),
                tag("td", str(body.get("status", "")).replace("_", " ")),
            )
            for kind, made, body in self._bank.ledger.documents.newest(_SHOWN)
        ]
        return fill("documents.html", rows=join(rows)) if rows else Html()

    def _planned(self) -> Html:
        steps = [f"{step.scenario.title} ({_CALLS[step.on]})" for step in self._plan.steps()]
        steps += [
            f"{step.scenario.title} ({step.share:.0%} of all calls)"
            for step in self._plan.random_steps()
        ]
        if until := self._plan.outage_until:
            steps.insert(0, f"Out of order until {_time(until)}")
        items = [tag("li", step) for step in steps]
        return fill("plan.html", steps=join(items)) if items else Html()

    def _row(self, charge: Charge) -> Html:
        label = charge.status.replace("_", " ")
        if charge.decline_code:
            label += f" ({charge.decline_code.replace('_', ' ')})"
        link = Html()
        if charge.status == Status.REQUIRES_ACTION:
            link = join([" ", tag("a", "open the page", href=f"/pay/{charge.page_token}")])
        webhooks = [
            f"{delivery['type']}: {delivery['answer'] or delivery['state']}"
            for delivery in self._bank.outbox.deliveries(charge.id)
        ]
        return fill(
            "charge.html",
            time=_time(charge.created_at),
            amount=_money(charge.amount, charge.refunded, charge.currency),
            card=_how(charge),
            disputes=self._dispute_buttons(charge),
            status=charge.status,
            label=label,
            link=link,
            webhooks=", ".join(webhooks),
            reference=charge.known_as or charge.reference,
        )

    def _dispute_buttons(self, charge: Charge) -> Html:
        """Return a form with which the customer's bank takes a charge back; none for the sandbox's.

        Its API has no disputes.
        """
        left = charge.amount - charge.refunded - charge.disputed
        if charge.status != Status.SUCCEEDED or charge.face == "sandbox" or not left:
            return Html()
        buttons = [_button("dispute", "Dispute it"), _button("inquire", "Inquire")]
        return fill("dispute_form.html", name="charge", value=charge.id, buttons=join(buttons))


def _how(charge: Charge) -> str:
    """Return the test card that plays a scenario, or how a charge of another API is paid."""
    if charge.face == "sandbox":
        return charge.card or charge.method
    return f"{charge.face}: {charge.method}"


def _button(decision: str, title: str) -> Html:
    return tag("button", title, class_="button", type="submit", name="decision", value=decision)


def _money(amount: int, refunded: int, currency: str, verb: str = "", disputed: int = 0) -> str:
    text = f"{format_amount(amount, currency)} {verb}".rstrip()
    if refunded:
        text += f", {format_amount(refunded, currency)} refunded"
    return f"{text}, {format_amount(disputed, currency)} disputed" if disputed else text


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
