"""Pages of lists whose length nobody counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and whether there is another."""

    rows: list[Any]
    number: int
    has_next: bool

    @classmethod
    def of(cls, rows: list[Any], number: int, limit: int) -> Page:
        """From ``limit + 1`` rows, of which the last only says that there is more."""
        return cls(rows[:limit], number, len(rows) > limit)

    @property
    def previous(self) -> int:
        """Number of the page before."""
        return self.number - 1

    @property
    def next(self) -> int:
        """Number of the page after."""
        return self.number + 1
