"""The interface: widgets, views and moochers on top of the core."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class PaymentsUIConfig(AppConfig):
    """``payments_ui``, label ``payments_ui``."""

    name = "payments_ui"
    verbose_name = _("payments UI")

    def ready(self) -> None:
        """Register the system checks, and tell the core who sends its signals."""
        from payments_ui import checks  # noqa: F401 - registers itself

        if not apps.is_installed("payments_ui.core"):
            # A system check says so.
            return
        from payments_ui.core import announce
        from payments_ui.moochers import registry

        announce.sender_by_identifier = registry.sender
