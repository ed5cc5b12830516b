"""What exists once where it is set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage
from django.db.models import Model, Q, UniqueConstraint


class UniqueWhereSet(UniqueConstraint):
    """Unique fields of which one, ``key``, is NULL in rows that the rule is not about.

    Where a database has partial indexes, those rows are not in the index, and writing them costs
    nothing. MariaDB and MySQL have none, and Django would leave the constraint out there: they get
    a whole index, which says the same, since NULL never equals NULL, and so does the database that
    ``all_on`` names, where it serves as an index of all rows.
    """

    def __init__(self, *, fields: Iterable[str], name: str, key: str, all_on: str = "") -> None:
        super().__init__(fields=tuple(fields), name=name, condition=Q((f"{key}__isnull", False)))
        self.key, self.all_on = key, all_on

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """For migrations: as it was made."""
        path, args, _options = super().deconstruct()
        made: dict[str, Any] = {"fields": self.fields, "name": self.name, "key": self.key}
        return path, args, made | ({"all_on": self.all_on} if self.all_on else {})

    def check(self, model: type[Model], connection: Any) -> list[CheckMessage]:
        """As Django's, without its warning of a condition (models.W036): all is kept here."""
        plain: Any = self._plain
        found: list[CheckMessage] = (plain.check if hasattr(plain, "check") else plain._check)(
            model, connection
        )
        return found

    # Its name in Django 5.2.
    _check = check

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """As Django's of a plain one, which says what is there already, and not our name for it."""
        self._plain.validate(*args, **kwargs)

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Part of CREATE TABLE."""
        return self._on(schema_editor).constraint_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Add it to a table."""
        return self._on(schema_editor).create_sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Remove it from a table."""
        return self._on(schema_editor).remove_sql(model, schema_editor)

    def _on(self, schema_editor: Any) -> Any:
        """What this database is told: the condition only where it understands it."""
        connection = schema_editor.connection
        if connection.features.supports_partial_indexes and connection.vendor != self.all_on:
            # What Django makes of the same, since these methods of our own ask here.
            return UniqueConstraint(fields=self.fields, name=self.name, condition=self.condition)
        return self._plain  # runs on PostgreSQL only, and on MariaDB

    @property
    def _plain(self) -> UniqueConstraint:
        """The same without its condition: NULL never equals NULL."""
        return UniqueConstraint(fields=self.fields, name=self.name)
