"""One payment that could not be charged without its user, and what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments_ui import dates, money
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.db.append_only import Evidence, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField

from . import verbs
from .states import RecoveryState

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class RecoveryQuerySet(EvidenceQuerySet["Recovery"]):
    """Recoveries by what happens next; they are not changed in bulk."""

    def unpaid(self) -> RecoveryQuerySet:
        """Those whose payment is pending: the others are over."""
        return self.filter(
            payment__charged_at=None, payment__cancelled_at=None, payment__undone_at=None
        )


class RecoveryManager(models.Manager["Recovery"].from_queryset(RecoveryQuerySet)):  # type: ignore[misc]
    """Every recovery, those included that are over."""

    after_decline = verbs.after_decline
    forbidden_card = staticmethod(verbs.forbidden_card)


class Recovery(Evidence):
    """Begun by the first decline; changed by its verbs only, each of which is journalled.

    Over as soon as the payment is charged, cancelled or undone. ``tries`` counts those with
    ``payment_method`` as it was then: another card, or a renewed one, begins again.
    """

    State = RecoveryState

    payment = models.OneToOneField(
        "payments_core.Payment",
        on_delete=models.PROTECT,
        related_name="recovery",
        verbose_name=_("payment"),
    )
    payment_method = models.ForeignKey(
        "payments_core.PaymentMethod",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="recoveries",
        verbose_name=_("saved payment method"),
    )
    card = IdentifierField(
        _("card that was tried"),
        max_length=64,
        blank=True,
        help_text=_("Its id, and how many times it was renewed: a renewed card is another one."),
    )
    state = IdentifierField(_("state"), max_length=20, choices=State.choices)
    is_hard = models.BooleanField(
        _("refused for good"),
        default=False,
        help_text=_("The bank or the network forbids to try the same card again."),
    )
    tries = models.PositiveSmallIntegerField(_("tries"))
    failed_at = models.DateTimeField(_("last declined at"), db_index=True)
    failure_code = IdentifierField(
        _("reason for failure"), max_length=40, choices=DeclineCode.choices
    )
    next_try_at = models.DateTimeField(_("next try at"), null=True, blank=True, db_index=True)
    why = models.TextField(_("why"), blank=True)
    started_at = models.DateTimeField(_("started at"), editable=False)
    # Until recovery_given_up was sent.
    signal_due_at = models.DateTimeField(
        _("site to be notified since"), null=True, blank=True, editable=False, db_index=True
    )

    objects = RecoveryManager()  # type: ignore[misc]

    class Meta:
        ordering = ("-failed_at",)
        base_manager_name = "objects"
        verbose_name = _("failed payment")
        verbose_name_plural = _("failed payments")
        permissions = (("plan_recovery", _("Can plan and stop tries of failed payments")),)

    def __str__(self) -> str:
        return f"{self.payment_id} {self.state}"

    @property
    def failure_message(self) -> _StrPromise | str:
        """Why it failed, as a sentence for the customer."""
        return DeclineCode(self.failure_code).label

    @property
    def sentences(self) -> list[str]:
        """What its customer is told, in a mail and in the widget: what failed, and what is next."""
        payment: Any = self.payment
        method = self.payment_method
        what = {
            "amount": money.format_amount(payment.amount, payment.currency),
            "card": "" if method is None else method.label,
            "date": dates.format_date(self.failed_at),
        }
        failed = gettext("We could not charge %(amount)s on %(date)s.")
        if method is not None:
            failed = gettext("We could not charge %(amount)s to %(card)s on %(date)s.")
        if self.next_try_at is None:
            return [failed % what, gettext("We do not try again by ourselves.")]
        again = {"date": dates.format_date(self.next_try_at)}
        return [failed % what, gettext("We try again on %(date)s.") % again]

    plan = verbs.plan
    stop = verbs.stop
