"""Record uses by the million: checked one by one, stored batch by batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.conf import settings as pui
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.db.fields import is_plain
from payments_ui.core.db.locks import retrying
from payments_ui.exceptions import LineItemError, UsesRefusedError

from .checking import CHECKS, amount_of
from .recording import conflict
from .recording_sql import SQL, First, Use, identity

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .model import LineItem

# Users who are known to exist, and those who are looked for in one statement.
_USERS, _ASKED = 100_000, 900
_NO_KEYS = (bool, float, Decimal)


class Recorded(NamedTuple):
    """How many uses were recorded now, and how many were known."""

    new: int
    known: int


class Recorder:
    """One run of ``record_many``."""

    def __init__(self, model: type[LineItem], using: str) -> None:
        self.connection: BaseDatabaseWrapper = connections[using]
        self.new = self.known = 0
        self.refused = UsesRefusedError()
        self._users: dict[Any, Any] = {}
        fields: Any = model._meta
        self._user, self._used_at = fields.get_field("user"), fields.get_field("used_at")
        self._sql = SQL[self.connection.vendor](model, self.connection)
        # Amounts, titles and currencies repeat: the same is checked once.
        self._check = {name: _remembering(check) for name, check in CHECKS.items()}

    def run(self, rows: Iterable[Mapping[str, Any]]) -> Recorded:
        """Record these; raise ``UsesRefusedError`` at the end where some could not be."""
        numbered = enumerate(rows)
        while page := list(islice(numbered, self._sql.batch)):
            if uses := list(self._checked(page)):
                new, differing = self._record(uses)
                self.new += new
                self.known += len(uses) - new - len(differing)
                for use, first in differing:
                    self.refused.add(
                        use.number, conflict(use.key, first, (use.amount, use.currency))
                    )
        self.refused.new, self.refused.known = self.new, self.known
        if self.refused.count:
            raise self.refused
        return Recorded(self.new, self.known)

    def _checked(self, page: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[Use]:
        """The rows of the page that are valid; the others are refused."""
        now, currency = self._moment(timezone.now()), pui.CURRENCY
        self._look_for_users(page)
        for number, row in page:
            try:
                yield self._use(number, now, currency, **row)
            except (LineItemError, ValidationError) as error:
                self.refused.add(number, error)

    def _use(
        self,
        number: int,
        now: Any,
        default_currency: str,
        *,
        title: str,
        user: Any = None,
        user_id: Any = None,
        amount: Any = None,
        currency: str | None = None,
        key: str | None = None,
        quantity: Any = None,
        unit: str = "",
        unit_price: Any = None,
        used_at: dt.datetime | None = None,
    ) -> Use:
        check = self._check
        asked = _user_id(user, user_id)
        stored_user = self._known_user(asked)
        named = CHECKS["key"](key)
        if named is None:
            raise LineItemError("Uses that are recorded in number have a key each")
        if quantity is None and unit_price is None and not unit:
            exact = check["amount"](amount)
        else:
            amount = amount_of(amount, quantity, unit_price)
            exact, quantity = check["amount"](amount), check["quantity"](quantity)
            unit_price, unit = check["unit_price"](unit_price), check["unit"](unit)
            money.check_product(exact, quantity, unit_price, unit)
        return Use(
            stored_user,
            self._moment(used_at) if used_at else now,
            check["title"](title),
            exact,
            check["currency"](currency or default_currency),
            quantity,
            unit,
            unit_price,
            named,
            now,
            number,
        )

    def _known_user(self, asked: Any) -> Any:
        try:
            return self._users[asked]
        except KeyError:
            raise LineItemError(f"There is no user {asked!r}") from None

    def _moment(self, value: dt.datetime) -> Any:
        return self._used_at.get_db_prep_value(value, self.connection)

    def _look_for_users(self, page: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Find which of the users exist that the page names, unless they are known to."""
        if len(self._users) > _USERS:
            self._users.clear()
        asked = {_user_id(row.get("user"), row.get("user_id")) for _number, row in page}
        by_key: dict[Any, list[Any]] = {}
        field = self._user
        for each in asked - self._users.keys() - {None}:
            with suppress(ValidationError, OverflowError):
                by_key.setdefault(_primary_key(field.target_field, each), []).append(each)
        users = field.related_model._base_manager.using(self.connection.alias)
        unseen = list(by_key)
        for at in range(0, len(unseen), _ASKED):
            found = users.filter(pk__in=unseen[at : at + _ASKED])
            for key in found.values_list("pk", flat=True):
                stored = field.get_db_prep_save(key, self.connection)
                # A database that ignores case may find a user who was not asked for.
                self._users.update(dict.fromkeys(by_key.get(key, ()), stored))

    def _record(self, uses: list[Use]) -> tuple[int, list[tuple[Use, First | None]]]:
        """Store those that are new; return how many, and which were recorded as something else."""

        @typed_refusals()
        @retrying
        def record() -> tuple[int, list[tuple[Use, First | None]]]:
            with transaction.atomic(using=self.connection.alias, savepoint=False):
                new = self._sql.insert(uses)
                stored = {} if new == len(uses) else self._sql.stored(uses)
            if not stored:
                return new, []
            firsts = ((use, stored.get(identity(use))) for use in uses)
            return new, [each for each in firsts if each[1] != (each[0].amount, each[0].currency)]

        return record()


def _user_id(user: Any, user_id: Any) -> Any:
    named = user_id if user is None else user.pk
    # Of 1.5 a field would make 1, and of True, too: as texts they name no user.
    return str(named) if isinstance(named, _NO_KEYS) else named


def _primary_key(field: Any, value: Any) -> Any:
    """The value as a primary key that a database can be asked for, or ``ValidationError``."""
    key = field.to_python(value)
    if isinstance(key, int):
        # Of a number that is too large, drivers raise errors of their own.
        field.run_validators(key)
    if isinstance(key, str) and not is_plain(key):
        raise ValidationError("No text has a NUL or a lone surrogate")
    return key


def _remembering(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    quick = lru_cache(maxsize=4_096, typed=True)(check)

    def run(value: Any) -> Any:
        try:
            return quick(value)
        except TypeError:  # what has no hash
            return check(value)

    return run
