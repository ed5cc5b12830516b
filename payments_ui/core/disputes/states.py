"""What is known of a dispute."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class DisputeState(models.TextChoices):
    """What is known of a dispute; the first three are open."""

    #: The bank asks; no money has been taken, and none may ever be.
    INQUIRY = "inquiry", _("the bank asks")
    NEEDS_RESPONSE = "needs_response", _("evidence is due")
    UNDER_REVIEW = "under_review", _("under review")
    WON = "won", pgettext_lazy("dispute", "won")
    LOST = "lost", pgettext_lazy("dispute", "lost")
    #: An inquiry that ended without any money being taken.
    CLOSED = "closed", pgettext_lazy("dispute", "closed")


OPEN_STATES = (DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW)
