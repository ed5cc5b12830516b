"""The same pages as in the tests of the components."""

from __future__ import annotations

from tests.components.conftest import moochers, owe, page, pending, request_of

__all__ = ["moochers", "owe", "page", "pending", "request_of"]
