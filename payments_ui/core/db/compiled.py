"""Statements that are built once: Django takes longer to build some than databases to run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.db import connections, models


class _Place(int):
    """Stands in parameters for the UUID of this number."""


class Compiled:
    """What a queryset asks about two rows, by their UUIDs; built by Django at the first question.

    ``build`` is called with the UUIDs and returns a queryset of plain columns. It must depend on
    nothing else: no setting, and not the time.
    """

    def __init__(self, build: Callable[[UUID, UUID], models.QuerySet[Any, Any]]) -> None:
        self._build = build
        self._built: dict[str, tuple[str, list[Any]]] = {}

    def first(self, using: str, one: UUID, other: UUID) -> Any:
        """The columns of the first row that it finds in this database; ``None`` without one."""
        connection = connections[using]
        if connection.vendor not in self._built:
            self._built[connection.vendor] = self._compile(using)
        sql, params = self._built[connection.vendor]
        keys = [_stored(key, connection) for key in (one, other)]
        with connection.cursor() as cursor:
            cursor.execute(sql, [keys[each] if type(each) is _Place else each for each in params])
            return cursor.fetchone()

    def _compile(self, using: str) -> tuple[str, list[Any]]:
        stands_in = (uuid4(), uuid4())
        sql, params = self._build(*stands_in).using(using).query.get_compiler(using).as_sql()
        known = {_stored(key, connections[using]): _Place(at) for at, key in enumerate(stands_in)}
        return sql, [known.get(each, each) for each in params]


def _stored(key: UUID, connection: Any) -> Any:
    return models.UUIDField().get_db_prep_value(key, connection)
