"""Rows that are written once: what a PSP was asked, what it said, what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from django.db import models

from payments_ui.exceptions import EvidenceError

from .querysets import BooksQuerySet

if TYPE_CHECKING:
    from collections.abc import Iterable

M = TypeVar("M", bound=models.Model)


class EvidenceQuerySet(BooksQuerySet[M]):
    """Rows are added and read; nothing changes or deletes them in bulk."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise EvidenceError(f"{self.model._meta.verbose_name}: rows are not updated in bulk")

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> NoReturn:
        """Always refused."""
        raise EvidenceError(f"{self.model._meta.verbose_name}: rows are never deleted")

    delete.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """As Django's; refuses ``update_conflicts``."""
        if kwargs.get("update_conflicts"):
            raise EvidenceError(f"{self.model._meta.verbose_name}: rows are never overwritten")
        return super().bulk_create(objs, *args, **kwargs)


class Evidence(models.Model):
    """Base of models whose stored rows neither ``save()`` nor ``delete()`` touches."""

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """Insert; raises ``EvidenceError`` for a row that is stored already."""
        if not self._state.adding:
            raise EvidenceError(f"{self._meta.verbose_name} {self.pk} is stored and stays as it is")
        # Not "update or insert", which Django tries where a primary key is given.
        super().save(**{**kwargs, "force_insert": True})

    save.alters_data = True  # type: ignore[attr-defined]

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always refused."""
        raise EvidenceError(f"{self._meta.verbose_name} {self.pk} is never deleted")

    delete.alters_data = True  # type: ignore[attr-defined]
