"""A customer's bank takes money back: a row each, with a journal of its own."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.attempts.model import Attempt
from payments_ui.core.db.append_only import Evidence, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.payments.model import Payment

from .states import OPEN_STATES, DisputeState


class DisputeQuerySet(EvidenceQuerySet["Dispute"]):
    """Disputes by what is known of them; they are not changed in bulk."""

    def open(self) -> DisputeQuerySet:
        """Disputes that are not decided yet, inquiries among them."""
        return self.filter(state__in=OPEN_STATES)

    def lost(self) -> DisputeQuerySet:
        """Disputes that took money for good."""
        return self.filter(state=DisputeState.LOST)


class Dispute(Evidence):
    """What a PSP says of a dispute about the money that arrived with ``attempt``.

    Amounts are in units of ``currency``. Written by ``Attempt.record_dispute`` only.
    """

    State = DisputeState
    OPEN = OPEN_STATES

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("payment")
    )
    attempt = models.ForeignKey(
        Attempt,
        on_delete=models.PROTECT,
        related_name="disputes",
        verbose_name=_("payment attempt"),
        db_index=False,
    )
    psp_reference = IdentifierField(_("reference at the service"), max_length=255)
    state = IdentifierField(_("state"), max_length=20, choices=State.choices)
    amount = models.DecimalField(_("disputed amount"), max_digits=14, decimal_places=3)
    currency = IdentifierField(_("currency"), max_length=3)
    reason = models.TextField(_("reason"), blank=True)
    opened_at = models.DateTimeField(_("opened at"))
    evidence_due_by = models.DateTimeField(_("evidence due by"), null=True, blank=True)
    withdrawn = models.DecimalField(
        _("withdrawn"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        help_text=_("What the service has taken from your account because of it."),
    )
    reinstated = models.DecimalField(
        _("reinstated"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        help_text=_("What the service has put back since."),
    )
    evidence = models.JSONField(_("what the service reported"), default=dict, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    opened_signal_sent_at = models.DateTimeField(
        _("site notified of its begin at"), null=True, blank=True
    )
    closed_signal_sent_at = models.DateTimeField(
        _("site notified of its end at"), null=True, blank=True
    )
    reopened_at = models.DateTimeField(
        _("items owed again since"),
        null=True,
        blank=True,
        help_text=_("When the customer's items that it took back became owed again."),
    )

    objects = DisputeQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-opened_at",)
        base_manager_name = "objects"
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        indexes = (
            models.Index(fields=("state", "updated_at"), name="payments_dispute_state"),
            models.Index(fields=("opened_at",), name="payments_dispute_newest"),
        )
        constraints = rules.constraints(rules.DISPUTES)

    def __str__(self) -> str:
        return f"{self.psp_reference} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it is not decided yet."""
        return self.state in self.OPEN

    @property
    def taken(self) -> Decimal:
        """What it has taken and not put back, in units of ``currency``."""
        return self.withdrawn - self.reinstated
