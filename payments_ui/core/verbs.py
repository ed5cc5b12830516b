"""What the journal says happened."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JournalVerb(models.TextChoices):
    """What happened to line items, payments, attempts, refunds, disputes, methods or money."""

    PAYMENT_CREATED = "payment_created", _("payment created")
    PAYMENT_CANCELLED = "payment_cancelled", _("payment cancelled")
    PAYMENT_CHARGED = "payment_charged", _("payment charged")
    PAYMENT_UNDONE = "payment_undone", _("payment undone")
    ATTEMPT_STARTED = "attempt_started", _("payment attempt started")
    ATTEMPT_CHANGED = "attempt_changed", _("payment attempt changed")
    MONEY_ARRIVED = "money_arrived", _("part of a payment received")
    MONEY_WRITTEN_OFF = "money_written_off", _("rest written off")
    MONEY_SURPLUS = "money_surplus", _("surplus received")
    MONEY_MISMATCH = "money_mismatch", _("mismatched amount received")
    MONEY_UNMATCHED = "money_unmatched", _("unidentified payment received")
    REFUND_REQUESTED = "refund_requested", _("refund requested")
    REFUND_CHANGED = "refund_changed", _("refund changed")
    DISPUTE_OPENED = "dispute_opened", _("dispute opened")
    DISPUTE_CHANGED = "dispute_changed", _("dispute changed")
    CHARGES_REOPENED = "charges_reopened", _("items owed again after a dispute")
    FRAUD_WARNING = "fraud_warning", _("warning of fraud received")
    METHOD_STARTED = "method_started", _("payment method to be saved")
    METHOD_CHANGED = "method_changed", _("saving a payment method went on")
    METHOD_DEFAULT = "method_default", _("default payment method chosen")
    METHOD_REMOVED = "method_removed", _("payment method removed")
    METHOD_FORGOTTEN = "method_forgotten", _("payment method removed from the service")
    RECOVERY_PLANNED = "recovery_planned", _("next try planned")
    RECOVERY_STOPPED = "recovery_stopped", _("tries stopped")
    MAIL_SENT = "mail_sent", _("mail sent")
    MAIL_FAILED = "mail_failed", _("mail not sent")
    MAIL_DROPPED = "mail_dropped", _("mail no longer needed")
    SUSPENSE_CLOSED = "suspense_closed", _("review closed")
    LINEITEM_ADDED = "lineitem_added", _("line item added by hand")
    LINEITEM_CHANGED = "lineitem_changed", _("line item changed")
    LINEITEM_DELETED = "lineitem_deleted", _("line item deleted")
    USER_ANONYMIZED = "user_anonymized", _("user anonymized")
    PAYMENTS_IMPORTED = "payments_imported", _("payments imported")
