"""System checks of the interface: host, moochers, templates, URLs. Importing it registers them."""

from __future__ import annotations

from . import host, moochers, templates, urls

__all__ = ["host", "moochers", "templates", "urls"]
