"""The core app: works with no interface, too."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsCoreConfig(AppConfig):
    """``payments_ui.core``, label ``payments_core``."""

    name = "payments_ui.core"
    label = "payments_core"
    verbose_name = _("payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401 - registers itself
