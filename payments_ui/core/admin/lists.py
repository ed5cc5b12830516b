"""Lists of any length: read, counted and summed as far as a clerk looks, never to their end.

A list is in the order of a column with an index, the newest row first. What an index finds (an
identifier, a user, the few rows that wait for a clerk) is looked for among all rows. Everything
else, by which no index serves a list of millions (a filter, a text, another order), looks through
so many rows at a time, the newest first, and a link leads on to the next.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import connections
from django.db.models import Model, Q, QuerySet, UUIDField
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from payments_ui import money

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

#: The rows that are counted, and to which pages lead.
COUNTED = 10_000
#: The rows that are summed.
SUMMED = 1_000
#: The rows that are looked through where no index finds what is asked for.
LOOKED_THROUGH = 50_000
#: The newest rows whose values a filter offers.
_OFFERED_FROM = 1_000
#: So many digits of an id are no chance: references and numbers that people read have that many.
_ID = re.compile(r"[0-9a-f]{8,32}")
#: What may follow a relation in an address that means "this one".
_EXACTLY = frozenset({"", "exact", "id", "id__exact", "pk", "pk__exact"})


class BoundedPaginator(_Paginator):
    """Counts no further than ``COUNTED``: counting millions takes longer than reading a page."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or ``COUNTED`` if there are more."""
        rows: Any = self.object_list
        found: int = rows.order_by()[:COUNTED].count()
        return found


class Totals(NamedTuple):
    """What the rows of a list sum up to, by currency, as people read it."""

    amounts: list[str]
    #: The number of rows that are summed, where there are more.
    of_first: int


def totals(rows: Any, amount: str = "amount", currency: str = "currency") -> Totals:
    """Sum the first rows of a list, in its order; exact, and each currency by itself."""
    found = list(rows.values_list(currency, amount)[: SUMMED + 1])
    sums = _sums(found[:SUMMED])
    amounts = [money.format_amount(sums[code], code) for code in sorted(sums)]
    return Totals(amounts, SUMMED if len(found) > SUMMED else 0)


def _sums(rows: Iterable[tuple[str, Decimal | None]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for code, amount in rows:
        if amount is not None:
            sums[code] = sums.get(code, Decimal(0)) + amount
    return {code: money.padded(amount, code) for code, amount in sums.items()}


class LongList(ChangeList):
    """A list of an admin with ``newest_by`` and ``identified``, however many rows there are."""

    #: Where what was looked through ends; ``None`` where that is all.
    floor: Any = None
    #: The query strings that lead on to older rows, and back to the newest.
    older = newest = ""

    def get_filters(self, request: HttpRequest) -> Any:
        """As Django's; remembers what of the address no filter has taken."""
        found: Any = super().get_filters(request)
        self._lookups = dict(found[2])
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """As Django's, as far as this looks. An action looks through all: its file is complete."""
        by_admin: Any = self.model_admin
        self._before = f"{by_admin.newest_by}__lte"
        sought, self.query = self.query, ""
        rows = super().get_queryset(request, exclude_parameters)
        self.query = sought
        identified = by_admin.identified(sought) if sought else None
        if identified is not None:
            return rows.filter(identified)
        if request.method != "POST" and (sought or self._looks_at_each) and not self._is_few:
            rows = self._looked_through(rows)
        if sought:
            rows, _may_repeat = by_admin.containing(request, rows, sought)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        """As Django's, with the ways on and back."""
        super().get_results(request)
        column = self.model_admin.newest_by  # type: ignore[attr-defined]
        is_sorted = bool(self.params.get(ORDER_VAR))
        end = self.floor
        if self.result_count >= COUNTED and not is_sorted:
            values = self.queryset.values_list(column, flat=True)
            end = next(iter(values[COUNTED : COUNTED + 1]), end)
        if end is not None:
            text = end.isoformat() if isinstance(end, dt.datetime) else end
            self.older = self.get_query_string({self._before: text}, [self._before])
        if self._before in self.params:
            self.newest = self.get_query_string(remove=[self._before])

    @property
    def _looks_at_each(self) -> bool:
        """Whether rows are chosen or sorted by what only each row itself tells."""
        others = self._lookups.keys() - {self._before}
        return bool(self.has_active_filters or self.params.get(ORDER_VAR) or others)

    @property
    def _is_few(self) -> bool:
        """Whether an index finds the few rows among which the rest is looked for."""
        specs = (getattr(spec, "is_few", False) for spec in self.filter_specs)
        return any(specs) or any(_is_found(self.model, name) for name in self._lookups)

    def _looked_through(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        column = self.model_admin.newest_by  # type: ignore[attr-defined]
        every = self.model._base_manager.order_by(f"-{column}")
        if self._before in self._lookups:
            every = every.filter(**{self._before: self._lookups[self._before][-1]})
        ends = every.values_list(column, flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1]
        self.floor = next(iter(ends), None)
        return rows if self.floor is None else rows.filter(**{f"{column}__gt": self.floor})


def _is_found(model: type[Model], lookup: str) -> bool:
    """Whether this part of an address names rows that an index finds."""
    name, _separator, more = lookup.partition("__")
    opts = model._meta
    fields = {key: field for field in opts.fields for key in (field.name, field.attname)}
    if name not in fields or more not in _EXACTLY:
        return False
    field: Any = fields[name]
    leading = {index.fields[0] for index in opts.indexes}
    is_one = field.unique or field.is_relation or isinstance(field, UUIDField)
    return is_one and (field.unique or field.db_index or field.name in leading)


class Recent(admin.FieldListFilter):
    """A filter by the values that a column has in the newest rows, and by the one chosen.

    Django's asks the whole table for its values.
    """

    def __init__(self, field: Any, request: Any, params: Any, model: Any, *args: Any, **kw: Any):
        self.lookup_kwarg = kw["field_path"]
        self.chosen = (params.get(self.lookup_kwarg) or [""])[-1]
        super().__init__(field, request, params, model, *args, **kw)
        newest = model._base_manager.order_by(f"-{args[0].newest_by}")
        values = set(newest.values_list(self.field_path, flat=True)[:_OFFERED_FROM])
        self._values = sorted({*map(str, values - {None, ""}), *filter(None, [self.chosen])})

    def expected_parameters(self) -> list[str | None]:
        """The column itself."""
        return [self.lookup_kwarg]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """All, and each value."""
        everything = changelist.get_query_string(remove=[self.lookup_kwarg])
        yield {"selected": not self.chosen, "query_string": everything, "display": _("All")}
        for value in self._values:
            link = changelist.get_query_string({self.lookup_kwarg: value})
            yield {"selected": value == self.chosen, "query_string": link, "display": value}


def beginning(path: str, text: str, using: str) -> Q | None:
    """Rows whose UUID at ``path`` begins like this; ``None`` where it is no such beginning."""
    digits = text.replace("-", "").lower()
    if not _ID.fullmatch(digits):
        return None
    if connections[using].vendor == "mysql":  # runs on MariaDB only
        # MariaDB sorts a UUID by its last digits first.
        return Q((f"{path}__istartswith", text))
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return Q((f"{path}__gte", first), (f"{path}__lte", last))
