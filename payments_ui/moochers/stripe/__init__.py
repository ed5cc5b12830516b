"""Stripe: cards, wallets and what else it offers, in the widget or on its own page.

``csp_sources`` works in a site's settings, where models cannot be imported yet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .csp import sources as csp_sources

if TYPE_CHECKING:
    from .moocher import StripeMoocher

__all__ = ["StripeMoocher", "csp_sources"]


def __getattr__(name: str) -> Any:
    if name == "StripeMoocher":
        return import_module(f"{__name__}.moocher").StripeMoocher
    raise AttributeError(f"{__name__} has no {name}")
