"""System checks of the interface: host, moochers, templates. Importing it registers them."""

from __future__ import annotations

from . import host, moochers, templates

__all__ = ["host", "moochers", "templates"]
