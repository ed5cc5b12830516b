"""A site that wraps each request in a transaction: no PSP may be asked inside of it."""

from __future__ import annotations

from tests.settings import *

DATABASES["default"]["ATOMIC_REQUESTS"] = True
