"""When a declined card is tried again, and when never: the networks' rules first, then the site's.

Pure functions, so that a simulation of years runs them, too. What codes mean is taken from pages
that were read in November 2026, since the networks publish none; where these differ, or say
nothing, the card is tried later rather than sooner, and is not called forbidden:

- Stripe's ``advice_code``: three words in its API's types, ``do_not_try_again``,
  ``confirm_card_data``, ``try_again_later``; docs.stripe.com/declines/card. Its
  ``network_advice_code`` has two digits, those of Mastercard's advice or of Visa's category.
- Mastercard's merchant advice codes: docs.antom.com/ac/ams/mac, docs.payabl.com (Mastercard
  merchant advice codes), developers.tabapay.com/docs/merchant-advice-code-mac, and the help pages
  of Peach Payments. All say the same of 01 to 04, 21, 24 to 30, 40 and 41; of 42 and 43 they do
  not, or nothing that bears on another try.
- Visa's categories and the codes of category 1: developers.getevolved.com (Visa's processing
  integrity fee program), checkout.com/docs (Visa response codes), and
  developers.tabapay.com/docs/visa-response-code-updates; 57 belongs to it since 25 October 2026.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from payments_ui.core.attempts.outcomes import DeclineCode

from .states import RecoveryState

#: Reasons of ours, for which the customer has to do something first.
_NEVER = frozenset(
    {
        *(DeclineCode.EXPIRED_CARD, DeclineCode.INCORRECT_DETAILS, DeclineCode.NOT_SUPPORTED),
        *(DeclineCode.METHOD_GONE, DeclineCode.AMOUNT_REFUSED, DeclineCode.ABANDONED),
        *(DeclineCode.AUTHENTICATION_REQUIRED, DeclineCode.AUTHENTICATION_FAILED),
    }
)
#: Words of PSPs in ``code`` and ``decline_code`` that no later try changes: first those that Stripe
#: itself does not send again, then some in whose meaning a later try has no place.
_HARD = frozenset(
    {
        *("incorrect_number", "lost_card", "pickup_card", "stolen_card"),
        *("revocation_of_authorization", "revocation_of_all_authorizations"),
        *("authentication_required", "highest_risk_level", "transaction_not_allowed"),
        *("restricted_card", "fraudulent", "merchant_blacklist", "security_violation"),
        "stop_payment_order",
    }
)
#: Advice of Stripe's that the same card must not be sent again as it is.
_FORBIDS = frozenset({"do_not_try_again", "confirm_card_data"})
#: The same by Mastercard's numbers: never, and the cardholder has cancelled the agreement.
_FORBIDS_BY_MASTERCARD = frozenset({"03", "21"})
#: And by Visa's categories: the issuer will never approve.
_FORBIDS_BY_VISA = frozenset({"1", "01"})
#: Mastercard's numbers that another try does not help, unless the customer does something first:
#: there is a new card; the token is wrong; not for this product; a prepaid card that is not
#: reloaded; a number for one use.
_ASKS_CUSTOMER = frozenset({"01", "04", "22", "40", "41"})
#: How long Mastercard's other numbers say to wait; "later" is taken for three days.
_ADVICE_TO_WAIT = {
    "02": dt.timedelta(days=3),
    "24": dt.timedelta(hours=1),
    **{
        str(number): dt.timedelta(days=days)
        for number, days in enumerate((1, 2, 4, 6, 8, 10), start=25)
    },
}
#: Numbers that say nothing of another try.
_NO_ADVICE = frozenset({"", "00", "43"})
#: What any other number is taken for: the longest wait that any advice asks for.
_UNKNOWN_ADVICE = max(_ADVICE_TO_WAIT.values())
#: What Visa's issuers answer where they will never approve, its category 1.
_NEVER_BY_VISA = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"})
#: Countries whose cards may be charged without their user once for each notice, and not again.
_ONCE = frozenset({"IN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A try that failed: when, by which of our reasons, and what the PSP said in its own words.

    ``tries`` counts this one, ``brand`` and ``country`` are those of the card.
    """

    at: dt.datetime
    code: str
    said: Mapping[str, Any]
    tries: int
    brand: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens next; ``why`` is for clerks and programs."""

    state: RecoveryState
    next_try_at: dt.datetime | None = None
    why: str = ""
    #: Whether the bank or the network forbids to try the same card again.
    is_hard: bool = False


def next_step(failure: Failure, *, after_days: Sequence[int], hours: tuple[int, int]) -> Step:
    """The next try ``after_days`` of this one, at the same time within these hours, or none.

    ``failure.at`` is in the payer's time zone; the hours are theirs.
    """
    if why := hard_decline(failure):
        return Step(state=RecoveryState.WAITING, why=why, is_hard=True)
    if failure.tries > len(after_days):
        return Step(state=RecoveryState.GIVEN_UP, why="all tries failed")
    days = dt.timedelta(days=after_days[failure.tries - 1])
    return Step(
        state=RecoveryState.PLANNED,
        next_try_at=within(failure.at + max(days, _advised_wait(failure)), hours),
        why="declined for now",
    )


def hard_decline(failure: Failure) -> str:
    """Why the same card is never tried again; empty where it may be."""
    if why := forbidden(failure):
        return why
    if failure.code in _NEVER:
        return f"hard decline {failure.code}"
    advice = _network_advice(failure)
    if advice in _ASKS_CUSTOMER:
        return f"network advice {advice}"
    return f"card of {failure.country}" if failure.country in _ONCE else ""


def forbidden(failure: Failure) -> str:
    """The same, where the bank or the network has said so."""
    said = {name: str(word) for name, word in failure.said.items()}
    network_code = said.get("network_decline_code", "")
    if said.get("advice_code") in _FORBIDS:
        return f"advice {said['advice_code']}"
    advice = _network_advice(failure)
    by_visa = failure.brand == "visa" and advice in _FORBIDS_BY_VISA
    if by_visa or advice in _FORBIDS_BY_MASTERCARD:
        return f"network advice {advice}"
    for name in ("decline_code", "code"):
        if said.get(name) in _HARD:
            return f"hard decline {said[name]}"
    if failure.brand == "visa" and network_code in _NEVER_BY_VISA:
        return f"hard decline {network_code}"
    return ""


def _network_advice(failure: Failure) -> str:
    return str(failure.said.get("network_advice_code") or "")


def _advised_wait(failure: Failure) -> dt.timedelta:
    """How long the network says to wait before the same card is tried again."""
    advice = _network_advice(failure)
    wait = dt.timedelta(0) if advice in _NO_ADVICE else _UNKNOWN_ADVICE
    return _ADVICE_TO_WAIT.get(advice, wait)


def within(moment: dt.datetime, hours: tuple[int, int]) -> dt.datetime:
    """The moment, or the first after it at which the day's hours are these."""
    begin, end = hours
    if moment.hour < begin:
        return moment.replace(hour=begin, minute=0, second=0, microsecond=0)
    if moment.hour >= end:
        morning = moment.replace(hour=begin, minute=0, second=0, microsecond=0)
        return morning + dt.timedelta(days=1)
    return moment
