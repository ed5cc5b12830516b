"""The suspense account: money, or an answer about money, that a person has to review."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core import rules
from payments_ui.core.db.append_only import Evidence
from payments_ui.core.db.fields import IdentifierField

from . import resolution
from .event import Event
from .queue import SuspenseQuerySet
from .states import SuspenseKind, SuspenseState


class SuspenseItem(Evidence):
    """Written in the transaction that stores the money; the admins are notified once.

    ``amount`` is what arrived, in units of ``currency``; ``None`` where only an answer is
    missing. ``SuspenseQuerySet.end`` alone changes the state, by compare-and-set.
    """

    Kind = SuspenseKind
    State = SuspenseState

    kind = IdentifierField(_("kind"), max_length=20, choices=SuspenseKind.choices)
    state = IdentifierField(
        _("state"), max_length=20, choices=SuspenseState.choices, default=SuspenseState.OPEN
    )
    attempt = models.ForeignKey(
        "payments_core.Attempt",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="suspense_items",
        verbose_name=_("payment attempt"),
    )
    event = models.ForeignKey(
        "payments_core.Event",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="suspense_items",
        verbose_name=_("service report"),
    )
    refund = models.ForeignKey(
        "payments_core.Refund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="suspense_items",
        verbose_name=_("refund"),
    )
    payment = models.ForeignKey(
        "payments_core.Payment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="suspense_items",
        verbose_name=_("matched payment"),
    )
    amount = models.DecimalField(
        _("amount"), max_digits=14, decimal_places=3, null=True, blank=True
    )
    currency = IdentifierField(_("currency"), max_length=3, blank=True)
    live = models.BooleanField(
        _("real money"),
        default=True,
        help_text=_("Not where the service reported it in its test mode."),
    )
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)
    notified_at = models.DateTimeField(
        _("admins notified at"),
        null=True,
        blank=True,
        help_text=_("When the site's administrators were notified."),
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = IdentifierField(_("closed by"), max_length=100, blank=True)
    reason = models.TextField(_("reason"), blank=True)

    objects = SuspenseQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-opened_at",)
        base_manager_name = "objects"
        verbose_name = _("item to review")
        verbose_name_plural = _("needs review")
        permissions = (("resolve_suspenseitem", _("Can resolve items that need review")),)
        indexes = (models.Index(fields=("state", "opened_at"), name="payments_suspense_state"),)
        constraints = rules.constraints(rules.SUSPENSE_ITEMS)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk} {self.arrived}".rstrip()

    @property
    def arrived(self) -> str:
        """What arrived, for people; empty where only an answer is missing."""
        return money.format_arrived(self.amount, self.currency)

    @property
    def reported(self) -> Event | None:
        """What a bank or a person said of the money, where it is known. One query at most."""
        if self.event is not None or self.attempt is None:
            return self.event
        arrival = self.attempt.arrivals.select_related("event").first()
        return arrival.event if arrival is not None else None

    def describe(self) -> str:
        """One sentence for the people who run the site: what arrived, and for what."""
        if self.refund is not None:
            text = _(
                "The service has not answered about refund %(reference)s of payment %(payment)s."
            )
            return text % {
                "reference": self.refund.reference,
                "payment": self.refund.payment_id,
            }
        if self.event is not None and self.event.attempt_id is not None:
            text = _(
                "%(service)s reports refund %(reference)s of attempt %(attempt)s, which is more "
                "than what is left of its money, or in another currency."
            )
            return text % {
                "service": self.event.moocher,
                "reference": self.event.about.get("refund_reference", ""),
                "attempt": self.event.attempt,
            }
        if self.event is not None:
            text = _("%(money)s arrived with the unknown reference “%(reference)s”.")
            return text % {
                "money": self.arrived or _("Money"),
                "reference": self.event.psp_reference,
            }
        assert self.attempt is not None  # noqa: S101 - each item is about one of the three
        facts = {
            "money": self.arrived,
            "asked": money.format_amount(self.attempt.amount, self.attempt.currency),
            "reference": self.attempt.reference,
            "payment": self.attempt.payment_id,
            "service": self.attempt.moocher,
        }
        if self.kind == SuspenseKind.OVERDUE:
            text = _(
                "%(service)s has not answered about attempt %(reference)s of payment %(payment)s."
            )
        else:
            text = _(
                "%(money)s arrived through %(service)s for attempt %(reference)s of payment "
                "%(payment)s, which asked for %(asked)s."
            )
        return text % facts

    match = resolution.match
    credit = resolution.credit
    give_back = resolution.give_back
    close = resolution.close
