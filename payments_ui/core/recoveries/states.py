"""What becomes of a payment that could not be charged without its user."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class RecoveryState(models.TextChoices):
    """What happens next, as long as the payment is pending."""

    PLANNED = "planned", pgettext_lazy("recovery", "will be tried again")
    #: The same card is of no use: the customer has to pay, or to save another one.
    WAITING = "waiting", pgettext_lazy("recovery", "waiting for the customer")
    #: All tries failed; the site was told, and decides.
    GIVEN_UP = "given_up", pgettext_lazy("recovery", "given up")
