"""Charging without the customer: what would keep it from ever happening."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning

from payments_ui.conf import settings
from payments_ui.core.checks import RULES

from .moochers import without_errors

#: It wants no notice, whatever a law says.
_NONE = "payments_ui.core.billing.notices.none"


def check_notices(**kwargs: Any) -> list[CheckMessage]:
    """Notices that a law wants before a charge can be sent."""
    if not RULES["MAILS"].is_valid(settings.MAILS) or "notice" in settings.MAILS:
        return []
    if settings.CHARGE_NOTICE == _NONE or not any(each.can_save for each in without_errors()):
        return []
    text = f"CHARGE_NOTICE is {settings.CHARGE_NOTICE!r}, and MAILS does not list 'notice'."
    hint = (
        'Add "notice" to MAILS: where a law wants a notice before each charge, as for cards issued '
        f"in India, nothing is charged without one. Or name {_NONE}, if others send it."
    )
    return [Warning(text, hint=hint, id="payments_ui.W034")]
