"""The site with a fake PSP, and its customers."""

from __future__ import annotations

from tests.fixtures import any_shopper, js_shopper, make_shopper, psp, shopper

__all__ = ["any_shopper", "js_shopper", "make_shopper", "psp", "shopper"]
