"""System checks of what the database refuses; they run with ``check --database default``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Info, Warning
from django.db import DEFAULT_DB_ALIAS, connections

from payments_ui.conf import settings
from payments_ui.core.rules import BOOKS

from .installation import expected, installed, switched_off
from .on_migrate import HINT, has_tables


def check_triggers(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The triggers are installed and enabled, or not there, as the setting says."""
    messages: list[CheckMessage] = []
    for using in filter(has_tables, databases or ()):
        existing = installed(connections[using])
        missing = sorted(expected(connections[using]) - existing)
        option = "" if using == DEFAULT_DB_ALIAS else f" --database {using}"
        if settings.TRIGGERS and missing:
            text = f"The database {using!r} lacks triggers of the books: {', '.join(missing)}."
            hint = f"Run `manage.py install_triggers{option}`. {HINT}"
            messages.append(Warning(text, hint=hint, id="payments_ui.W050"))
        elif existing and not settings.TRIGGERS:
            text = f"The database {using!r} has triggers of the books that migrate does not renew."
            hint = f"Drop them by `manage.py install_triggers --remove{option}`."
            messages.append(Info(text, hint=hint, id="payments_ui.I051"))
    return messages


def check_constraints(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The constraints of the books exist, and the database enforces them."""
    messages: list[CheckMessage] = []
    for using in filter(has_tables, databases or ()):
        connection = connections[using]
        missing = set(switched_off(connection))
        with connection.cursor() as cursor:
            for table in BOOKS:
                existing = connection.introspection.get_constraints(cursor, table.table)
                names = {rule.constraint.name for rule in table.rules if rule.constraint}
                missing |= names - existing.keys()
        if missing:
            text = (
                f"The database {using!r} lacks constraints of the books, or does not enforce "
                f"them: {', '.join(sorted(missing))}."
            )
            hint = (
                "Run `manage.py audit_payments` to see what is wrong already. Make them again as "
                "the migrations of payments_core do, and switch on what is switched off in the "
                "database's configuration or in DATABASES."
            )
            messages.append(Warning(text, hint=hint, id="payments_ui.W052"))
    return messages
