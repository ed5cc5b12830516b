"""Big bills: how seconds grow with the number of line items, in filled books.

Triggers look at what a statement writes, and a database may plan that badly: for each row, all
rows. So the books are filled and analysed first, and each measurement has a connection of its own,
which has no plan yet. What is judged is growth: twice the line items take at most twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from django.contrib.auth.models import User
from django.db import connection, models

from bench import books, data, database
from bench.table import Row
from bench.timing import timed
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.core.privacy.redaction import ANONYMIZED

#: Line items in the books, and in the bills that are compared.
FILLED, QUICK_FILLED = 1_000_000, 2_000
SIZES, QUICK_SIZES = (100_000, 400_000), (200, 800)
REPEATS = 3
#: Beside so many times the line items: what sorting adds, and a busy machine.
LINEAR = 1.3

_TABLES = (LineItem, Payment, Attempt, JournalEntry)


def rows(quick: bool) -> Iterator[Row]:
    """The promises about growth."""
    books.fill(QUICK_FILLED if quick else FILLED)
    small, large = QUICK_SIZES if quick else SIZES
    users = {size: _owing(size) for size in (small, large)}
    database.tidy(*_TABLES, analyze=True)
    turns = [
        {size: _seconds(user) for size, user in users.items()}
        for _turn in range(1 if quick else REPEATS)
    ]
    seconds = {
        size: {what: min(turn[size][what] for turn in turns) for what in turns[0][size]}
        for size in users
    }
    for what in seconds[small]:
        first, second = seconds[small][what], seconds[large][what]
        ratio = second / first * small / large
        cells = (f"{first:.2f} s", f"{second:.2f} s")
        yield Row(f"{what}, {small:,} to {large:,} items", *cells, ratio, LINEAR, is_timed=True)


def _owing(items: int) -> User:
    """Return a new user with so many unbound line items, copied from paid ones."""
    user: User = data.user_with(0)
    columns = "created_at, used_at, title, amount, unit, currency"
    table = LineItem._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (user_id, {columns})"  # noqa: S608 - our own table
            f" SELECT %s, {columns} FROM {table} LIMIT {items}",
            [user.pk],
        )
    return user


def _seconds(user: User) -> Mapping[str, float]:
    mine: models.QuerySet[LineItem] = models.QuerySet(LineItem).filter(user=user)
    steps: dict[str, Callable[[], object]] = {
        "UPDATE of unbound items": lambda: mine.update(title="Changed"),
        "create_pending": lambda: Payment.objects.create_pending(user=user),
        "UPDATE of bound items": lambda: mine.update(title=ANONYMIZED),
        "cancel_pending": lambda: Payment.objects.get(user=user).cancel_pending(),
    }
    return {what: _on_a_fresh_connection(step) for what, step in steps.items()}


def _on_a_fresh_connection(step: Callable[[], object]) -> float:
    connection.close()
    connection.ensure_connection()
    return timed(step)
