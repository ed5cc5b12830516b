"""CSS classes by slot: ours by default, the host's where it owns its look.

A mapped slot loses our look (``pui-look-…``) and keeps our structure (``pui-…``).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

from payments_ui.conf import settings as pui

SLOTS = frozenset(
    {"button", "secondary", "link", "card", "table", "badge", "error", "note", "input", "check"}
)

PRESETS: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "bootstrap5": {
        "button": "btn btn-primary",
        "secondary": "btn border border-secondary text-body",
        "link": "btn btn-link px-0",
        "card": "card card-body",
        "table": "table",
        "badge": "badge rounded-pill text-bg-primary",
        "error": "alert alert-danger",
        "note": "alert alert-light border text-body",
        "input": "form-control",
        "check": "form-check-input border-secondary",
    },
    # Tailwind generates these where its build reads this file: @source "…/payments_ui/components".
    "tailwind": {
        "button": "rounded-lg bg-indigo-600 px-4 py-2 font-semibold text-white hover:bg-indigo-700",
        "secondary": "rounded-lg border border-current/30 px-4 py-2 font-medium hover:bg-current/5",
        "link": "rounded-lg -mx-1 px-1 py-2 font-medium underline underline-offset-4",
        "card": "rounded-xl border border-current/15 p-5",
        "table": "w-full [&_tr]:border-b [&_tr]:border-current/15 [&_td]:py-2 [&_th]:py-2",
        "badge": "rounded-full bg-indigo-600 px-2 py-0.5 text-xs font-semibold text-white",
        "error": "rounded-lg border-s-4 border-red-600 bg-red-600/10 p-4",
        "note": "rounded-lg bg-current/5 p-4",
        "input": "w-full rounded-lg border border-current/60 bg-transparent px-3 py-2",
        "check": "accent-indigo-600",
    },
}


def of(slot: str) -> str:
    """The classes of a slot. Raises ``ImproperlyConfigured`` for an unknown preset."""
    mapped = class_map().get(slot)
    return f"pui-{slot} pui-look-{slot}" if mapped is None else f"pui-{slot} {mapped}".rstrip()


def class_map() -> Mapping[str, str]:
    """The map that ``CLASSES`` is, or names."""
    chosen = pui.CLASSES
    if not isinstance(chosen, str):
        return chosen
    if chosen not in PRESETS:
        near = difflib.get_close_matches(chosen, PRESETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(PRESETS)}."
        raise ImproperlyConfigured(f"PAYMENTS_UI['CLASSES'] = {chosen!r}: {hint}")
    return PRESETS[chosen]
