"""Where the books are read."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, router

M = TypeVar("M", bound=models.Model)


class BooksQuerySet(models.QuerySet[M]):
    """Reads the database in which the books are written, never a replica that lags behind.

    What a verb decides, and what a page shows after it, depends on rows that were committed a
    moment ago. ``using()`` chooses another database all the same.
    """

    _db: str | None
    _hints: dict[str, Any]

    @property
    def db(self) -> str:
        """The alias of the database that these rows are read from and written to."""
        return self._db or router.db_for_write(self.model, **self._hints)
