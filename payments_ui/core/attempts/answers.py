"""Writing an answer of a PSP into its row, in the caller's transaction, under the lock."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from payments_ui.core.models import Attempt, Refund


def news(row: Attempt | Refund, changes: dict[str, Any]) -> dict[str, Any]:
    """Those changes that the row does not have already."""
    return {name: new for name, new in changes.items() if getattr(row, name) != new}


def write(row: Attempt | Refund, changes: dict[str, Any]) -> None:
    """Store the changes, when that was, and whether it has ended with them."""
    now = timezone.now()
    ended_at = None if changes.get("state", row.state) in row.OPEN else now
    rows: models.QuerySet[Any] = models.QuerySet(type(row)).filter(pk=row.pk)
    rows.update(**changes, updated_at=now, ended_at=ended_at)
