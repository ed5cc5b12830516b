"""What PSPs and banks reported, each report once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.db.append_only import Evidence
from payments_ui.core.db.fields import IdentifierField

from .states import EventState


class Event(Evidence):
    """A fact that a PSP or a bank reported, by its own id, stored once.

    Only verified facts are stored: no webhook whose signature is wrong. What a webhook named is
    kept, so that it can be handled again; what it said is not, since the PSP is asked.
    """

    State = EventState

    moocher = IdentifierField(_("payment service"), max_length=100)
    account = IdentifierField(_("account at the service"), max_length=100, blank=True)
    event_id = IdentifierField(_("report number"), max_length=255)
    received_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    state = IdentifierField(_("state"), max_length=20, choices=State.choices)
    attempt = models.ForeignKey(
        "payments_core.Attempt",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("payment attempt"),
    )
    kind = IdentifierField(_("kind"), max_length=100, blank=True)
    psp_reference = IdentifierField(_("reference at the service"), max_length=255, blank=True)
    about = models.JSONField(
        _("about"),
        default=dict,
        blank=True,
        help_text=_("What else the report names: a refund, a dispute, a saved payment method."),
    )
    warning = models.TextField(_("warning"), blank=True)
    amount = models.DecimalField(
        _("amount"), max_digits=14, decimal_places=3, null=True, blank=True
    )
    currency = IdentifierField(_("currency"), max_length=3, blank=True)
    arrived_on = models.DateField(
        _("arrived on"), null=True, blank=True, help_text=_("The day the bank says.")
    )
    payer = IdentifierField(
        _("payer"), max_length=255, blank=True, help_text=_("Who paid, as the bank names them.")
    )

    class Meta:
        ordering = ("-received_at",)
        base_manager_name = "objects"
        verbose_name = _("service report")
        verbose_name_plural = _("service reports")
        constraints = rules.constraints(rules.EVENTS)

    def __str__(self) -> str:
        return f"{self.moocher} {self.event_id}"
