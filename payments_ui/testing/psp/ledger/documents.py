"""What a PSP keeps besides money, as its API shows it: customers, set-ups, pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .clock import Clock
from .store import Store

JsonObject = dict[str, Any]


class Documents:
    """JSON objects by their `id`, sorted by a kind. Threads may share it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, kind: str, body: JsonObject) -> JsonObject:
        """Enter an object, which has an `id`, and return it."""
        row = {"id": body["id"], "kind": kind, "body": json.dumps(body)}
        self._store.insert("documents", row | {"created_at": self._clock.now()})
        return body

    def get(self, kind: str, object_id: str) -> JsonObject | None:
        """Return the object of this kind with this id, or None."""
        sql = "SELECT body FROM documents WHERE id = ? AND kind = ?"
        row = self._store.row(sql, object_id, kind)
        found: JsonObject | None = json.loads(row["body"]) if row else None
        return found

    def save(self, body: JsonObject) -> None:
        """Write an object that is there already."""
        sql = "UPDATE documents SET body = ? WHERE id = ?"
        self._store.change(sql, json.dumps(body), body["id"])

    def delete(self, object_id: str) -> None:
        """Forget an object."""
        self._store.change("DELETE FROM documents WHERE id = ?", object_id)

    def newest(self, limit: int) -> list[tuple[str, float, JsonObject]]:
        """Return kind, time and object of the newest ones, newest first."""
        sql = "SELECT kind, created_at, body FROM documents ORDER BY number DESC LIMIT ?"
        rows = self._store.rows(sql, limit)
        return [(row["kind"], row["created_at"], json.loads(row["body"])) for row in rows]

    @contextmanager
    def changing(self, kind: str, object_id: str) -> Iterator[JsonObject]:
        """Change an object in a transaction, nobody else meanwhile; KeyError without it."""
        with self._store.transaction():
            body = self.get(kind, object_id)
            if body is None:
                raise KeyError(object_id)
            yield body
            self.save(body)

    def find(self, kind: str, **fields: object) -> list[JsonObject]:
        """Return the objects of a kind, newest first, whose fields have these values."""
        sql = "SELECT body FROM documents WHERE kind = ?"
        sql += "".join(f" AND json_extract(body, '$.{name}') = ?" for name in fields)
        rows = self._store.rows(f"{sql} ORDER BY number DESC", kind, *fields.values())
        return [json.loads(row["body"]) for row in rows]
