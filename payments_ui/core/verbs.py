"""What the journal says happened."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JournalVerb(models.TextChoices):
    """What happened to a line item, a payment, an attempt, a refund or money in suspense."""

    PAYMENT_CREATED = "payment_created", _("payment created")
    PAYMENT_CANCELLED = "payment_cancelled", _("payment cancelled")
    PAYMENT_CHARGED = "payment_charged", _("payment charged")
    PAYMENT_UNDONE = "payment_undone", _("payment undone")
    ATTEMPT_STARTED = "attempt_started", _("payment attempt started")
    ATTEMPT_CHANGED = "attempt_changed", _("payment attempt changed")
    MONEY_SURPLUS = "money_surplus", _("surplus received")
    MONEY_MISMATCH = "money_mismatch", _("mismatched amount received")
    MONEY_UNMATCHED = "money_unmatched", _("unidentified payment received")
    REFUND_REQUESTED = "refund_requested", _("refund requested")
    REFUND_CHANGED = "refund_changed", _("refund changed")
    SUSPENSE_CLOSED = "suspense_closed", _("review closed")
    LINEITEM_ADDED = "lineitem_added", _("line item added by hand")
    LINEITEM_CHANGED = "lineitem_changed", _("line item changed")
    LINEITEM_DELETED = "lineitem_deleted", _("line item deleted")
    USER_ANONYMIZED = "user_anonymized", _("user anonymized")
    PAYMENTS_IMPORTED = "payments_imported", _("payments imported")
