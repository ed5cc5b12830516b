"""The append-only record of what happened to line items and payments."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .evidence import Evidence
from .fields import ExactDecimalField


class JournalEntry(Evidence):
    """Who did what, and why. Written in the transaction of the change itself.

    Payments, attempts and line items are named by id and not by foreign key, so that an
    entry survives what it tells of.
    """

    class Verb(models.TextChoices):
        PAYMENT_CREATED = "payment_created", _("payment created")
        PAYMENT_CANCELLED = "payment_cancelled", _("payment cancelled")
        PAYMENT_CHARGED = "payment_charged", _("payment charged")
        PAYMENT_UNDONE = "payment_undone", _("payment undone")
        ATTEMPT_STARTED = "attempt_started", _("attempt started")
        ATTEMPT_CHANGED = "attempt_changed", _("attempt changed")
        MONEY_SURPLUS = "money_surplus", _("money arrived that is not owed")
        MONEY_MISMATCH = "money_mismatch", _("money arrived that does not match")
        MONEY_UNMATCHED = "money_unmatched", _("money arrived that nobody knows")
        REFUND_REQUESTED = "refund_requested", _("refund requested")
        REFUND_CHANGED = "refund_changed", _("refund changed")
        SUSPENSE_CLOSED = "suspense_closed", _("money looked at")
        LINEITEM_ADDED = "lineitem_added", _("line item added by hand")
        LINEITEM_CHANGED = "lineitem_changed", _("line item changed")
        LINEITEM_DELETED = "lineitem_deleted", _("line item deleted")
        USER_ANONYMIZED = "user_anonymized", _("user anonymized")
        PAYMENTS_IMPORTED = "payments_imported", _("payments imported")

    at = models.DateTimeField(pgettext_lazy("journal", "at"), default=timezone.now, editable=False)
    verb = models.CharField(pgettext_lazy("journal", "what"), max_length=30, choices=Verb.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("user"),
        help_text=_("Whose line items or payment it is."),
        db_index=False,
    )
    payment_id = models.UUIDField(_("payment"), null=True, db_index=True)
    attempt_id = models.UUIDField(_("attempt"), null=True)
    lineitem_id = models.BigIntegerField(_("line item"), null=True)
    items = models.PositiveIntegerField(_("number of line items"), null=True)
    total = ExactDecimalField(_("exact total"), max_digits=24, decimal_places=8, null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    actor = models.CharField(
        _("by whom"),
        max_length=100,
        help_text=_("A user's id, a moocher, or the system. Never a name."),
    )
    reason = models.TextField(pgettext_lazy("journal", "why"), blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        ordering = ("-id",)
        base_manager_name = "objects"
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        indexes = (models.Index(fields=("user", "id"), name="payments_journal_user"),)

    def __str__(self) -> str:
        at = timezone.localtime(self.at) if settings.USE_TZ else self.at
        return f"{at:%Y-%m-%d %H:%M} {self.get_verb_display()}"
