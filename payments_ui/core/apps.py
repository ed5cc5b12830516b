"""The core app: works with no interface, too."""

from __future__ import annotations

from django.apps import AppConfig
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
        from . import checks  # noqa: F401 - the checks register themselves
        from .privacy import redaction
        from .triggers import checks as trigger_checks  # noqa: F401
        from .triggers import on_migrate

        pre_migrate.connect(on_migrate.before_migrations, sender=self)
        post_migrate.connect(on_migrate.after_migrations, sender=self)
        redaction.watch_logs()
