"""A year of charging saved cards, simulated by the rules that decide about retries.

    python -m bench.recovery [--payers 1000000] [--after-days 3,5,6] [--declined 0.10]
        [--share expired_card=0.25] [--pays 0.16] [--pays-payday 0.42] [--mends 0.12] [--json]

No database and no PSP: each payer owes once a month, some charges are declined for reasons that
are drawn by chance, and ``payments_ui.core.recoveries.plan`` decides when each is tried again. It
prints the share that was recovered, tries of a card against the networks' limits, and mails per
payer. Change the rules, or the figures below to what your PSP tells you, and compare.

Published, by companies that sell billing, and read in November 2026; none says how it was counted:

- declined at the first try: about 10 % is usual (Braintree's page on declines), 10 to 15 % of
  recurring charges (revolv3.com, finsi.ai), 5 to 6 % of credit and 9 to 13 % of debit cards
  (scriberbase.com);
- for lack of money: 38 % of declines (dunningcompare.com, after Recurly), "almost half"
  (hostmerchantservices.com); cards that expired or were cancelled: 24 % (dunningcompare.com);
  declined without a reason: 17 % (the same);
- recovered in the end: 47.6 % at the median (digitalapplied.com, after Slicker and Baremetrics),
  most of it 2 to 12 days after the decline (Recurly's study of 1,300 shops, 2018).

Everything else is an assumption: how the rest is shared out, how often the same card pays later,
and how many change their card. The yardstick is the difference between two rules.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import django

#: Why a charge is declined: its share of declines, our reason, and the PSP's own word.
REASONS: Sequence[tuple[float, str, str]] = (
    # Published.
    (0.40, "insufficient_funds", "insufficient_funds"),
    (0.17, "card_declined", "do_not_honor"),
    (0.16, "expired_card", "expired_card"),
    # Assumed: lost cards are counted among those that expired or were cancelled, 24 % in all.
    (0.08, "card_declined", "lost_card"),
    (0.08, "incorrect_details", "incorrect_cvc"),
    (0.11, "authentication_required", "authentication_required"),
)
#: Of those who were told by mail, so many change the card before the next try, or within a week.
#: Assumed.
MENDS = 0.12
#: Days of a month on which accounts are full.
PAYDAYS = frozenset({25, 26, 27, 28, 29, 30, 31, 1, 2})
#: The most declines of one card that a network allows: name, days, declines.
LIMITS = (("Visa, 30 days", 30, 20), ("Mastercard, 1 day", 1, 10), ("Mastercard, 30 days", 30, 35))
MONTHS = 12
YEAR = 2027


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a site chooses."""

    after_days: tuple[int, ...] = (3, 5, 6)
    hours: tuple[int, int] = (8, 20)
    declined: float = 0.10
    #: By the PSP's word: the share of declines, instead of that of ``REASONS``.
    shares: Mapping[str, float] = field(default_factory=dict)
    #: The chance that a card without money, or declined without a reason, pays some days later,
    #: and that one without money pays just before or after payday. Assumed.
    pays: float = 0.16
    pays_payday: float = 0.42
    mends: float = MENDS

    @property
    def reasons(self) -> list[tuple[float, str, str]]:
        """``REASONS`` with these shares."""
        return [(self.shares.get(word, share), code, word) for share, code, word in REASONS]

    def pays_at(self, at: dt.datetime, word: str) -> float:
        """The chance that a card that was declined with this word pays at this moment."""
        if word == "insufficient_funds" and at.day in PAYDAYS:
            return self.pays_payday
        return self.pays if word in ("insufficient_funds", "do_not_honor") else 0.0


@dataclass
class Year:
    """What came of it."""

    payers: int = 0
    charges: int = 0
    declined: int = 0
    recovered_by_retry: int = 0
    recovered_by_card: int = 0
    given_up: int = 0
    tries: int = 0
    mails: int = 0
    most_in: dict[int, int] = field(default_factory=lambda: {1: 0, 30: 0})

    @property
    def recovered(self) -> float:
        """Of what was declined, the share that was paid in the end."""
        paid = self.recovered_by_retry + self.recovered_by_card
        return paid / self.declined if self.declined else 1.0


def simulate(payers: int, rules: Rules, *, seed: int = 1) -> Year:
    """A year of so many payers."""
    dice = random.Random(seed)  # noqa: S311 - the same each time
    year = Year(payers=payers, charges=payers * MONTHS)
    for _payer in range(payers):
        day = dice.randrange(1, 29)
        declines: list[dt.datetime] = []
        for month in range(1, MONTHS + 1):
            if dice.random() < rules.declined:
                _recover(dt.datetime(YEAR, month, day, 9), rules, dice, year, declines)
            else:
                year.tries += 1
        if len(declines) > 1:
            for days in year.most_in:
                year.most_in[days] = max(year.most_in[days], _most(declines, days))
        elif declines:
            year.most_in = {days: max(1, most) for days, most in year.most_in.items()}
    return year


def _recover(
    at: dt.datetime, rules: Rules, dice: random.Random, year: Year, declines: list[dt.datetime]
) -> None:
    """What becomes of one charge that was declined."""
    from payments_ui.core.recoveries.plan import Failure, next_step
    from payments_ui.core.recoveries.states import RecoveryState

    shares = [share for share, *_rest in rules.reasons]
    _share, code, word = dice.choices(REASONS, shares)[0]
    year.declined += 1
    said = {"decline_code": word}
    tries = 0
    while True:
        tries += 1
        year.tries += 1
        declines.append(at)
        # One mail a failed try: what happened, when it is tried again, how to change the card.
        year.mails += 1
        step = next_step(
            Failure(at=at, code=code, said=said, tries=tries, brand="visa"),
            after_days=rules.after_days,
            hours=rules.hours,
        )
        if dice.random() < rules.mends:
            year.recovered_by_card += 1
            year.tries += 1
            return
        if step.state != RecoveryState.PLANNED or step.next_try_at is None:
            year.given_up += 1
            return
        at = step.next_try_at
        if dice.random() < rules.pays_at(at, word):
            year.recovered_by_retry += 1
            year.tries += 1
            return


def _most(declines: Sequence[dt.datetime], days: int) -> int:
    """The most declines of a card within so many days."""
    span = dt.timedelta(days=days)
    return max(sum(at <= other < at + span for other in declines) for at in declines)


def lines(rules: Rules, year: Year) -> Iterator[str]:
    """What a person reads."""
    yield f"{year.payers:,} payers, {year.charges:,} charges, retries after {rules.after_days} days"
    yield f"declined at first: {year.declined:,} ({year.declined / year.charges:.1%})"
    yield f"recovered: {year.recovered:.1%} of these"
    yield f"  by a later try: {year.recovered_by_retry / year.declined:.1%}"
    yield f"  by another card: {year.recovered_by_card / year.declined:.1%}"
    yield f"given up: {year.given_up / year.charges:.2%} of all charges"
    yield f"calls of the PSP: {year.tries / year.charges:.3f} a charge"
    yield f"mails: {year.mails / year.payers:.2f} a payer and year"
    for name, days, most in LIMITS:
        yield f"most declines of one card in {days} days: {year.most_in[days]} ({name}: {most})"


def _share(text: str) -> tuple[str, float]:
    word, _equals, share = text.partition("=")
    if word not in {known for *_rest, known in REASONS}:
        raise argparse.ArgumentTypeError(f"no reason is called {word!r}")
    return word, float(share)


def main(argv: Sequence[str] | None = None) -> int:
    """Print what a year would bring; 1 where a card is tried more often than a network allows."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--payers", type=int, default=1_000_000)
    parser.add_argument("--after-days", default="3,5,6", help="days between tries, with commas")
    parser.add_argument("--declined", type=float, default=Rules.declined, help="share of charges")
    parser.add_argument(
        "--share",
        action="append",
        default=[],
        type=_share,
        metavar="WORD=SHARE",
        help=f"of declines, by the PSP's word: {', '.join(word for *_rest, word in REASONS)}",
    )
    parser.add_argument("--pays", type=float, default=Rules.pays, help="chance of a later try")
    parser.add_argument("--pays-payday", type=float, default=Rules.pays_payday)
    parser.add_argument("--mends", type=float, default=Rules.mends, help="change the card by mail")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
    django.setup()
    days = tuple(int(day) for day in options.after_days.split(",") if day)
    rules = Rules(
        after_days=days,
        declined=options.declined,
        shares=dict(options.share),
        pays=options.pays,
        pays_payday=options.pays_payday,
        mends=options.mends,
    )
    year = simulate(options.payers, rules)
    if options.json:
        print(json.dumps({**asdict(year), "recovered": year.recovered}))
    else:
        print(*lines(rules, year), sep="\n")
    return 0 if all(year.most_in[days] <= most for _name, days, most in LIMITS) else 1


if __name__ == "__main__":
    raise SystemExit(main())
