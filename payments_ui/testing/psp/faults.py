"""What the sandbox can be told to do: the scenarios by name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

HANG = 60.0
SLOW = 4.0
SHIFT = 5.0


class Transport(StrEnum):
    """How a call ends on the wire."""

    RATE_LIMITED = "rate_limited"  # 429, not executed, not remembered
    ERROR_BEFORE = "error_before"  # 500, not executed
    ERROR_AFTER = "error_after"  # 500, executed
    LOST_REQUEST = "lost_request"  # the line goes dead, not executed
    LOST_REPLY = "lost_reply"  # the line goes dead, executed
    GARBLED = "garbled"  # executed, but the answer makes no sense


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How one call behaves; None means "as usual".

    `delay`: seconds of wall time before the call is executed. `decline`: the code it is declined
    with. `settle_after`: seconds between "accepted" and the final result. `action`: the customer
    has to confirm. `copies`, `webhook_delay`: how often and how late the merchant is told.
    `early_delay`: how late the merchant is told of what is not final. `wrong`: what the books get
    wrong ("amount", "currency", "account" or "mode").
    """

    transport: str | None = None
    delay: float | None = None
    decline: str | None = None
    settle_after: float | None = None
    action: bool | None = None
    copies: int | None = None
    webhook_delay: float | None = None
    early_delay: float | None = None
    wrong: str | None = None

    @classmethod
    def read(cls, text: str) -> Conduct:
        """Return the conduct that `written` wrote."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Return the conduct as the books keep it."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(said)

    def over(self, other: Conduct) -> Conduct:
        """Return this conduct, filled up with the other."""
        mine = {name: value for name, value in asdict(self).items() if value is not None}
        return Conduct(**asdict(other) | mine)

    def distortion(self, amount: int, account: str, *, live: bool) -> dict[str, Any]:
        """Return what the books say of amount, currency, account and mode, as far as it differs."""
        wrong: dict[str, dict[str, Any]] = {
            "amount": {"amount": amount + 1},
            "currency": {"currency": "XTS"},
            "account": {"account": f"{account}_other"},
            "mode": {"live": not live},
        }
        return {"account": account, "live": live} | wrong.get(self.wrong or "", {})


AS_USUAL = Conduct()


@dataclass(frozen=True)
class Scenario:
    """A conduct with a name; `card` tells whether a test card plays it, too.

    `on`: the operation it is planned for if nothing else is said.
    """

    name: str
    title: str
    group: str
    conduct: Conduct
    card: bool = True
    on: str = "create"


def _paid(name: str, title: str, **conduct: Any) -> Scenario:
    return Scenario(name, title, "Paid", Conduct(**conduct))


def _declined(name: str, title: str, code: str, **conduct: Any) -> Scenario:
    return Scenario(name, title, "Declined", Conduct(decline=code, **conduct))


def _fault(transport: Transport, title: str) -> Scenario:
    return Scenario(transport.value, title, "Faults", Conduct(transport=transport))


def _webhooks(name: str, title: str, **conduct: Any) -> Scenario:
    return Scenario(name, title, "Webhooks", Conduct(**conduct))


def _refund(name: str, title: str, **conduct: Any) -> Scenario:
    return Scenario(name, title, "Refunds", Conduct(**conduct), card=False, on="refund")


def _wrong(what: str, title: str) -> Scenario:
    return Scenario(f"wrong_{what}", title, "Books", Conduct(wrong=what), card=False)


_ALL = (
    # Planned, it overrules a card that would do something else.
    _paid("approve", "Approved", transport="", delay=0, decline="", action=False),
    _paid("3ds", "Asks for 3-D Secure", action=True),
    _paid("processing", "Accepted, paid some seconds later", settle_after=SHIFT),
    _paid("slow", "Approved after a wait", delay=SLOW),
    _declined("declined", "Declined", "card_declined"),
    _declined("insufficient_funds", "Not enough money", "insufficient_funds"),
    _declined("expired", "Card has expired", "expired_card"),
    _declined("incorrect", "Wrong security code", "incorrect_cvc"),
    _declined("limit", "Over the limit", "limit_exceeded"),
    _declined("lost", "Reported lost", "lost_card"),
    _declined("stolen", "Reported stolen", "stolen_card"),
    _declined("fraud", "Suspected fraud", "fraudulent"),
    _declined(
        "processing_declined",
        "Accepted, declined some seconds later",
        "card_declined",
        settle_after=SHIFT,
    ),
    _fault(Transport.LOST_REPLY, "Charged, but the reply is lost"),
    _fault(Transport.LOST_REQUEST, "The request is lost, nothing charged"),
    _fault(Transport.ERROR_BEFORE, "Error 500, nothing charged"),
    _fault(Transport.ERROR_AFTER, "Error 500, but charged"),
    _fault(Transport.GARBLED, "Charged, but the reply makes no sense"),
    _fault(Transport.RATE_LIMITED, "Error 429, nothing charged"),
    Scenario("hang", "No answer for a minute, then charged", "Faults", Conduct(delay=HANG)),
    _webhooks("duplicate_webhook", "Every webhook twice", copies=2),
    _webhooks("late_webhook", "Webhooks come late", webhook_delay=SHIFT),
    _webhooks("no_webhook", "No webhooks", copies=0),
    _webhooks("reordered_webhooks", "Webhooks in the wrong order", action=True, early_delay=SHIFT),
    _refund("pending", "Accepted, given back some seconds later", settle_after=SHIFT),
    _refund("failed", "The refund fails", decline="account_closed"),
    _refund(
        "pending_failed",
        "Accepted, fails some seconds later",
        decline="account_closed",
        settle_after=SHIFT,
    ),
    _wrong("amount", "Charges one minor unit more"),
    _wrong("currency", "Charges another currency"),
    _wrong("account", "Charges for another account"),
    _wrong("mode", "Charges in the other mode"),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
CARDS = {f"card_{scenario.name}": scenario for scenario in _ALL if scenario.card}
