"""What is promised to exist once: the UNIQUE constraints, looked at without trusting them."""

from __future__ import annotations

from django.db import models

from payments_ui.core.models import Attempt, Event, LineItem, Refund, SuspenseItem

from .words import Rule, Scan


def _once(name: str, promise: str, model: type[models.Model], *columns: str) -> Scan:
    table = f"{{{model._meta.model_name}}}"
    same = " AND ".join(f"r.{column} = d.{column}" for column in columns)
    names = ", ".join(columns)
    filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    # Only our own tables' and columns' names go in.
    source = f"""
SELECT r.id, d.times FROM {table} r JOIN (
    SELECT {names}, COUNT(*) AS times FROM {table} WHERE {filled}
    GROUP BY {names} HAVING COUNT(*) > 1
) d ON {same}
"""  # noqa: S608
    return Scan(model, source, (Rule(name, promise, "times > 1", ("times",)),))


UNIQUES = (
    _once(
        "lineitem_once",
        "A user's key is recorded once.",
        LineItem,
        *("user_id", "{key}"),
    ),
    _once(
        "attempt_reference_once",
        "A PSP's reference belongs to one attempt.",
        Attempt,
        *("moocher", "account", "psp_reference"),
    ),
    _once(
        "attempt_key_once",
        "No two attempts have the same idempotency key.",
        Attempt,
        "idempotency_key",
    ),
    _once(
        "attempt_form_once",
        "A form starts one attempt, however often it is posted.",
        Attempt,
        "form_token",
    ),
    _once(
        "refund_key_once",
        "No two refunds have the same idempotency key.",
        Refund,
        "idempotency_key",
    ),
    _once(
        "refund_reference_once",
        "A PSP's reference belongs to one refund of an attempt.",
        Refund,
        *("attempt_id", "psp_reference"),
    ),
    _once(
        "event_once",
        "What a PSP or a bank reports is stored once.",
        Event,
        *("moocher", "account", "event_id"),
    ),
    _once(
        "suspense_attempt_once",
        "For the same reason a person looks once at an attempt.",
        SuspenseItem,
        *("kind", "attempt_id"),
    ),
    _once(
        "suspense_event_once",
        "For the same reason a person looks once at an event.",
        SuspenseItem,
        *("kind", "event_id"),
    ),
    _once(
        "suspense_refund_once",
        "For the same reason a person looks once at a refund.",
        SuspenseItem,
        *("kind", "refund_id"),
    ),
)
