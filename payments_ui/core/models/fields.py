"""An exact decimal column on every database."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _DecimalField = models.DecimalField[Decimal | str | int, Decimal]
else:
    _DecimalField = models.DecimalField


class ExactDecimalField(_DecimalField):
    """A ``DecimalField`` that SQLite stores, compares and sums exactly.

    SQLite has no decimal type: Django stores decimals there as floats of 15 digits, and
    ``SUM`` adds floats. This field is ``numeric`` where the database has it, and on SQLite
    a 64-bit integer counting units of the last decimal place (at most 18 digits; a sum
    beyond 64 bits is an error there, never a wrong number).
    """

    def get_internal_type(self) -> str:
        # Not "DecimalField": its converter on SQLite passes through a float.
        return "ExactDecimalField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "sqlite":
            return "bigint"
        return f"numeric({self.max_digits}, {self.decimal_places})"

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        value = self.to_python(value)
        if value is None or connection.vendor != "sqlite":
            return value
        scaled = value.scaleb(self.decimal_places, context=self.context)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {self.decimal_places} decimals")
        return int(scaled)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_db_prep_value(value, connection)

    def from_db_value(
        self, value: Any, expression: Any, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        if value is None:
            return None
        if connection.vendor == "sqlite":
            return Decimal(value).scaleb(-self.decimal_places, context=self.context)
        return Decimal(value)
