"""What is known of a saved payment method."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class PaymentMethodState(models.TextChoices):
    """What is known of a payment method that a user agreed to save."""

    #: The PSP is asked to keep it, or the customer has to take a step.
    PENDING = "pending", pgettext_lazy("payment method", "being saved")
    ACTIVE = "active", pgettext_lazy("payment method", "saved")
    FAILED = "failed", pgettext_lazy("payment method", "not saved")
    #: Gone for its user; the PSP has not confirmed yet that it has it no more.
    REMOVING = "removing", pgettext_lazy("payment method", "being removed")
    REMOVED = "removed", pgettext_lazy("payment method", "removed")
