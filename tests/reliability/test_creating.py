"""Bills that are made while something else happens; each race also runs in the naive order."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.models import LineItem, Payment
from payments_ui.flows import checkout
from tests.core.support import money_of

from . import naive
from .frame import Trial, scenario
from .support import failures, owe, payments_of, people, record, wrong
from .threads import Threads, threads
from .without_triggers import without_triggers

Create = Callable[[User], Payment | None]
Reprice = Callable[[User, str], object]


def ours(user: User) -> Payment | None:
    payment: Payment | None = Payment.objects.create_pending(user=user)
    return payment


def double_click(pool: Threads, user: User, create: Create) -> list[str]:
    owe(user, *["10.00"] * 5)
    results = pool.all(lambda number: create(user))
    made = len(payments_of(user))
    return failures(results) + wrong(user) + ([] if made == 1 else [f"{made} payments"])


def billing_while_being_used(pool: Threads, user: User, create: Create) -> list[str]:
    owe(user, *["10.00"] * 5)
    uses = 2
    results = pool.all(lambda number: use(user, uses) if number else create(user))
    recorded = 5 + uses * (pool.size - 1)
    kept = LineItem.objects.filter(user=user).count()
    lost = [] if kept == recorded else [f"{kept} items of {recorded}"]
    return failures(results) + wrong(user) + lost


def use(user: User, times: int) -> None:
    for _ in range(times):
        record(user)


def price_change_while_billing(
    pool: Threads, user: User, create: Create, reprice: Reprice
) -> list[str]:
    owe(user, *["10.00"] * 5)
    prices = ("11", "12", "13")
    results = pool.all(
        lambda number: [reprice(user, price) for price in prices] if number else create(user)
    )
    # The price may be refused where the item is bound already, with a typed error.
    return [text for text in failures(results) if "LineItemBound" not in text] + wrong(user)


def our_reprice(user: User, price: str) -> Any:
    return LineItem.objects.unbound().filter(user=user).update(amount=Decimal(price))


@scenario(
    1,
    "Double click",
    provoked="8 threads call create_pending for the same user at a barrier",
    promised="one payment for all line items, and no ghost",
)
def test_a_double_click_makes_one_payment(trial: Trial) -> None:
    with threads(8) as pool:
        for user in people(trial.size(small=3, full=1000)):
            trial.tried()
            trial.violations += double_click(pool, user, ours)


@scenario(
    2,
    "Human double click",
    provoked="two clicks on “Continue to payment”, 0 to 200 ms apart at random",
    promised="both answers show the same payment, and it is the only one",
)
def test_both_clicks_of_a_human_show_the_same_payment(trial: Trial) -> None:
    pairs = 8
    window = 0.2 if trial.full else 0.02
    with threads(2 * pairs) as pool:
        for _ in range(trial.size(small=1, full=125)):
            users = people(pairs)
            for user in users:
                owe(user, "10.00", "2.50")
            jobs = [_click(user, window) for user in users for _twice in range(2)]
            results = pool.at_once(jobs)
            trial.tried(pairs)
            trial.violations += failures(results)
            for number, user in enumerate(users):
                shown = {result.pk for result in results[2 * number : 2 * number + 2]}
                stored = {payment.pk for payment in payments_of(user)}
                trial.check(shown == stored and len(stored) == 1, f"{shown} shown of {stored}")
                trial.violations += wrong(user)


def _click(user: User, window: float) -> Callable[[], Payment | None]:
    def click() -> Payment | None:
        time.sleep(random.uniform(0, window))  # noqa: S311 - how quickly people click
        return checkout.begin(user)

    return click


@scenario(
    3,
    "Bill while being used",
    provoked="one create_pending at a barrier with three threads that record two items each",
    promised="each item is in the amount of one payment, or unbound",
)
def test_items_added_while_billing_are_in_the_amount_or_unbound(trial: Trial) -> None:
    with threads(4) as pool:
        for user in people(trial.size(small=3, full=1000)):
            trial.tried()
            trial.violations += billing_while_being_used(pool, user, ours)


@scenario(
    4,
    "Price change while billing",
    provoked="one create_pending at a barrier with three changes of the unbound items' prices",
    promised="the amount is the sum of the items: all at the old price, or all at the new one",
)
def test_a_price_change_while_billing_happens_before_or_not_at_all(trial: Trial) -> None:
    with threads(2) as pool:
        for user in people(trial.size(small=3, full=1000)):
            trial.tried()
            trial.violations += price_change_while_billing(pool, user, ours, our_reprice)


@scenario(
    7,
    "Canary",
    provoked="the races of 1, 3 and 4 against the naive order of steps: sum, insert, bind; "
    "the triggers disabled",
    promised="more than half of the trials go wrong (at full size): these races bite",
    databases=("postgres", "mariadb"),
)
def test_the_naive_order_of_steps_goes_wrong_in_these_races(trial: Trial) -> None:
    with without_triggers():
        _show_that_it_bites(trial, 8, double_click, naive.create)
        _show_that_it_bites(trial, 4, billing_while_being_used, naive.create)
        _show_that_it_bites(trial, 2, price_change_while_billing, naive.create, naive.reprice)


def _show_that_it_bites(
    trial: Trial, size: int, race: Callable[..., list[str]], *steps: Callable[..., object]
) -> None:
    number = trial.size(small=8, full=300)
    bitten = tried = 0
    with threads(size) as pool:
        # On a busy machine, steps may happen one after the other in a few trials: one has to bite
        # in the end.
        for _ in range(trial.size(small=100, full=1)):
            bitten += sum(bool(race(pool, user, *steps)) for user in people(number))
            tried += number
            if bitten:
                break
    trial.tried(tried)
    trial.canary(tried, bitten)
    trial.metric(race.__name__, 100 * bitten / tried, "% wrong")
    enough = trial.size(small=1, full=number // 2 + 1)
    trial.check(bitten >= enough, f"Only {bitten} of {tried} trials went wrong")


@scenario(
    8,
    "Big cart",
    provoked="100,000 line items of 0.05 billed at once, then charged, under a limit of the heap",
    promised="the sum is exact; less than 10 seconds and 50 MB of Python's heap",
)
def test_a_big_cart_is_billed_exactly_and_in_small_memory(trial: Trial) -> None:
    (user,) = people(1)
    size = trial.size(small=2_000, full=100_000)
    _fill(user, size)
    trial.tried()
    began = time.monotonic()
    payment = Payment.objects.create_pending(user=user)
    seconds = time.monotonic() - began
    assert payment is not None
    trial.check(payment.amount == size * Decimal("0.05"), f"{payment.amount} for {size} items")
    trial.check(seconds < 10 or not trial.full, f"{seconds:.1f} s")
    tracemalloc.start()
    attempt = payment.start_attempt(moocher="cards")
    attempt.record(money_of(attempt, psp_reference="psp-1"))
    other = _again(payment)
    heap = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    trial.check(other.amount == payment.amount and heap < 50, f"{heap:.0f} MB")
    trial.metric("create", seconds, "s")
    trial.metric("heap", heap, "MB")


def _again(payment: Payment) -> Payment:
    """Take the charge back, and bill the same items again."""
    Payment.objects.get(pk=payment.pk).undo(reason="to bill them again", force=True)
    billed = Payment.objects.create_pending(user=payment.user)
    assert billed is not None
    assert len(billed.description) < 50_000
    return billed


def _fill(user: User, size: int) -> None:
    """Record one item, then double what there is: quicker than sending each."""
    owe(user, "0.05")
    table, have = LineItem._meta.db_table, 1
    fields = [field for field in LineItem._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        while have < size:
            more = min(have, size - have)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}"  # noqa: S608
                f" WHERE user_id = %s LIMIT {more}",
                [user.pk],
            )
            have += more
