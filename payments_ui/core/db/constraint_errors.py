"""What a database says when it refuses, as the kit's errors.

PostgreSQL, SQLite, and with Django MariaDB and MySQL, too, refuse by ``IntegrityError``. All of
them name the constraint or the rule, except SQLite, which names the columns of a UNIQUE
constraint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, OperationalError
from django.db.models import UniqueConstraint

from payments_ui.core.rules import BOOKS, PREFIX, RULES
from payments_ui.exceptions import PaymentsUIError

_NAME = re.compile(r"\bpayments_[a-z_]+")
_BY_NAME: Mapping[str, type[PaymentsUIError]] = {
    **{PREFIX + rule.name: rule.error for rule in RULES},
    **{rule.constraint.name: rule.error for rule in RULES if rule.constraint is not None},
}
_BY_SQLITES_TEXT: Mapping[str, type[PaymentsUIError]] = {
    f"UNIQUE constraint failed: {', '.join(f'{table.table}.{c}' for c in rule.columns)}": rule.error
    for table in BOOKS
    for rule in table.rules
    if isinstance(rule.constraint, UniqueConstraint)
}


def typed(error: BaseException) -> PaymentsUIError | None:
    """Return the kit's error for what the database refused; ``None`` if it is something else."""
    if not isinstance(error, IntegrityError | OperationalError):
        return None
    text = str(error)
    known = [_BY_NAME[name] for name in _NAME.findall(text) if name in _BY_NAME]
    found = known[0] if known else _BY_SQLITES_TEXT.get(text)
    return found(text) if found else None


@contextmanager
def typed_refusals() -> Iterator[None]:
    """Raise the kit's error where the database refuses a write that the books do not allow.

    Goes around ``second_look`` and ``retrying``, which need what the database said.
    """
    try:
        yield
    except DatabaseError as error:
        refused = typed(error)
        if refused is None:
            raise
        raise refused from error
