"""Keep the ids of what is to be imported free from what the site records meanwhile."""

from __future__ import annotations

from django.db import connections, models
from django.db.models import Max

from payments_ui.core.models import LineItem

from .source import SourceItem

_TABLE = LineItem._meta.db_table
_SEQUENCE = f"pg_get_serial_sequence('{_TABLE}', 'id')"
# ruff: noqa: S608 - only our own table's name goes in
_CONTINUE_WITH = {
    "postgresql": (f"SELECT setval({_SEQUENCE}, GREATEST(nextval({_SEQUENCE}), %(next)s), false)",),
    "sqlite": (
        f"DELETE FROM sqlite_sequence WHERE name = '{_TABLE}'",
        f"INSERT INTO sqlite_sequence (name, seq) VALUES ('{_TABLE}', %(next)s - 1)",
    ),
    "mysql": (f"ALTER TABLE {_TABLE} AUTO_INCREMENT = %(next)s",),
}


def reserve(source: str, target: str) -> None:
    """Give new line items ids beyond all that are to be imported.

    Outside of a transaction: MySQL and MariaDB would commit it.
    """
    rows: models.QuerySet[SourceItem] = models.QuerySet(SourceItem, using=source)
    highest = rows.aggregate(highest=Max("id"))["highest"] or 0
    books: models.QuerySet[LineItem] = models.QuerySet(LineItem, using=target)
    if books.filter(pk__gte=highest).exists():
        return
    connection = connections[target]
    with connection.cursor() as cursor:
        for sql in _CONTINUE_WITH[connection.vendor]:
            cursor.execute(sql, {"next": highest + 1})
