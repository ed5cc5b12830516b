"""Lets the kit's widgets follow the look that a visitor switched on.

Sites do not need this: they have one look, and write ``"CLASSES": "bootstrap5"``.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from showroom.looks import LOOKS

#: The look of the request that this thread works on; the middleware says.
look_now: ContextVar[str] = ContextVar("look_now", default="plain")


class LookedAt(dict[str, Any]):
    """The kit's settings, with class names and form pack of the look at hand."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting; two of them depend on the request."""
        look = LOOKS[look_now.get()]
        by_look = {"CLASSES": look.kit_classes, "FORM_PACK": look.form_pack}
        return by_look.get(key, super().get(key, default))
