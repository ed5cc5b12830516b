"""Indexes of some rows only, where a database has such, and others where it has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Index, Q


class IndexWhere(Index):
    """An index of those rows that ``where`` picks; MariaDB and MySQL make it of all rows.

    Django's own ``condition`` does the same there, and each site that uses them is warned of it
    (models.W037), though nothing is lost.
    """

    def __init__(self, *, fields: Iterable[str], name: str, where: Q) -> None:
        super().__init__(fields=tuple(fields), name=name)
        self.where = where

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """For migrations: as it was made."""
        path, args, options = super().deconstruct()
        return path, args, {**options, "where": self.where}

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **options: Any) -> Any:
        """Add it to a table."""
        return self._on(schema_editor.connection).create_sql(model, schema_editor, using, **options)

    def _on(self, connection: Any) -> Index:
        """What Django makes of the same on this database."""
        where = self.where if connection.features.supports_partial_indexes else None
        return Index(fields=self.fields, name=self.name, condition=where)


class IndexWhereOnPostgreSQL(IndexWhere):
    """An index of those rows that ``where`` picks on PostgreSQL; elsewhere one of ``elsewhere``.

    An UPDATE of an indexed column writes every index of its row anew on PostgreSQL, also those
    whose columns stay the same, but no index that the row is not in. SQLite and MariaDB write those
    whose columns change, so there one index more is cheaper than one more to leave and to enter.
    """

    def __init__(
        self, *, fields: Iterable[str], name: str, where: Q, elsewhere: Iterable[str]
    ) -> None:
        super().__init__(fields=fields, name=name, where=where)
        self.elsewhere = tuple(elsewhere)

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """For migrations: as it was made."""
        path, args, options = super().deconstruct()
        return path, args, {**options, "elsewhere": self.elsewhere}

    def _on(self, connection: Any) -> Index:
        if connection.vendor == "postgresql":  # runs on PostgreSQL only
            return super()._on(connection)
        return Index(fields=self.elsewhere, name=self.name)
