"""The app that a site lists while it moves in from django-user-payments."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsImportingConfig(AppConfig):
    """``payments_ui.importing``: brings the command ``import_user_payments``."""

    name = "payments_ui.importing"
    label = "payments_importing"
    verbose_name = _("moving in from django-user-payments")
