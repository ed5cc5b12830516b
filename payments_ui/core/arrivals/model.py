"""What arrived for an attempt whose money people book: a row for each part."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core import rules
from payments_ui.core.db.append_only import Evidence
from payments_ui.core.db.fields import IdentifierField


class Arrival(Evidence):
    """Money that arrived for an attempt, as far as it was asked for, or as surplus.

    ``amount`` is in units of ``currency``. ``event`` says what the bank or a person reported:
    the bank's reference, the day, and who paid. One report may be a part and a surplus, which are
    two rows. ``suspense_item`` is set where a person matched money that had arrived before.
    """

    attempt = models.ForeignKey(
        "payments_core.Attempt",
        on_delete=models.PROTECT,
        related_name="arrivals",
        verbose_name=_("payment attempt"),
    )
    event = models.ForeignKey(
        "payments_core.Event",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="arrivals",
        verbose_name=_("service report"),
    )
    suspense_item = models.ForeignKey(
        "payments_core.SuspenseItem",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="arrivals",
        verbose_name=_("matched item"),
    )
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    currency = IdentifierField(_("currency"), max_length=3)
    booked_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)
    booked_by = IdentifierField(_("recorded by"), max_length=100)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        ordering = ("booked_at", "id")
        base_manager_name = "objects"
        verbose_name = pgettext_lazy("money", "arrival")
        verbose_name_plural = pgettext_lazy("money", "arrivals")
        constraints = rules.constraints(rules.ARRIVALS)

    def __str__(self) -> str:
        return money.format_amount(self.amount, self.currency)
