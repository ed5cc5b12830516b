"""Lists of any length: read, counted and summed as far as a clerk looks, never to their end.

A list is in the order of a column with an index, the newest row first. What an index finds (an
identifier, a user, the few rows that wait for a clerk) is looked for among all rows. Everything
else, by which no index serves a list of millions (a filter, a text, another order), looks through
so many rows at a time, the newest first, and a link leads on to the next.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connections
from django.db.models import Model, Q, QuerySet, UUIDField
from django.http import HttpRequest
from django.utils import timezone
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
#: In an address: the first row of a part that is not the newest.
BEGINS_AT = "begins_at"
#: Between a moment and a key in it: neither has one.
_SEPARATOR = "~"
#: So many digits of an id are no chance: references and numbers that people read have that many.
_ID = re.compile(r"[0-9a-f]{8,32}")
#: Where the groups of digits of a UUID begin and end.
_GROUPS = (0, 8, 12, 16, 20, 32)
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


class Place(NamedTuple):
    """Where a row is in its list: a moment or a number, and what tells it from others of that."""

    value: Any
    key: Any

    def as_text(self) -> str:
        """For an address."""
        value = self.value.isoformat() if isinstance(self.value, dt.datetime) else self.value
        return f"{value}{_SEPARATOR}{self.key}"


class LongList(ChangeList):
    """A list of an admin with ``newest_by`` and ``identified``, however many rows there are."""

    #: The first row behind what was looked through; ``None`` where that is all.
    floor: Place | None = None
    #: Whether more rows match than the list has counted.
    is_partial = False
    #: The query strings that lead on to older rows, and back to the newest.
    older = newest = ""

    def get_filters(self, request: HttpRequest) -> Any:
        """As Django's; remembers what of the address no filter has taken."""
        found: Any = super().get_filters(request)
        self._lookups = dict(found[2])
        return found

    def get_filters_params(self, params: Any = None) -> Any:
        """As Django's, without where this part begins."""
        found = super().get_filters_params(params)
        found.pop(BEGINS_AT, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """As Django's, as far as this looks. An action looks through all: its file is complete.

        Of a part that is not the newest, all from its first row on.
        """
        by_admin: Any = self.model_admin
        sought, self.query = self.query, ""
        begins_at = self._begins_at()
        rows = super().get_queryset(request, exclude_parameters)
        self.query = sought
        if begins_at is not None:
            rows = rows.filter(self._from(begins_at))
        identified = by_admin.identified(sought) if sought else None
        if identified is not None:
            return rows.filter(identified)
        if request.method != "POST" and (sought or self._looks_at_each) and not self._is_few:
            rows = self._looked_through(rows, begins_at)
        if sought:
            rows, _may_repeat = by_admin.containing(request, rows, sought)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        """As Django's, with the ways on and back.

        The users of a page, and whatever else each of its rows has, are read after it. Where they
        are joined, MariaDB begins with them, and sorts all rows there are for a page of fifty.
        """
        super().get_results(request)
        joined = self.result_list.query.select_related
        # Else it joins nothing, or whatever Django finds.
        if isinstance(joined, dict):
            self.result_list = self._read_along(joined)
        is_sorted = bool(self.params.get(ORDER_VAR))
        end = self.floor
        if self.result_count >= COUNTED and not is_sorted:
            end = self._place(self.queryset, COUNTED) or end
        self.is_partial = end is not None or self.result_count >= COUNTED
        if end is not None:
            self.older = self.get_query_string({BEGINS_AT: end.as_text()}, [BEGINS_AT])
        if BEGINS_AT in self.params:
            self.newest = self.get_query_string(remove=[BEGINS_AT])

    def _read_along(self, joined: Mapping[str, Any]) -> QuerySet[Any]:
        # What a row may lack is joined to what was found: no database begins with it.
        optional = {name: more for name, more in joined.items() if self.opts.get_field(name).null}
        others = {name: more for name, more in joined.items() if name not in optional}
        rows: QuerySet[Any] = self.result_list.select_related(None)
        if optional:
            rows = rows.select_related(*_paths(optional))
        return rows.prefetch_related(*_paths(others))

    @property
    def _order(self) -> tuple[str, str]:
        """The column of the list, and what tells rows of one moment apart: as Django sorts them."""
        return self.model_admin.newest_by, "pk"  # type: ignore[attr-defined]

    def _begins_at(self) -> Place | None:
        """Where the address says that this part begins."""
        text = self.params.get(BEGINS_AT)
        if text is None:
            return None
        value, _separator, key = text.rpartition(_SEPARATOR)
        try:
            column: Any = self.model._meta.get_field(self._order[0])
            place = Place(column.to_python(value), self.model._meta.pk.to_python(key))
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        if isinstance(place.value, dt.datetime) and timezone.is_naive(place.value):
            raise IncorrectLookupParameters(f"{value} has no time zone")
        return place

    def _place(self, rows: QuerySet[Any], number: int) -> Place | None:
        """Where the row of this number is, in the order of the list."""
        found = rows.values_list(*self._order)[number : number + 1]
        return next((Place(*row) for row in found), None)

    def _from(self, place: Place) -> Q:
        """This row, and those behind it."""
        column, key = self._order
        # What is true of all of them first: it is what an index finds.
        return Q((f"{column}__lte", place.value)) & (
            Q((f"{column}__lt", place.value)) | Q((f"{key}__lte", place.key))
        )

    def _before(self, place: Place) -> Q:
        """The rows in front of this one."""
        column, key = self._order
        return Q((f"{column}__gte", place.value)) & (
            Q((f"{column}__gt", place.value)) | Q((f"{key}__gt", place.key))
        )

    @property
    def _looks_at_each(self) -> bool:
        """Whether rows are chosen or sorted by what only each row itself tells."""
        return bool(self.has_active_filters or self.params.get(ORDER_VAR) or self._lookups)

    @property
    def _is_few(self) -> bool:
        """Whether an index finds the few rows among which the rest is looked for."""
        specs = (getattr(spec, "is_few", False) for spec in self.filter_specs)
        return any(specs) or any(_is_found(self.model, name) for name in self._lookups)

    def _looked_through(self, rows: QuerySet[Any], begins_at: Place | None) -> QuerySet[Any]:
        every = self.model._base_manager.order_by(*(f"-{name}" for name in self._order))
        if begins_at is not None:
            every = every.filter(self._from(begins_at))
        self.floor = self._place(every, LOOKED_THROUGH)
        return rows if self.floor is None else rows.filter(self._before(self.floor))


def _paths(related: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """What a queryset joins, as ``prefetch_related`` names it."""
    for name, further in related.items():
        yield f"{before}{name}"
        yield from _paths(further, f"{before}{name}__")


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
        # MariaDB sorts a UUID by its last digits first, and compares it as it is written.
        groups = (digits[start:end] for start, end in pairwise(_GROUPS))
        return Q((f"{path}__istartswith", "-".join(filter(None, groups))))
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return Q((f"{path}__gte", first), (f"{path}__lte", last))
