"""The tables of django-user-payments, read without its code, which may be uninstalled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps.registry import Apps
from django.db import connections, models
from django.db.models.functions import Round

from payments_ui import money
from payments_ui.exceptions import PaymentsUIError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _Field = models.Field[Any, Any]
    _UUIDBase = models.UUIDField[Any, Any]
else:
    _Field, _UUIDBase = models.Field, models.UUIDField

# A registry of their own: the site's own registry never lists these models.
_apps = Apps()


class SourceError(PaymentsUIError):
    """The old tables are missing, or differ from those of django-user-payments 0.3."""

    code = "import_source"


class _UUIDField(_UUIDBase):
    """A native column; also the 32 digits that older Djangos stored where MariaDB has one."""

    def get_internal_type(self) -> str:
        return "UUIDField"

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        identifier = UUID(str(value))
        return identifier if connection.vendor == "postgresql" else identifier.hex


class _AnyField(_Field):
    """A user's primary key, whatever the site has chosen."""


class SourcePayment(models.Model):
    """A row of ``user_payments_payment``."""

    id = _UUIDField(primary_key=True)
    user = _AnyField(db_column="user_id")
    created_at = models.DateTimeField()
    charged_at = models.DateTimeField(null=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    payment_service_provider = models.CharField(max_length=100)
    email = models.EmailField()
    transaction = models.TextField()

    class Meta:
        apps = _apps
        app_label = "user_payments_source"
        managed = False
        db_table = "user_payments_payment"

    def __str__(self) -> str:
        return str(self.id)


class SourceItem(models.Model):  # noqa: DJ008 - shown by its id only
    """A row of ``user_payments_lineitem``."""

    id = models.BigIntegerField(primary_key=True)
    user = _AnyField(db_column="user_id")
    created_at = models.DateTimeField()
    title = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    payment = _UUIDField(db_column="payment_id", null=True)

    class Meta:
        apps = _apps
        app_label = "user_payments_source"
        managed = False
        db_table = "user_payments_lineitem"


class SourceCustomer(models.Model):
    """A row of ``stripe_customers_customer``, of the ancestor's optional app."""

    id = models.BigIntegerField(primary_key=True)
    user = _AnyField(db_column="user_id")
    created_at = models.DateTimeField()
    customer_id = models.CharField(max_length=50)
    customer_data = models.TextField()

    class Meta:
        apps = _apps
        app_label = "user_payments_source"
        managed = False
        db_table = "stripe_customers_customer"

    def __str__(self) -> str:
        return self.customer_id


# Not read: subscriptions point at line items, which keep their ids.
_OPTIONAL = "user_subscriptions_"
# What money, dates and ids are stored as; every kind of text will do.
_STORED_AS = {
    "UUIDField": {"UUIDField", "CharField"},
    "DecimalField": {"DecimalField"},
    "DateTimeField": {"DateTimeField"},
    "BigIntegerField": {"AutoField", "BigAutoField", "IntegerField", "BigIntegerField"},
}
TABLES: tuple[type[models.Model], ...] = (SourcePayment, SourceItem)


def require(using: str, currency: str) -> None:
    """Raise ``SourceError`` unless the tables can be read, in amounts of this currency."""
    installed = connections[using].introspection.table_names()
    for model in TABLES:
        if model._meta.db_table not in installed:
            raise SourceError(f"Database {using!r} has no table {model._meta.db_table}")
        for problem in _differences(model, connections[using]):
            raise SourceError(f"{problem}: this is not the table of django-user-payments 0.3")
    decimals = money.minor_unit(currency)
    rows: models.QuerySet[SourcePayment] = models.QuerySet(SourcePayment, using=using)
    odd = rows.exclude(charged_at=None).exclude(amount=Round("amount", decimals)).first()
    if odd is not None:
        amount = money.format_amount(odd.amount, currency)
        raise SourceError(
            f"Payment {odd} of {amount} has too many decimals for {currency}, which has "
            f"{decimals}: name the right --currency"
        )


def has_customers(using: str) -> bool:
    """Whether there is a table of Stripe's customers; ``SourceError`` where it is another."""
    if SourceCustomer._meta.db_table not in connections[using].introspection.table_names():
        return False
    for problem in _differences(SourceCustomer, connections[using]):
        raise SourceError(f"{problem}: this is not the table of django-user-payments 0.3")
    return True


def left_out(using: str) -> Iterator[str]:
    """Columns that the site added, and tables of the ancestor's optional apps: not copied."""
    connection = connections[using]
    for table in sorted(connection.introspection.table_names()):
        if table.startswith(_OPTIONAL):
            yield f"table {table}"
    for model in (*TABLES, *([SourceCustomer] if has_customers(using) else ())):
        known = {field.column for field in model._meta.concrete_fields}
        for name in sorted(_columns(model, connection).keys() - known):
            yield f"column {model._meta.db_table}.{name}"


def _differences(model: type[models.Model], connection: BaseDatabaseWrapper) -> Iterator[str]:
    columns, table = _columns(model, connection), model._meta.db_table
    for field in model._meta.concrete_fields:
        stored, wanted = columns.get(str(field.column)), field.get_internal_type()
        if stored is None:
            yield f"Table {table} has no column {field.column}"
        elif stored not in _STORED_AS.get(wanted, {stored}):
            yield f"Column {table}.{field.column} is a {stored}, not a {wanted}"


def _columns(model: type[models.Model], connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The table's columns by name, and which field Django would make of each."""
    introspection = connection.introspection
    with connection.cursor() as cursor:
        described = introspection.get_table_description(cursor, model._meta.db_table)
    return {
        column.name: str(introspection.get_field_type(column.type_code, column))
        for column in described
    }
