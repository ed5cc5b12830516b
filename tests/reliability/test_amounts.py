"""Amounts that Hypothesis thinks of: exact or refused, rounded once, and no credit is sent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments_ui import money
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.exceptions import InvalidAmountError
from payments_ui.testing.psp import SandboxPSP

from . import site
from .frame import Trial, scenario
from .support import people

#: Without decimals, with two, with three.
CURRENCIES = ("JPY", "CHF", "KWD")
amounts = st.decimals(
    min_value=-(10**9), max_value=10**9, places=8, allow_nan=False, allow_infinity=False
)
not_amounts = st.one_of(
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["", "NaN", "-Infinity", "1e20", "12,50", "0x10", "1.123456789", b"12"]),
    st.decimals(min_value=10**10, allow_nan=True, allow_infinity=True),
)


def examples(count: int) -> settings:
    """So many, the same each time; as quick or slow as they are."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@scenario(
    34,
    "Money arithmetic",
    provoked="Hypothesis thinks of amounts and of things that are none: floats, NaN, infinity, "
    "1e20, too many decimals; in currencies with 0, 2 and 3 decimals",
    promised="stored, summed and sent to a PSP exactly, rounded once; or a typed error",
)
def test_amounts_are_exact_or_refused(trial: Trial) -> None:
    @examples(trial.size(small=40, full=10_000))
    @given(amount=amounts, currency=st.sampled_from(CURRENCIES))
    def arithmetic(amount: Decimal, currency: str) -> None:
        trial.tried()
        rounded = money.round_amount(money.exact_amount(amount), currency)
        units = money.to_minor_units(rounded, currency)
        trial.check(
            units == round(_minor(amount, currency)), f"{amount} {currency} sent as {units}"
        )
        back = money.from_minor_units(units, currency)
        trial.check(back == rounded, f"{units} minor units of {currency} read as {back}")

    @examples(trial.size(small=40, full=10_000))
    @given(value=not_amounts)
    def refused(value: Any) -> None:
        trial.tried()
        with pytest.raises(InvalidAmountError):
            money.exact_amount(value)

    arithmetic()
    refused()


def _minor(amount: Decimal, currency: str) -> Fraction:
    """The oracle: fractions lose nothing, and Python rounds them half to even."""
    decimals: int = {"JPY": 0, "CHF": 2, "KWD": 3}[currency]
    return Fraction(amount) * Fraction(10) ** decimals


@scenario(
    34,
    "Sums of fractions",
    provoked="Hypothesis thinks of bills of up to twelve amounts with up to eight decimals",
    promised="the database sums them exactly, and the payment is the sum, rounded once",
)
def test_a_bill_is_the_exact_sum_rounded_once(trial: Trial) -> None:
    users = iter(people(trial.size(small=20, full=600)))

    @examples(trial.size(small=10, full=500))
    @given(bill=st.lists(amounts, min_size=1, max_size=12), currency=st.sampled_from(CURRENCIES))
    def billing(bill: list[Decimal], currency: str) -> None:
        trial.tried()
        user = next(users)
        _record(user, bill, currency)
        payment = Payment.objects.create_pending(user=user)
        total = sum(map(Fraction, bill), Fraction(0))
        units = round(total * 10 ** money.minor_unit(currency))
        expected = None if units < 0 or (total and not units) else units
        billed = None if payment is None else payment.amount_cents
        # A credit, and what rounds to nothing, stays in the list.
        expected = None if total < 0 else expected
        trial.check(billed == expected, f"{bill} {currency} billed as {billed}, not {expected}")
        stored = sorted(LineItem.objects.filter(user=user).values_list("amount", flat=True))
        trial.check(stored == sorted(bill), f"{bill} stored as {stored}")

    billing()


def _record(user: User, bill: list[Decimal], currency: str) -> None:
    LineItem.objects.bulk_create(
        LineItem(user=user, title="Use", amount=amount, currency=currency) for amount in bill
    )


small_amounts = st.decimals(min_value=-2, max_value=2, places=2)


@scenario(
    35,
    "Credits",
    provoked="bills and credits in turn, as Hypothesis thinks of them: negative, zero, a credit "
    "greater than the bill, less than the PSP's minimum",
    promised="never sent to the PSP; carried forward to the next bill; the sums are right",
)
def test_credits_are_carried_forward_and_never_sent(trial: Trial, psp: SandboxPSP) -> None:
    users = iter(people(trial.size(small=10, full=400)))

    @examples(trial.size(small=5, full=300))
    @given(turns=st.lists(small_amounts, min_size=1, max_size=6))
    def turns_of_somebody(turns: list[Decimal]) -> None:
        trial.tried()
        user, owed = next(users), Decimal(0)
        browser = site.Browser(user.pk)
        for amount in turns:
            owed += amount
            _record(user, [amount], "CHF")
            owed = _pay_if_possible(trial, browser, owed)
        left = sum(LineItem.objects.filter(user=user).unpaid().values_list("amount", flat=True))
        trial.check(left == owed, f"{turns}: {left} left, not {owed}")

    with site.at(psp.url):
        turns_of_somebody()
    sent = [charge.amount for charge in psp.ledger.charges.newest()]
    trial.check(min(sent, default=50) >= 50, f"{min(sent, default=50)} minor units were sent")
    by = Attempt.objects.filter(amount=0).values_list("moocher", flat=True).distinct()
    trial.check(set(by) <= {"balance"}, f"Nothing was sent to {list(by)}")


def _pay_if_possible(trial: Trial, browser: site.Browser, owed: Decimal) -> Decimal:
    """What is owed after an attempt to pay it by card."""
    payment = browser.proceed()
    if owed <= 0:
        trial.check(payment is None, f"{payment} although {owed} is owed")
        return owed
    assert payment is not None
    trial.check(payment.amount == owed, f"{payment.amount} billed, {owed} owed")
    browser.pay(payment)
    if payment.amount < site.MINIMUM:
        trial.check(not payment.attempts.exists(), f"{payment.amount} was sent")
        browser.cancel(payment)
        return owed
    return Decimal(0)
