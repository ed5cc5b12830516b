"""Sandbox: pay without money, at the offline PSP of ``payments_ui.testing.psp``.

It plays every scenario a PSP has to offer, approvals and faults, over real HTTP. It refuses
to run where ``DEBUG`` is off, unless ``ALLOW_SANDBOX`` says otherwise.
"""

from __future__ import annotations

from .moocher import SandboxMoocher

__all__ = ["SandboxMoocher"]
