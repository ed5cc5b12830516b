"""What is known of an attempt."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class AttemptState(models.TextChoices):
    """What is known of an attempt; the first four are open."""

    STARTED = "started", _("started")
    REQUIRES_ACTION = "requires_action", _("waiting for the customer")
    PROCESSING = "processing", _("waiting for the service")
    UNKNOWN = "unknown", _("outcome unknown")
    SETTLED = "settled", _("charged")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", pgettext_lazy("attempt", "cancelled")
    SURPLUS = "surplus", _("surplus")
    MISMATCH = "mismatch", _("mismatch")


OPEN_STATES = (
    AttemptState.STARTED,
    AttemptState.REQUIRES_ACTION,
    AttemptState.PROCESSING,
    AttemptState.UNKNOWN,
)
#: Stands for the moocher of an attempt whose money a person saw, where no transfer was announced.
BY_HAND = "manual"
#: Money arrived, and no later report changes that.
ARRIVED_STATES = (AttemptState.SETTLED, AttemptState.SURPLUS, AttemptState.MISMATCH)
