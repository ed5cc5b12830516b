"""Triggers: by them the database refuses what no code of ours may do.

They are made from ``payments_ui.core.rules`` and hold for ``QuerySet.update()``, raw SQL and code
with a fault alike. ``docs/explanation/triggers.md`` lists what is refused.
"""

from __future__ import annotations

from .installation import (
    TriggersNotAllowedError,
    disabled,
    expected,
    install,
    installed,
    remove,
)

__all__ = [
    "TriggersNotAllowedError",
    "disabled",
    "expected",
    "install",
    "installed",
    "remove",
]
