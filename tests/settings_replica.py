"""A site that reads from a replica which never catches up: a test that reads the books there fails.

Django forbids tests the databases that they do not ask for, and no test asks for this one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.settings import *

DATABASES["replica"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": (name := Path(tempfile.gettempdir()) / f"payments-ui-replica-{os.getpid()}.sqlite3"),
    "TEST": {"NAME": name},
}


class Replica:
    """Sends reads of the books to the replica, and every write to the default database."""

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return "replica" if model._meta.app_label == "payments_core" else None

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        return "default"


DATABASE_ROUTERS = ["tests.settings_replica.Replica"]
