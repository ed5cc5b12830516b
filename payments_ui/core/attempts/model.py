"""One try to charge a payment at one PSP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core import rules
from payments_ui.core.db.append_only import EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.indexes import IndexWhere
from payments_ui.core.disputes import transitions as disputes
from payments_ui.core.payments.model import Payment
from payments_ui.core.psp_request import PSPRequest
from payments_ui.core.refunds import elsewhere, requesting
from payments_ui.core.suspense.model import SuspenseItem
from payments_ui.core.suspense.states import SuspenseKind, SuspenseState

from . import booking, receiving, settlement, transitions, unexpected_money
from .outcomes import DeclineCode
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

    def unexpected(self) -> AttemptQuerySet:
        """Money that fits no open attempt: surplus and mismatch."""
        return self.filter(state__in=(AttemptState.SURPLUS, AttemptState.MISMATCH))

    def undecided(self) -> AttemptQuerySet:
        """Unexpected money about which no person has decided yet."""
        closed = SuspenseItem.objects.filter(attempt=OuterRef("pk"), closed_at__isnull=False)
        # An overdue answer that came was no decision about the money that came with it.
        return self.unexpected().filter(~Exists(closed.exclude(kind=SuspenseKind.OVERDUE)))


class Attempt(PSPRequest):
    """Committed before the PSP is asked to charge; changed by ``record`` and ``settle`` only."""

    State = AttemptState
    OPEN = OPEN_STATES
    ARRIVED = ARRIVED_STATES
    RELATED = ("payment__user",)

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("payment")
    )
    moocher = IdentifierField(_("payment service"), max_length=100)
    account = IdentifierField(_("account at the service"), max_length=100, blank=True)
    live = models.BooleanField(_("real money"), default=False)
    state = IdentifierField(_("state"), max_length=20, choices=State.choices, default=State.STARTED)
    # NULL, since an empty text would collide with others.
    form_token = IdentifierField(
        _("form token"),
        max_length=64,
        null=True,
        help_text=_("Identifies the payment form, so that sending it twice pays once."),
    )
    payment_method = models.ForeignKey(
        "payments_core.PaymentMethod",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attempts",
        verbose_name=_("saved payment method"),
        db_index=False,
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
    unattended = models.BooleanField(
        _("without the customer"),
        default=False,
        help_text=_("Charged by the site, while the customer was not there."),
    )
    received_amount = models.DecimalField(
        _("received amount"), max_digits=14, decimal_places=3, null=True, blank=True
    )
    received_currency = IdentifierField(_("received currency"), max_length=3, blank=True)
    written_off = models.DecimalField(
        _("written off"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        help_text=_("Missing, and not asked for any more."),
    )
    refunded_amount = models.DecimalField(
        _("refunded amount"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        editable=False,
        help_text=_("Refunded, or reserved for an open refund."),
    )
    disputed_amount = models.DecimalField(
        _("taken by disputes"),
        max_digits=14,
        decimal_places=3,
        default=Decimal(0),
        editable=False,
        help_text=_("Taken back by the customer's bank, as far as it was not refunded."),
    )
    started_at = models.DateTimeField(_("started at"), default=timezone.now, editable=False)
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
        indexes = (
            models.Index(fields=("state", "updated_at"), name="payments_attempt_state"),
            models.Index(fields=("started_at",), name="payments_attempt_newest"),
            # Serves the foreign key.
            IndexWhere(
                fields=("payment_method",),
                name="payments_attempt_method",
                where=models.Q(payment_method__isnull=False),
            ),
        )
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

    @property
    def missing(self) -> Decimal:
        """What has not arrived of what was asked for, in units of ``currency``."""
        return money.padded(self.amount - self.received - self.written_off, self.currency)

    @property
    def is_partly_paid(self) -> bool:
        """Whether a part has arrived, and more is awaited."""
        return self.is_open and bool(self.received)

    @property
    def refundable_amount(self) -> Decimal:
        """What of the money that arrived can still be given back, in ``received_currency``."""
        left = self.received - self.refunded_amount - self.disputed_amount
        return money.padded(left, self.received_currency) if left else Decimal(0)

    @property
    def is_matched(self) -> bool:
        """Whether its unexpected money has paid for something else since. One query."""
        used = (SuspenseState.MATCHED, SuspenseState.CREDITED)
        return self.suspense_items.filter(state__in=used).exists()

    def is_taken(self, psp_reference: str) -> bool:
        """Whether another attempt has this reference of the same PSP and account."""
        same = Attempt.objects.filter(
            moocher=self.moocher, account=self.account, psp_reference=psp_reference or None
        )
        return bool(psp_reference) and same.exclude(pk=self.pk).exists()

    record = transitions.record
    name_reference = transitions.name_reference
    settle = settlement.settle
    exact_outcome = settlement.exact_outcome
    receive = receiving.receive
    write_off = receiving.write_off
    end_with_part = unexpected_money.end_with_part
    book_by_hand = booking.book_attempt_by_hand
    request_refund = requesting.request_refund
    record_refund_report = elsewhere.record_refund_report
    record_dispute = disputes.record_dispute
