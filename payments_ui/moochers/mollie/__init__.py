"""Mollie: cards, iDEAL, TWINT and what else it offers, on its own page.

Needs the extra ``mollie``: ``pip install 'django-payments-ui[mollie]'``.
"""

from __future__ import annotations

from .moocher import MollieMoocher

__all__ = ["MollieMoocher"]
