"""The core app: works with no interface, too."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class PaymentsCoreConfig(AppConfig):
    """``payments_ui.core``, label ``payments_core``."""

    name = "payments_ui.core"
    label = "payments_core"
    verbose_name = _("payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, install triggers after migrations, keep the log clean."""
        from .on_demand import on_demand, register_checks
        from .privacy import redaction

        checks, triggers = f"{self.name}.checks", f"{self.name}.triggers"
        register_checks(checks, "check_settings", "check_middleware", "check_database")
        register_checks(checks, "check_isolation_level", tag=Tags.database)
        names = ("check_triggers", "check_constraints")
        register_checks(f"{triggers}.checks", *names, tag=Tags.database)
        before = on_demand(f"{triggers}.on_migrate.before_migrations")
        pre_migrate.connect(before, sender=self)
        after = on_demand(f"{triggers}.on_migrate.after_migrations")
        post_migrate.connect(after, sender=self)
        post_migrate.connect(on_demand(f"{self.name}.tallies.forget_all"), sender=self)
        redaction.watch_logs()
