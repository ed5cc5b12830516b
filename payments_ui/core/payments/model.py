"""The collection of bound line items that a user pays at once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

import mooch.models
from django.conf import settings
from django.db import models
from django.db.models.deletion import ProtectedError
from django.utils.functional import cached_property
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core import rules
from payments_ui.core.attempts import booking, transitions, unexpected_money
from payments_ui.core.db.fields import AmountField, IdentifierField
from payments_ui.core.db.indexes import IndexWhere
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.disputes import reopening
from payments_ui.core.refunds import requesting
from payments_ui.exceptions import NotChargedError

from . import cancellation, saving
from .queryset import EveryPaymentManager, PaymentManager
from .undo import undo as undo_charge

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

# Of a description, which goes to PSPs and into mails.
_TITLES = 100
# Labels of the fields that come from django-mooch, which has no catalog in most languages.
_INHERITED = (
    *(gettext_noop("email"), gettext_noop("charged at")),
    *(gettext_noop("payment service provider"), gettext_noop("transaction")),
)


class PaymentState(models.TextChoices):
    """Derived from what is stored, see ``Payment.state``."""

    PENDING = "pending", _("pending")
    PROCESSING = "processing", _("processing")
    CHARGED = "charged", _("charged")
    CANCELLED = "cancelled", _("cancelled")
    UNDONE = "undone", _("undone")


class Payment(mooch.models.Payment):
    """A payment. Made by ``Payment.objects.create_pending`` only.

    ``amount`` is in units of ``currency`` and stays equal to the sum of the bound line
    items, rounded once.
    """

    State = PaymentState

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="user_payments",
        verbose_name=_("user"),
        db_index=False,
    )
    amount = AmountField(_("amount"), max_digits=14, decimal_places=3)
    currency = IdentifierField(_("currency"), max_length=3)
    payment_service_provider = IdentifierField(
        _("payment service provider"), max_length=100, blank=True
    )
    sealed_at = models.DateTimeField(_("sealed at"), null=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    # Set with the two above, until payment_cancelled or payment_undone was sent.
    signal_due_at = models.DateTimeField(
        _("site to be notified since"), null=True, blank=True, editable=False
    )

    objects = PaymentManager()
    all_objects = EveryPaymentManager()
    #: What it was when it was loaded, for ``save()``.
    loaded: Mapping[str, object] | None = None

    class Meta:
        ordering = ("-created_at",)
        base_manager_name = "all_objects"
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        permissions = (
            ("book_payment", _("Can record payments received")),
            ("undo_payment", _("Can undo a charged payment")),
            ("refund_payment", _("Can refund payments")),
        )
        indexes = (
            models.Index(fields=("created_at",), name="payments_payment_newest"),
            # Serves the foreign key, too.
            models.Index(fields=("user", "created_at"), name="payments_payment_user"),
            # Of pending payments all three are NULL: by amount, and the newest first.
            IndexWhere(
                fields=(
                    *("charged_at", "cancelled_at", "undone_at"),
                    *("currency", "amount", "created_at"),
                ),
                name="payments_pending_amount",
                where=models.Q(charged_at=None, cancelled_at=None, undone_at=None),
            ),
            IndexWhere(
                fields=("signal_due_at",),
                name="payments_payment_signal",
                where=models.Q(signal_due_at__isnull=False),
            ),
        )
        constraints = rules.constraints(rules.PAYMENTS)

    def __str__(self) -> str:
        amount = self.padded_amount
        if self.charged_at:
            return gettext("Payment of %s") % amount
        return gettext("Pending payment of %s") % amount

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Payment:
        """As Django's, with as many decimals as the currency has."""
        payment: Payment = super().from_db(db, field_names, values, **options)
        if {"amount", "currency"} <= payment.__dict__.keys():
            payment.amount = payment.padded_amount
        payment.loaded = saving.facts(payment)
        return payment

    @property
    def padded_amount(self) -> Decimal:
        """The amount with as many decimals as its currency has: 5.00 and not 5.000."""
        return money.padded(self.amount, self.currency)

    @property
    def number(self) -> str:
        """Thirteen characters of the id that people read to each other; the admin finds it."""
        return str(self.pk)[:13].upper()

    @property
    def amount_cents(self) -> int:
        """The amount in minor units of its currency, by the name django-mooch uses."""
        return money.to_minor_units(self.amount, self.currency)

    @property
    def description(self) -> str:
        """``Payment of 5.00 by mail@example.com: title, title``; at most 100 titles."""
        titles = list(self.lineitems.values_list("title", flat=True)[: _TITLES + 1])
        text = ", ".join([*titles[:_TITLES], *("…" for _more in titles[_TITLES:])])
        return gettext("Payment of %(amount)s by %(email)s: %(titles)s") % {
            "amount": self.padded_amount,
            "email": self.email,
            "titles": text,
        }

    @cached_property
    def open_attempt(self) -> Attempt | None:
        """The attempt whose outcome is not known yet; at most one at a time.

        Read when it is asked for: where the row is not locked, it may be older than that. What
        shows a state reads both at one moment, by ``queries.payment`` or ``reread()``.
        """
        attempt: Attempt | None = self.attempts.open().first()
        return attempt

    @property
    def refunded_amount(self) -> Decimal:
        """What of it was given back, or is about to be, in units of ``currency``. One query."""
        settled = self.attempts.filter(settled_payment=self.pk)
        refunded = settled.values_list("refunded_amount", flat=True).first()
        return money.padded(refunded or Decimal(0), self.currency)

    @property
    def state(self) -> PaymentState:
        """Derived from the stored facts; one query where it depends on an open attempt."""
        if self.charged_at:
            return PaymentState.CHARGED
        if self.undone_at:
            return PaymentState.UNDONE
        if self.cancelled_at:
            return PaymentState.CANCELLED
        return PaymentState.PROCESSING if self.open_attempt else PaymentState.PENDING

    def reread(self) -> None:
        """Read the open attempt, and after it the row, so that they are of one moment."""
        opened: Attempt | None = self.attempts.open().first()
        self.refresh_from_db()
        self.knows_open_attempt(opened)

    def knows_open_attempt(self, opened: Attempt | None) -> None:
        """Take it that this is the open attempt: it was read before the row was."""
        if opened is not None:
            opened.payment = self
        self.open_attempt = opened

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """As Django's; also forgets the open attempt it knew."""
        self.__dict__.pop("open_attempt", None)
        super().refresh_from_db(*args, **kwargs)
        self.amount = self.padded_amount
        self.loaded = saving.facts(self)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Always refused: ``cancel_pending()`` releases the line items, too."""
        raise ProtectedError(
            "A payment is not deleted: use cancel_pending()", set(self.lineitems.all()[:100])
        )

    delete.alters_data = True  # type: ignore[attr-defined]

    def lock(self) -> Payment | None:
        """Lock the row until the transaction ends, see ``Payment.all_objects.lock``."""
        locked: Payment | None = type(self).all_objects.lock(self.pk)
        return locked

    def take_over(self, written: Mapping[str, Any]) -> None:
        """For verbs: know what was written to the row of this payment, as if it were read again."""
        for name, value in written.items():
            setattr(self, name, value)
        self.loaded = saving.facts(self)

    def write(self, **changes: Any) -> None:
        """For verbs, of a locked payment: store these changes, and take them over here."""
        unguarded(self).update(**changes)
        self.take_over(changes)

    write.alters_data = True  # type: ignore[attr-defined]

    def settled_attempt(self) -> Attempt:
        """Return the attempt that charged the payment; raises ``NotChargedError``."""
        attempt: Attempt | None = self.attempts.filter(settled_payment=self.pk).first()
        if attempt is None:
            raise NotChargedError(f"{self.pk} is not charged")
        return attempt

    save = saving.save
    cancel_pending = cancellation.cancel_pending
    undo = undo_charge
    refund = requesting.refund
    reopen_charges = reopening.reopen_charges
    start_attempt = transitions.start_attempt
    manual_attempt = booking.manual_attempt
    book_by_hand = booking.book_by_hand
    settle_zero = booking.settle_zero
    record_surplus = unexpected_money.record_surplus
