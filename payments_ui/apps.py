"""The interface: widgets, views and moochers on top of the core."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class PaymentsUIConfig(AppConfig):
    """``payments_ui``, label ``payments_ui``."""

    name = "payments_ui"
    verbose_name = _("payments UI")

    def ready(self) -> None:
        """Register the system checks, and tell the core who sends its signals and knows PSPs."""
        from payments_ui import checks  # noqa: F401 - registers itself

        if not apps.is_installed("payments_ui.core"):
            # A system check says so.
            return
        from payments_ui.core import announce, refunds
        from payments_ui.core.auditing import psps
        from payments_ui.flows import ledgers, refunding
        from payments_ui.moochers import registry

        announce.sender_by_identifier = registry.sender
        psps.compare = ledgers.compare
        refunds.can_send, refunds.send = refunding.can_send, refunding.send
