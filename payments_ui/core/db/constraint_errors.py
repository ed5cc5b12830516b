"""What a database says when it refuses, as the kit's errors.

Databases refuse in their own words: PostgreSQL and SQLite by ``IntegrityError``, and so do MariaDB
and MySQL with Django. All of them name the constraint or the seal, but for SQLite, which names
the columns of a UNIQUE constraint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.db import DatabaseError, IntegrityError, OperationalError
from django.db.models import Model, UniqueConstraint

from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    EvidenceError,
    InvalidAmountError,
    PaymentStateError,
    PaymentsUIError,
    RefundOpenError,
    RuleBrokenError,
)

#: The error of each constraint; ``payments_item_once`` is ``record``'s own to explain.
CONSTRAINTS: Mapping[str, type[PaymentsUIError]] = {
    "payments_charged_or_gone": PaymentStateError,
    "payments_not_negative": InvalidAmountError,
    "payments_one_open_attempt": AttemptOpenError,
    "payments_one_settled_attempt": AlreadyChargedError,
    "payments_psp_reference": EvidenceError,
    "payments_attempt_known_state": EvidenceError,
    "payments_attempt_not_negative": InvalidAmountError,
    "payments_refunded_at_most_received": RuleBrokenError,
    "payments_one_open_refund": RefundOpenError,
    "payments_refund_reference": EvidenceError,
    "payments_refund_known_state": EvidenceError,
    "payments_refund_positive": InvalidAmountError,
    "payments_event_once": EvidenceError,
    "payments_suspense_attempt": EvidenceError,
    "payments_suspense_event": EvidenceError,
    "payments_suspense_refund": EvidenceError,
    "payments_suspense_closed": EvidenceError,
}
_NAME = re.compile(r"\bpayments_[a-z_]+")


def typed(error: BaseException) -> PaymentsUIError | None:
    """The kit's error for what the database refused; ``None`` if it refused something else."""
    if not isinstance(error, IntegrityError | OperationalError):
        return None
    text = str(error)
    for name in (*_NAME.findall(text), _unique_names().get(text, "")):
        if found := _errors().get(name):
            return found(text)
    return None


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


@cache
def _errors() -> Mapping[str, type[PaymentsUIError]]:
    # Their rules know the models, and the models know this module.
    from payments_ui.core.triggers.rule import PREFIX
    from payments_ui.core.triggers.rules import RULES

    return {**CONSTRAINTS, **{PREFIX + rule.name: rule.error for rule in RULES}}


@cache
def _unique_names() -> Mapping[str, str]:
    return {
        f"UNIQUE constraint failed: {', '.join(_columns(model, constraint))}": constraint.name
        for model in apps.get_app_config("payments_core").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
    }


def _columns(model: type[Model], unique: UniqueConstraint) -> Iterator[str]:
    fields: list[Any] = [model._meta.get_field(name) for name in unique.fields]
    return (f"{model._meta.db_table}.{field.column}" for field in fields)
