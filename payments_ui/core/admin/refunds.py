"""Refunds in the admin: requested on a payment, and sent by a clerk where no service can."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.db.fields import AmountFormField
from payments_ui.core.models import Payment, Refund
from payments_ui.exceptions import (
    InvalidAmountError,
    NotChargedError,
    PaymentsUIError,
    RefundChangedError,
    RefundTooMuchError,
)

from .actions import Notice, ReasonForm, asks_reason
from .base import AskedAdmin, QuerysetFilter, ReadOnlyInline, allows

_DECIMALS = money.PAYMENT_DECIMAL_PLACES
_DIGITS = money.PAYMENT_INTEGER_DIGITS + _DECIMALS
_NOTICES = {
    Refund.State.REQUESTED: Notice(
        messages.WARNING,
        _("Now send the money back, and mark the refund as sent in the list of refunds."),
    ),
    Refund.State.PENDING: Notice(messages.INFO, _("The refund is in progress.")),
    Refund.State.UNKNOWN: Notice(
        messages.WARNING,
        _("The payment service did not answer clearly. It will be asked again."),
    ),
    Refund.State.SUCCEEDED: Notice(messages.SUCCESS, _("The money has been refunded.")),
    Refund.State.FAILED: Notice(
        messages.ERROR, _("The payment service declined the refund. No money was sent.")
    ),
    Refund.State.CAME_BACK: Notice(messages.ERROR, _("The refund came back: it failed after all.")),
}


def notice(refund: Refund) -> Notice:
    """What the refund's state means for the clerk who requested it, and its amount."""
    level, text = _NOTICES[Refund.State(refund.state)]
    amount = money.format_amount(refund.amount, refund.currency)
    return Notice(level, f"{text} {amount}, {refund.reference}")


class RefundForm(ReasonForm):
    """How much of one payment to refund; carries what was refunded when the clerk looked."""

    is_for_one = True
    errors_at = {RefundTooMuchError: "amount", InvalidAmountError: "amount"}

    amount = AmountFormField(
        label=_("Amount"), min_value=0, max_digits=_DIGITS, decimal_places=_DECIMALS
    )
    refunded_before = AmountFormField(
        max_digits=_DIGITS, decimal_places=_DECIMALS, widget=forms.HiddenInput
    )

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        self.payment: Payment = self.rows[0]
        try:
            self.left = self.payment.settled_attempt().refundable_amount
        except NotChargedError:
            # The refund itself raises it again, with the message.
            self.left = Decimal(0)
        currency = self.payment.currency
        amount: Any = self.fields["amount"]
        amount.label = _("Amount in %(currency)s") % {"currency": currency}
        amount.help_text = _("%(amount)s is left.") % {
            "amount": money.format_amount(self.left, currency)
        }
        amount.initial = self.left
        self.fields["refunded_before"].initial = self.payment.refunded_amount

    def clean_amount(self) -> Decimal:
        """An amount above zero, in whole minor units, and not more than what is left."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            money.to_minor_units(amount, self.payment.currency)
        except InvalidAmountError as error:
            raise ValidationError(str(error.message)) from error
        if amount > self.left > 0:
            raise ValidationError(str(RefundTooMuchError.message))
        return amount

    def refuse(self, error: PaymentsUIError, name: str) -> None:
        """As ever; who has read that something was refunded meanwhile has seen what is left."""
        super().refuse(error, name)
        if isinstance(error, RefundChangedError):
            before = self.payment.refunded_amount
            self.data = {name: self.data[name] for name in self.fields} | {
                "refunded_before": before
            }


@asks_reason(
    _("Refund a charged payment"),
    permission="refund",
    form_class=RefundForm,
    fits_row=lambda payment: payment.charged_at,
)
def refund(payment: Payment, *, by: str, reason: str, **answers: Decimal) -> Notice:
    """Refund the payment."""
    return notice(payment.refund(by=by, reason=reason, **answers))


class RefundInline(ReadOnlyInline):
    """The first refunds of a payment."""

    model = Refund
    fields = readonly_fields = (
        *("state", "manual", "elsewhere", "money", "reason", "requested_at", "ended_at"),
    )


def _is_a_persons(refund: Refund) -> bool:
    return refund.is_open and (refund.manual or refund.state == Refund.State.UNKNOWN)


class ToSendFilter(QuerysetFilter):
    """What waits for a clerk."""

    title = _("needs attention")
    parameter_name = "attention"
    few = frozenset({"send", "open", "came_back"})
    narrow = {
        "send": (
            pgettext_lazy("refund", "to be sent by hand"),
            lambda rows: rows.open().filter(manual=True),
        ),
        "open": (pgettext_lazy("refund", "open"), lambda rows: rows.open()),
        "came_back": (
            Refund.State.CAME_BACK.label,
            lambda rows: rows.filter(state=Refund.State.CAME_BACK),
        ),
    }


@admin.register(Refund)
class RefundAdmin(AskedAdmin):
    """Refunds, each as it was requested and answered."""

    list_display = (
        *("reference", "customer", "money", "state", "manual", "elsewhere"),
        *("requested_at", "ended_at"),
    )
    list_select_related = ("payment__user",)
    list_filter = (ToSendFilter, "state", "manual", "elsewhere")
    newest_by = "requested_at"
    search_fields = ("psp_reference", "reason", "payment__email")
    identified_by = ("id", "idempotency_key", "payment__id")
    user_path = "payment__user"
    exclude = ("open_attempt",)
    is_summed = True
    csv_columns = (
        *("id", "reference", "payment_id", "user", "amount", "currency", "state", "manual"),
        *("elsewhere", "reason", "psp_reference", "requested_at", "ended_at"),
    )
    actions = (
        asks_reason(_("Mark as sent"), permission="refund", fits_row=_is_a_persons)(
            Refund.mark_sent
        ),
        asks_reason(_("Mark as not sent"), permission="refund", fits_row=_is_a_persons)(
            Refund.mark_not_sent
        ),
    )
    has_refund_permission = allows("refund_payment")
