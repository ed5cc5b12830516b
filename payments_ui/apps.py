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
        from payments_ui.core import delivery
        from payments_ui.core.audit import psps
        from payments_ui.core.refunds import requesting
        from payments_ui.flows import compare_ledgers
        from payments_ui.flows import refund as refunding
        from payments_ui.mooch import checks as _checks_of_mooch  # noqa: F401 - registers itself
        from payments_ui.mooch.moocher import wrap
        from payments_ui.moochers import registry

        registry.register_wrapper(wrap)
        delivery.sender_by_identifier = registry.sender
        psps.compare = compare_ledgers.compare
        requesting.can_send, requesting.send = refunding.can_send, refunding.send
