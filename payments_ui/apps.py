from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsUIConfig(AppConfig):
    name = "payments_ui"
    verbose_name = _("payments UI")

    def ready(self) -> None:
        from payments_ui import checks  # noqa: F401, PLC0415 - registers itself
        from payments_ui.core import announce  # noqa: PLC0415
        from payments_ui.moochers import registry  # noqa: PLC0415

        announce.sender_by_identifier = registry.sender
