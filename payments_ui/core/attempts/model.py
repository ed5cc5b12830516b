"""One try to charge a payment at one PSP."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.db.append_only import Asked, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.payments.model import Payment
from payments_ui.core.suspense.model import SuspenseItem
from payments_ui.core.suspense.states import SuspenseKind

from .states import ARRIVED_STATES, OPEN_STATES, AttemptState

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _payment_while(*states: AttemptState) -> Case:
    return Case(When(state__in=[str(state) for state in states], then=F("payment_id")))


class AttemptQuerySet(EvidenceQuerySet["Attempt"]):
    """Attempts by what is known of them; they are not changed in bulk."""

    def open(self) -> AttemptQuerySet:
        """Attempts whose outcome is not known."""
        return self.filter(state__in=OPEN_STATES)

    def to_look_at(self) -> AttemptQuerySet:
        """Money that a person has to look at: surplus and mismatch."""
        return self.filter(state__in=(AttemptState.SURPLUS, AttemptState.MISMATCH))

    def undecided(self) -> AttemptQuerySet:
        """Those of them about which no person has decided yet."""
        closed = SuspenseItem.objects.filter(attempt=OuterRef("pk"), closed_at__isnull=False)
        # An overdue answer that came was no decision about the money that came with it.
        return self.to_look_at().filter(~Exists(closed.exclude(kind=SuspenseKind.OVERDUE)))


class Attempt(Asked):
    """Committed before the PSP is asked; owns the idempotency key.

    Its state changes by compare-and-set in ``payments_ui.core.attempts.transitions`` and
    ``payments_ui.core.attempts.settlement`` only; ``save()`` refuses on a stored row.
    """

    State = AttemptState
    OPEN = OPEN_STATES
    ARRIVED = ARRIVED_STATES

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("payment")
    )
    moocher = IdentifierField(_("payment service"), max_length=100)
    account = IdentifierField(_("account at the service"), max_length=100, blank=True)
    live = models.BooleanField(_("real money"), default=False)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    currency = IdentifierField(_("currency"), max_length=3)
    state = IdentifierField(_("state"), max_length=20, choices=State.choices, default=State.STARTED)
    idempotency_key = IdentifierField(_("request key"), max_length=64)
    # NULL, since an empty text would collide with others.
    form_token = IdentifierField(
        _("form token"),
        max_length=64,
        null=True,
        help_text=_("Identifies the payment form, so that sending it twice pays once."),
    )
    psp_reference = IdentifierField(
        _("reference at the service"), max_length=200, null=True, blank=True
    )
    # No URLField: it may be a path of the site, and PSPs' URLs know no longest.
    action_url = models.TextField(_("customer sent to"), blank=True)
    failure_code = IdentifierField(
        _("reason for failure"), max_length=40, blank=True, choices=DeclineCode.choices
    )
    manual = models.BooleanField(
        _("booked by hand"),
        default=False,
        help_text=_("A clerk recorded the money; the service cannot refund it."),
    )
    received_amount = models.DecimalField(
        _("received amount"), max_digits=14, decimal_places=3, null=True, blank=True
    )
    received_currency = IdentifierField(_("received currency"), max_length=3, blank=True)
    refunded_amount = models.DecimalField(
        _("refunded amount"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        editable=False,
        help_text=_("Refunded, or reserved for an open refund."),
    )
    evidence = models.JSONField(_("what the service reported"), default=dict, blank=True)
    started_at = models.DateTimeField(_("started at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    asked_at = models.DateTimeField(
        _("last checked at"),
        null=True,
        blank=True,
        help_text=_("When the service was last asked for the outcome."),
    )
    announced_at = models.DateTimeField(
        _("site notified at"),
        null=True,
        blank=True,
        help_text=_("When your site was told about the charge."),
    )
    # NULL never collides: the portable way to say "at most one per payment", because
    # MySQL and MariaDB have no partial indexes.
    open_payment = models.GeneratedField(
        expression=_payment_while(*OPEN_STATES),
        output_field=models.UUIDField(null=True),
        db_persist=True,
    )
    settled_payment = models.GeneratedField(
        expression=_payment_while(AttemptState.SETTLED),
        output_field=models.UUIDField(null=True),
        db_persist=True,
    )

    objects = AttemptQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-started_at",)
        base_manager_name = "objects"
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        indexes = (models.Index(fields=("state", "updated_at"), name="payments_attempt_state"),)
        constraints = rules.constraints(rules.ATTEMPTS)

    def __str__(self) -> str:
        return f"{self.reference} {self.moocher} {self.state}"

    @property
    def failure_message(self) -> _StrPromise | str:
        """Why it failed, as a sentence for the customer."""
        known = self.failure_code in DeclineCode.values
        return DeclineCode(self.failure_code if known else DeclineCode.GENERIC).label

    @property
    def received(self) -> Decimal:
        """What arrived, in units of ``received_currency``."""
        return self.received_amount or Decimal(0)
