"""A site that reads from a replica which never catches up: reading the books there is an error."""

from __future__ import annotations

from typing import Any

from tests.settings import *


class Replica:
    """Sends reads of the books to a database that does not exist; writes go to the default."""

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return "replica" if model._meta.app_label == "payments_core" else None

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        return "default"


DATABASE_ROUTERS = ["tests.settings_replica.Replica"]
