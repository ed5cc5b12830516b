"""What is known of a refund."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class RefundState(models.TextChoices):
    """What is known of a refund; the first three are open."""

    REQUESTED = "requested", pgettext_lazy("refund", "requested")
    PENDING = "pending", pgettext_lazy("refund", "in progress")
    UNKNOWN = "unknown", pgettext_lazy("refund", "outcome unknown")
    SUCCEEDED = "succeeded", pgettext_lazy("refund", "refunded")
    FAILED = "failed", pgettext_lazy("refund", "failed")
    #: It had succeeded, and the money is back in the PSP's account.
    CAME_BACK = "came_back", pgettext_lazy("refund", "came back")


OPEN_STATES = (RefundState.REQUESTED, RefundState.PENDING, RefundState.UNKNOWN)
#: What was reserved for it is free again: the customer has not got the money.
RELEASED_STATES = (RefundState.FAILED, RefundState.CAME_BACK)
