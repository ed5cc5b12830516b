"""The fake PSP, which the commands call."""

from __future__ import annotations

from tests.fixtures import psp

__all__ = ["psp"]
