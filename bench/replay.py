"""The kit's own statements, sent by a bare cursor: what is left of the kit's time is Python."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from bench import database
from bench.contest import Contestant

#: How the table calls it.
NAME = "its own SQL"


class Named(Contestant):
    """A contestant that says by which values its statements differ from subject to subject."""

    def names(self, subject: Any) -> Sequence[Any]:
        """Keys and ids of the subject, always in the same order."""
        raise NotImplementedError


class Replay(Contestant):
    """Sends what another contestant has sent, for subjects of its own."""

    def __init__(self, original: Named) -> None:
        super().__init__(NAME)
        self._original = original
        subject = original.prepare()
        self._sent = database.sent_by(lambda: original.run(subject))
        self._names = original.names(subject)
        original.restore(subject)

    def prepare(self) -> Any:
        """A subject of the original, and the statements about it."""
        subject = self._original.prepare()
        other: dict[Any, Any] = {}
        for recorded, value in zip(self._names, self._original.names(subject), strict=True):
            other |= dict(zip(_spellings(recorded), _spellings(value), strict=True))
        return subject, [(sql, _renamed(params, other)) for sql, params in self._sent.statements]

    def run(self, subject: Any) -> None:
        """Send them, and fetch what comes back."""
        _subject, statements = subject
        block = transaction.atomic() if self._sent.is_atomic else nullcontext()
        with block, connection.cursor() as cursor:
            for sql, params in statements:
                cursor.execute(sql, params)
                if cursor.description:
                    cursor.fetchall()

    def restore(self, subject: Any) -> None:
        """As the original."""
        self._original.restore(subject[0])


def _spellings(value: Any) -> tuple[Any, ...]:
    return (value, value.hex, str(value)) if isinstance(value, UUID) else (value,)


def _renamed(params: Any, other: dict[Any, Any]) -> list[Any]:
    return [_other(value, other) for value in params or ()]


def _other(value: Any, other: dict[Any, Any]) -> Any:
    if isinstance(value, list):
        return [_other(each, other) for each in value]
    # A number may be a user's key and an amount: what compares equal must be of the same type, too.
    found = other.get(value, value) if isinstance(value, str | UUID | int) else value
    return found if type(found) is type(value) else value
