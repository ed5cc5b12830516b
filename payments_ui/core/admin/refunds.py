"""Refunds in the admin: asked for on a payment, and sent by a person where no PSP can."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.models import Payment, Refund
from payments_ui.core.refunds import requesting
from payments_ui.exceptions import InvalidAmountError, NotChargedError

from .base import AskedAdmin, ReadOnlyInline, user_fields
from .reasons import ReasonForm, asking_why

_SAID = {
    Refund.State.REQUESTED: (
        messages.WARNING,
        _("Now send the money back, and say so in the list of refunds."),
    ),
    Refund.State.PENDING: (messages.INFO, _("The refund is on its way.")),
    Refund.State.UNKNOWN: (
        messages.WARNING,
        _("The payment service did not answer clearly. It will be asked again."),
    ),
    Refund.State.SUCCEEDED: (messages.SUCCESS, _("The money is given back.")),
    Refund.State.FAILED: (
        messages.ERROR,
        _("The payment service refused. Nothing was given back."),
    ),
}


class RefundForm(ReasonForm):
    """How much of one payment to give back, and what the person saw of it before."""

    is_for_one = True

    amount = forms.DecimalField(label=_("Amount"), min_value=0)
    refunded_before = forms.DecimalField(widget=forms.HiddenInput)

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        payment: Any = self.rows.first()
        self.payment: Payment = payment
        amount: Any = self.fields["amount"]
        amount.label = _("Amount in %(currency)s") % {"currency": payment.currency}
        amount.initial, self.fields["refunded_before"].initial = _facts(payment)

    def clean_amount(self) -> Decimal:
        """An amount above zero, in whole minor units."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            money.to_minor_units(amount, self.payment.currency)
        except InvalidAmountError as error:
            raise ValidationError(str(error.message)) from error
        return amount


def _facts(payment: Payment) -> tuple[Decimal, Decimal]:
    try:
        attempt = requesting.settled_attempt(payment)
    except NotChargedError:
        # Asking says so.
        return Decimal(0), Decimal(0)
    return requesting.left(attempt), payment.refunded_amount


def give_back(payment: Payment, *, by: str, reason: str, **answers: Decimal) -> tuple[int, Any]:
    """Refund a payment; say what the clerk has to know or do."""
    return said(payment.refund(by=by, reason=reason, **answers))


def said(refund: Refund) -> tuple[int, Any]:
    """What became of a refund, for the clerk who asked, and how much that is."""
    level, text = _SAID[Refund.State(refund.state)]
    amount = money.format_amount(refund.amount, refund.currency)
    return level, f"{text} {amount}, {refund.reference}"


def _sent(refund: Refund, *, by: str, reason: str) -> None:
    requesting.sent(refund, by=by, reason=reason)


def _not_sent(refund: Refund, *, by: str, reason: str) -> None:
    requesting.not_sent(refund, by=by, reason=reason)


class RefundInline(ReadOnlyInline):
    """The first refunds of a payment."""

    model = Refund
    fields = readonly_fields = ("state", "manual", "money", "reason", "requested_at", "ended_at")


class ToSendFilter(admin.SimpleListFilter):
    """What waits for a person."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [
            ("send", pgettext_lazy("refund", "to be sent by hand")),
            ("open", pgettext_lazy("refund", "open")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        match self.value():
            case "send":
                return queryset.open().filter(manual=True)
            case "open":
                return queryset.open()
            case _other:
                return queryset


@admin.register(Refund)
class RefundAdmin(AskedAdmin):
    """Refunds, as they were asked for and answered."""

    list_display = ("reference", "customer", "money", "state", "manual", "requested_at", "ended_at")
    list_select_related = ("payment__user",)
    list_filter = (ToSendFilter, "state", "manual")
    exclude = ("open_attempt",)
    actions = (
        asking_why("sent", _("The money was sent back"), "refund", _sent),
        asking_why("not_sent", _("The money was not sent"), "refund", _not_sent),
    )

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """By what PSP and customer call it, and whose it is."""
        own = ["psp_reference", "id__startswith", "idempotency_key", "reason", "payment__email"]
        return [*own, "payment__id__startswith", *user_fields("payment__user")]

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """Those who may give money back."""
        return request.user.has_perm("payments_core.refund_payment")
