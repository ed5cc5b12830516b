"""An htmx-driven, server-rendered payments kit for Django sites."""

from __future__ import annotations

__version__ = "0.1.0"
