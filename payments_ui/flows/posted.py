"""What customers post before a PSP is asked: a moocher's form, and not too often."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.conf import settings
from payments_ui.core.models import Attempt, PaymentMethod
from payments_ui.exceptions import MoocherError, PaymentsUIError, TooManyAttemptsError
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.form_refill import without_private

if TYPE_CHECKING:
    from django.forms import Form

logger = logging.getLogger("payments_ui")


class FormInvalidError(PaymentsUIError):
    """The moocher's form has errors; ``form`` shows them."""

    code = "form_invalid"
    message = _("Something in the form is missing or not right. Nothing was charged.")

    def __init__(self, form: Form) -> None:
        super().__init__(form.errors.as_json())
        self.form = form


def cleaned(moocher: Moocher, get_form: Callable[[], Form]) -> dict[str, Any]:
    """The data of a moocher's bound form.

    Raises ``FormInvalidError``, and ``MoocherError`` where the form itself fails.
    """
    try:
        form = get_form()
        is_valid = form.is_valid()
    except Exception as error:
        logger.exception("The form of moocher %s failed", moocher.identifier)
        raise MoocherError(f"The form of {moocher.identifier} failed") from error
    if not is_valid:
        raise FormInvalidError(without_private(form))
    return form.cleaned_data


def check_pace(user_id: Any) -> None:
    """Raise ``TooManyAttemptsError`` where a user tried more often than ``ATTEMPTS_PER_HOUR``.

    Saving a payment method tries a card, too.
    """
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    paying = Attempt.objects.filter(payment__user=user_id, started_at__gt=hour_ago)
    saving = PaymentMethod.objects.filter(user=user_id, attempt=None, created_at__gt=hour_ago)
    if paying.count() + saving.count() >= settings.ATTEMPTS_PER_HOUR:
        raise TooManyAttemptsError(f"User {user_id}: too many attempts in an hour")
