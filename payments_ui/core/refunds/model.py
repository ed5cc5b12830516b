"""Money given back: a row each, with a key and a journal of its own."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, F, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.attempts.model import Attempt
from payments_ui.core.db.append_only import EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.payments.model import Payment
from payments_ui.core.psp_request import PSPRequest

from . import transitions
from .states import OPEN_STATES, RELEASED_STATES, RefundState


class RefundQuerySet(EvidenceQuerySet["Refund"]):
    """Refunds by what is known of them; they are not changed in bulk."""

    def open(self) -> RefundQuerySet:
        """Refunds whose outcome is not known."""
        return self.filter(state__in=OPEN_STATES)

    def reserving(self) -> RefundQuerySet:
        """Refunds whose money is given back, or may be: what counts as refunded."""
        return self.exclude(state__in=RELEASED_STATES)


class Refund(PSPRequest):
    """Committed before the PSP is asked; owns its idempotency key.

    It gives back money that arrived with ``attempt``; ``amount`` is in units of
    ``currency``. Its state changes by compare-and-set in ``core/refunds/transitions`` only.
    """

    State = RefundState
    OPEN = OPEN_STATES
    RELATED = ("payment__user", "attempt")

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    attempt = models.ForeignKey(
        Attempt,
        on_delete=models.PROTECT,
        related_name="refunds",
        verbose_name=_("payment attempt"),
        db_index=False,
    )
    state = IdentifierField(
        _("state"), max_length=20, choices=RefundState.choices, default=RefundState.REQUESTED
    )
    manual = models.BooleanField(
        _("sent by hand"),
        default=False,
        help_text=_("A clerk sends the money; the service cannot."),
    )
    elsewhere = models.BooleanField(
        _("made elsewhere"),
        default=False,
        help_text=_("Made at the service, such as in its dashboard, and not here."),
    )
    reason = models.TextField(_("reason"))
    failure_code = IdentifierField(_("reason for failure"), max_length=50, blank=True)
    requested_at = models.DateTimeField(_("requested at"), default=timezone.now, editable=False)
    # At most one per attempt, so that two clerks give money back once. What was made elsewhere is
    # a fact, however many there are.
    open_attempt = models.GeneratedField(
        expression=Case(
            When(
                state__in=[str(state) for state in OPEN_STATES],
                elsewhere=False,
                then=F("attempt_id"),
            )
        ),
        output_field=models.UUIDField(null=True),
        db_persist=True,
    )

    objects = RefundQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-requested_at",)
        base_manager_name = "objects"
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        indexes = (
            models.Index(fields=("state", "updated_at"), name="payments_refund_state"),
            models.Index(fields=("requested_at",), name="payments_refund_newest"),
        )
        constraints = rules.constraints(rules.REFUNDS)

    def __str__(self) -> str:
        return f"{self.reference} {self.state}"

    record = transitions.record
    mark_sent = transitions.mark_sent
    mark_not_sent = transitions.mark_not_sent
