from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsCoreConfig(AppConfig):
    name = "payments_ui.core"
    label = "payments_core"
    verbose_name = _("payments")
    default_auto_field = "django.db.models.BigAutoField"
