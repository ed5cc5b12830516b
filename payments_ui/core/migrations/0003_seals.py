"""From here on the tables have seals.

They are put on after the last migration, by ``seals.upkeep``, and not in the middle: SQLite
cannot change a table that a trigger names, and rules of a later version may read columns that
are not there yet. A later migration that writes what is sealed, or on a server changes the type
of a column that a seal reads, does so within ``seals.lifted()``.
"""

from typing import Any

from django.db import migrations

from payments_ui.core import triggers


def remove(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("payments_core", "0002_refunds_and_suspense")]

    operations = [migrations.RunPython(migrations.RunPython.noop, remove)]
