"""The interface: widgets, views and moochers on top of the core."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class PaymentsUIConfig(AppConfig):
    """``payments_ui``, label ``payments_ui``."""

    name = "payments_ui"
    verbose_name = _("payments UI")

    def ready(self) -> None:
        """Register the system checks, and connect the core with PSPs and django-mooch."""
        from payments_ui import checks  # noqa: F401 - registers itself

        if not apps.is_installed("payments_ui.core"):
            # A system check says so.
            return
        from payments_ui.core import psp_port, signals
        from payments_ui.flows.leased_run import engine
        from payments_ui.flows.psp_port import MoocherPort
        from payments_ui.mooch import checks as _django_mooch  # noqa: F401 - registers itself
        from payments_ui.mooch.moocher import wrap
        from payments_ui.moochers import registry

        registry.register_wrapper(wrap)
        psp_port.register(MoocherPort())
        signals.run_resumed.connect(engine.on_resumed)
