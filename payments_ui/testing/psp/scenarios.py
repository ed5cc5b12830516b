"""What the fake PSP can be told to do: the scenarios, by name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NotRequired, TypedDict

_MINUTE = 60.0
_LONG = 4.0
_LATER = 5.0


class Transport(StrEnum):
    """How a call ends on the network."""

    RATE_LIMITED = "rate_limited"  # 429, not executed, not remembered
    ERROR_BEFORE = "error_before"  # 500, not executed
    ERROR_AFTER = "error_after"  # 500, executed
    LOST_REQUEST = "lost_request"  # the connection breaks, not executed
    LOST_REPLY = "lost_reply"  # the connection breaks, executed
    GARBLED = "garbled"  # executed, but the answer makes no sense


class Distortion(TypedDict):
    """Facts of a charge or refund as the ledger shows them, right or wrong."""

    account: str
    live: bool
    amount: NotRequired[int]
    currency: NotRequired[str]


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How the PSP treats a call; None means "as usual".

    - `transport`: how the call ends on the network, a `Transport`
    - `delay`: seconds of wall time before the call is executed
    - `decline`: the code with which it is declined
    - `settle_after`: seconds between "accepted" and the final result
    - `returns_after`: seconds after which a refund that succeeded comes back
    - `action`: whether the customer has to confirm
    - `copies`: how many times each webhook is sent
    - `webhook_delay`: seconds before a webhook is sent
    - `early_delay`: seconds more before a webhook that tells no final result is sent
    - `wrong`: which fact is wrong in the ledger: "amount", "currency", "account" or "mode"
    """

    transport: str | None = None
    delay: float | None = None
    decline: str | None = None
    settle_after: float | None = None
    returns_after: float | None = None
    action: bool | None = None
    copies: int | None = None
    webhook_delay: float | None = None
    early_delay: float | None = None
    wrong: str | None = None

    @classmethod
    def from_json(cls, text: str) -> Conduct:
        """Return the conduct that `to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the conduct as the ledger stores it."""
        return json.dumps(
            {name: value for name, value in asdict(self).items() if value is not None}
        )

    def over(self, other: Conduct) -> Conduct:
        """Return this conduct, with gaps filled from the other."""
        own = {name: value for name, value in asdict(self).items() if value is not None}
        return Conduct(**asdict(other) | own)

    def distort(self, amount: int, account: str, *, live: bool) -> Distortion:
        """Return account and mode, and amount or currency where the ledger shows another."""
        facts = Distortion(account=account, live=live)
        match self.wrong:
            case "amount":
                facts["amount"] = amount + 1
            case "currency":
                facts["currency"] = "XTS"
            case "account":
                facts["account"] = f"{account}_other"
            case "mode":
                facts["live"] = not live
        return facts


AS_USUAL = Conduct()


@dataclass(frozen=True)
class Scenario:
    """A conduct with a name.

    - `title` and `group`: what the dashboard shows
    - `card`: whether a test card plays it, too
    - `on`: the operation it is planned for unless the plan names another
    """

    name: str
    title: str
    group: str
    conduct: Conduct
    card: bool = True
    on: str = "create"


_SCENARIOS = (
    # Planned, it overrules a card that would do something else.
    Scenario(
        "approve",
        "Approved",
        "Paid",
        Conduct(transport="", delay=0, decline="", action=False),
    ),
    Scenario("3ds", "Asks for 3-D Secure", "Paid", Conduct(action=True)),
    Scenario(
        "processing", "Accepted, paid some seconds later", "Paid", Conduct(settle_after=_LATER)
    ),
    Scenario("slow", "Approved after a wait", "Paid", Conduct(delay=_LONG)),
    Scenario("declined", "Declined", "Declined", Conduct(decline="card_declined")),
    Scenario(
        "insufficient_funds",
        "Not enough money",
        "Declined",
        Conduct(decline="insufficient_funds"),
    ),
    Scenario("expired", "Card has expired", "Declined", Conduct(decline="expired_card")),
    Scenario("incorrect", "Wrong security code", "Declined", Conduct(decline="incorrect_cvc")),
    Scenario("limit", "Over the limit", "Declined", Conduct(decline="limit_exceeded")),
    Scenario("lost", "Reported lost", "Declined", Conduct(decline="lost_card")),
    Scenario("stolen", "Reported stolen", "Declined", Conduct(decline="stolen_card")),
    Scenario("fraud", "Suspected fraud", "Declined", Conduct(decline="fraudulent")),
    Scenario(
        "processing_declined",
        "Accepted, declined some seconds later",
        "Declined",
        Conduct(decline="card_declined", settle_after=_LATER),
    ),
    Scenario(
        "lost_reply",
        "Charged, but the reply is lost",
        "Faults",
        Conduct(transport=Transport.LOST_REPLY),
    ),
    Scenario(
        "lost_request",
        "The request is lost, nothing charged",
        "Faults",
        Conduct(transport=Transport.LOST_REQUEST),
    ),
    Scenario(
        "error_before",
        "Error 500, nothing charged",
        "Faults",
        Conduct(transport=Transport.ERROR_BEFORE),
    ),
    Scenario(
        "error_after",
        "Error 500, but charged",
        "Faults",
        Conduct(transport=Transport.ERROR_AFTER),
    ),
    Scenario(
        "garbled",
        "Charged, but the reply makes no sense",
        "Faults",
        Conduct(transport=Transport.GARBLED),
    ),
    Scenario(
        "rate_limited",
        "Error 429, nothing charged",
        "Faults",
        Conduct(transport=Transport.RATE_LIMITED),
    ),
    Scenario("hang", "No answer for a minute, then charged", "Faults", Conduct(delay=_MINUTE)),
    Scenario("duplicate_webhook", "Every webhook twice", "Webhooks", Conduct(copies=2)),
    Scenario("late_webhook", "Webhooks come late", "Webhooks", Conduct(webhook_delay=_LATER)),
    Scenario("no_webhook", "No webhooks", "Webhooks", Conduct(copies=0)),
    Scenario(
        "reordered_webhooks",
        "Webhooks in the wrong order",
        "Webhooks",
        Conduct(action=True, early_delay=_LATER),
    ),
    Scenario(
        "pending",
        "Accepted, refunded some seconds later",
        "Refunds",
        Conduct(settle_after=_LATER),
        card=False,
        on="refund",
    ),
    Scenario(
        "failed",
        "The refund fails",
        "Refunds",
        Conduct(decline="account_closed"),
        card=False,
        on="refund",
    ),
    Scenario(
        "pending_failed",
        "Accepted, fails some seconds later",
        "Refunds",
        Conduct(decline="account_closed", settle_after=_LATER),
        card=False,
        on="refund",
    ),
    Scenario(
        "returned",
        "Refunded, comes back some seconds later",
        "Refunds",
        Conduct(returns_after=_LATER),
        card=False,
        on="refund",
    ),
    Scenario(
        "wrong_amount",
        "Charges one minor unit more",
        "Wrong ledger",
        Conduct(wrong="amount"),
        card=False,
    ),
    Scenario(
        "wrong_currency",
        "Charges another currency",
        "Wrong ledger",
        Conduct(wrong="currency"),
        card=False,
    ),
    Scenario(
        "wrong_account",
        "Charges for another account",
        "Wrong ledger",
        Conduct(wrong="account"),
        card=False,
    ),
    Scenario(
        "wrong_mode",
        "Charges in the other mode",
        "Wrong ledger",
        Conduct(wrong="mode"),
        card=False,
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in _SCENARIOS}
CARDS = {f"card_{scenario.name}": scenario for scenario in _SCENARIOS if scenario.card}
