"""Why an item needs review, and what became of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SuspenseKind(models.TextChoices):
    """Why an item needs review."""

    SURPLUS = "surplus", _("surplus")
    MISMATCH = "mismatch", _("mismatch")
    UNMATCHED = "unmatched", _("unidentified")
    OVERDUE = "overdue", pgettext_lazy("suspense", "no answer")


class SuspenseState(models.TextChoices):
    """What became of it; all but the first are final."""

    OPEN = "open", pgettext_lazy("suspense", "needs review")
    MATCHED = "matched", pgettext_lazy("suspense", "matched")
    CREDITED = "credited", pgettext_lazy("suspense", "credited")
    RETURNED = "returned", pgettext_lazy("suspense", "returned")
    CLOSED = "closed", pgettext_lazy("suspense", "closed")


class EventState(models.TextChoices):
    """Whether the report belongs to a known attempt or refund."""

    PROCESSED = "processed", _("processed")
    UNMATCHED = "unmatched", _("unidentified")
