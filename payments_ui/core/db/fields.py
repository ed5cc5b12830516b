"""Columns that mean the same on every database: exact decimals, and identifiers."""

from __future__ import annotations

import hashlib
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.exceptions import InvalidAmountError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _Field = models.Field[Any, Any]
    _DecimalField = models.DecimalField[Any, Any]
else:
    _Field, _DecimalField = models.Field, models.DecimalField

# Wider than any value or sum, so that nothing is rounded on the way.
_CONTEXT = Context(prec=60)
_CENT = Decimal("0.01")
#: The largest number that SQLite counts to.
_LARGEST_INTEGER = Decimal(2**63 - 1)


# Of an identifier that does not fit: a character that marks it, and a part of its hash.
_HASH_DIGITS = 16


def is_plain(text: str) -> bool:
    """Whether every database takes this text: no NUL, no lone surrogate."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def fitting(text: str, length: int) -> str:
    """Return the identifier as a column of this length holds it; what fits is left alone."""
    if (len(text) <= length and is_plain(text)) or length <= 2 * _HASH_DIGITS:
        return text
    original = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(original).hexdigest()[:_HASH_DIGITS]
    escaped = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return f"{escaped[: length - _HASH_DIGITS - 1]}~{digest}"


if TYPE_CHECKING:
    # Typed by django-stubs as what it is.
    IdentifierField = models.CharField
else:

    class IdentifierField(models.CharField):
        """A text that is compared byte by byte on every database.

        For what others make up and what programs compare: keys, references, event ids, states,
        currencies. MariaDB and MySQL compare texts by a collation which takes ``TXaB9`` for
        ``TXAb9`` and ``chf`` for ``CHF``; most ignore blanks at the end. SQLite and PostgreSQL
        compare bytes anyway.

        What a PSP or a bank makes up may be longer than the column, or hold what databases
        refuse (NUL, a lone surrogate). It is escaped and shortened with a hash, in the same way
        where it is written and where it is looked for.
        """

        def get_prep_value(self, value: Any) -> Any:
            prepared = super().get_prep_value(value)
            return fitting(prepared, self.max_length) if isinstance(prepared, str) else prepared

        def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
            parameters = super().db_parameters(connection)
            if connection.vendor == "mysql":  # runs on MariaDB only
                is_mariadb = getattr(connection, "mysql_is_mariadb", False)
                parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
            return parameters


class AmountFormField(forms.DecimalField):
    """As Django's, for numbers that ``money.number`` takes: no ``1_2``, no ``١٢``."""

    def to_python(self, value: Any) -> Any:
        """The number, or ``None`` where the field is empty."""
        if value in self.empty_values:
            return None
        try:
            return money.number(formats.sanitize_separators(value) if self.localize else value)
        except InvalidAmountError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class ExactDecimalField(_Field):
    """A decimal that every database stores, compares and sums exactly.

    SQLite has no decimal type: Django stores decimals there as floats of 15 digits, and
    ``SUM`` adds floats. This field is ``numeric`` where the database has it, and on SQLite
    a 64-bit integer counting units of the last decimal place: at most 92,233,720,368.54775807
    with eight of them. Beyond that values are refused there, as what has too many digits is, and
    sums are an error, never a wrong number.

    No ``DecimalField`` on purpose: arithmetic with it in SQL needs an ``output_field`` that
    one has thought about, since ``F("amount") * 2`` would lose the scale on SQLite.
    Floats, and values with more digits than the column has, are refused, never rounded. What
    is read, and what is summed, has no zeros at its end beyond two decimals.
    """

    description = _("Exact decimal number")

    def __init__(
        self,
        verbose_name: Any = None,
        name: str | None = None,
        *,
        max_digits: int,
        decimal_places: int,
        **options: Any,
    ) -> None:
        super().__init__(verbose_name, name, **options)
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        digits = {"max_digits": self.max_digits, "decimal_places": self.decimal_places}
        return name, path, args, {**kwargs, **digits}

    def get_internal_type(self) -> str:
        # By an unknown name, PostgreSQL would take many rows as one parameter per value. This is
        # a known one by which Django converts nothing; as a decimal it would make floats of them.
        return "CharField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "sqlite":
            return "bigint"
        return f"numeric({self.max_digits}, {self.decimal_places})"

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def formfield(self, **options: Any) -> Any:
        digits = {"max_digits": self.max_digits, "decimal_places": self.decimal_places}
        return super().formfield(**{"form_class": AmountFormField, **digits, **options})

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        if isinstance(value, bool | float):
            raise ValidationError(_("Not an exact number: %(value)s"), params={"value": value})
        try:
            return money.number(value)
        except InvalidAmountError as error:
            raise ValidationError(_("Not a number: %(value)s"), params={"value": value}) from error

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        number = self.to_python(value)
        if number is None:
            return None
        scaled = number.scaleb(self.decimal_places, context=_CONTEXT)
        is_whole = scaled == scaled.to_integral_value()
        is_counted = connection.vendor == "sqlite"
        is_short = scaled.adjusted() < self.max_digits
        if not (is_whole and is_short) or (is_counted and abs(scaled) > _LARGEST_INTEGER):
            raise InvalidAmountError(f"{number} does not fit into {self.name}")
        return int(scaled) if is_counted else number

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_db_prep_value(value, connection)

    def from_db_value(
        self, value: Any, expression: Any, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        if value is None:
            return None
        stored = _number(value)
        if connection.vendor == "sqlite":
            return _readable(stored.scaleb(-self.decimal_places, context=_CONTEXT))
        return _readable(stored)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)


class AmountField(_DecimalField):
    """A decimal column that reads ``5.00`` where three decimals are stored; also in aggregates."""

    def from_db_value(
        self, value: Any, expression: Any, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        return None if value is None else _readable(_number(value))


def _number(value: Any) -> Decimal:
    """What the database returned; SQLite's average is a float, and a text was stored by hand."""
    try:
        return Decimal(value)
    except InvalidOperation:
        raise InvalidAmountError(f"{value!r} is stored as an amount") from None


def _readable(number: Decimal) -> Decimal:
    """The same number without zeros at its end beyond two decimals: 5.00, and 0.0004."""
    if not number.is_finite():
        return number
    short = number.quantize(_CENT, context=_CONTEXT)
    return short if short == number else number.normalize(_CONTEXT)
