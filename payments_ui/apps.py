"""The interface: widgets, views and moochers on top of the core."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.checks import Tags
from django.utils.translation import gettext_lazy as _


class PaymentsUIConfig(AppConfig):
    """``payments_ui``, label ``payments_ui``."""

    name = "payments_ui"
    verbose_name = _("payments UI")

    def ready(self) -> None:
        """Register the system checks, and connect the core with PSPs and django-mooch.

        By dotted paths: a process that serves no payment loads no widget and no moocher.
        """
        from payments_ui.core.on_demand import on_demand, register_checks

        register_checks(
            "payments_ui.checks.host",
            *("check_apps", "check_middleware", "check_context_processor", "check_urls"),
            *("check_base_template", "check_payer", "check_classes"),
        )
        register_checks("payments_ui.checks.host", "check_private_pages", deploy=True)
        moochers = "payments_ui.checks.moochers"
        register_checks(moochers, "check_moochers", "check_can_pay")
        register_checks(moochers, "check_deployed_moochers", deploy=True)
        register_checks(moochers, "check_charged_currencies", tag=Tags.database)
        register_checks("payments_ui.checks.nights", "check_notices")
        register_checks("payments_ui.checks.templates", "check_templates", "check_assets")
        if not apps.is_installed("payments_ui.core"):
            # A system check says so.
            return
        from payments_ui.core import psp_port, signals
        from payments_ui.moochers import wrappers

        register_checks("payments_ui.mooch.checks", "check_django_mooch")
        wrappers.register("payments_ui.mooch.moocher.wrap")
        psp_port.register("payments_ui.flows.psp_port.MoocherPort")
        signals.run_resumed.connect(on_demand("payments_ui.flows.leased_run.engine.on_resumed"))
