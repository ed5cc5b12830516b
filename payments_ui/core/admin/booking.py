"""Booking what arrived: an amount with what the bank says of it, its parts, and a write-off."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from payments_ui import dates, money
from payments_ui.core.db.fields import AmountFormField
from payments_ui.core.models import Arrival, Attempt, Payment
from payments_ui.exceptions import (
    InvalidAmountError,
    PartWithoutTransferError,
    PaymentStateError,
    PaymentsUIError,
    ReferenceTakenError,
)

from .actions import Notice, ReasonForm, asks_reason
from .base import ReadOnlyAdmin, ReadOnlyInline, as_lines
from .lists import Recent

_DECIMALS = money.PAYMENT_DECIMAL_PLACES
_DIGITS = money.PAYMENT_INTEGER_DIGITS + _DECIMALS
_LONGEST = 255
#: Of one payment; more than two are rare.
_MOST_PARTS = 50


def _awaits_money(payment: Payment) -> bool:
    return payment.state in (Payment.State.PENDING, Payment.State.PROCESSING)


def missing(payment: Payment) -> Decimal:
    """What has not arrived of a pending payment, in units of its currency."""
    opened = payment.open_attempt
    return payment.padded_amount if opened is None else opened.missing


class BookingForm(ReasonForm):
    """What arrived for one payment, as the bank says it; carries what the clerk saw missing."""

    is_for_one = True
    errors_at = {
        InvalidAmountError: "amount",
        PartWithoutTransferError: "amount",
        ReferenceTakenError: "reference",
    }

    amount = AmountFormField(
        label=_("Amount"), min_value=0, max_digits=_DIGITS, decimal_places=_DECIMALS
    )
    reference = forms.CharField(
        label=_("Bank reference"),
        max_length=_LONGEST,
        required=False,
        help_text=_("The bank's own of this booking: the same one is never recorded twice."),
    )
    arrived_on = forms.DateField(
        label=_("Date"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    payer = forms.CharField(label=_("Payer's name"), max_length=_LONGEST, required=False)
    # Sent twice without a reference, it would be another part.
    missing_before = AmountFormField(
        required=False, max_digits=_DIGITS, decimal_places=_DECIMALS, widget=forms.HiddenInput
    )

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        self.payment: Payment = self.rows[0]
        self._show_missing()

    def _show_missing(self) -> None:
        currency, left = self.payment.currency, missing(self.payment)
        amount: Any = self.fields["amount"]
        amount.label = _("Amount in %(currency)s") % {"currency": currency}
        amount.help_text = _("%(amount)s is missing. Less is a part, more is surplus.") % {
            "amount": money.format_amount(left, currency)
        }
        amount.initial = self.fields["missing_before"].initial = left

    def refuse(self, error: PaymentsUIError, name: str) -> None:
        """As ever; who has read that something arrived meanwhile has seen what is missing now."""
        super().refuse(error, name)
        self.payment.__dict__.pop("open_attempt", None)
        self._show_missing()
        answers = {name: self.data.get(name, "") for name in self.fields}
        self.data = answers | {"missing_before": missing(self.payment)}

    def clean_amount(self) -> Decimal:
        """An amount in whole minor units: above zero, unless the payment asks for nothing."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            units = money.to_minor_units(amount, self.payment.currency)
        except InvalidAmountError as error:
            raise ValidationError(str(error.message)) from error
        if not units and self.payment.amount:
            raise ValidationError(str(InvalidAmountError.message))
        return amount

    def clean_arrived_on(self) -> dt.date | None:
        """A day that has begun somewhere."""
        day: dt.date | None = self.cleaned_data["arrived_on"]
        if day is not None and day > timezone.now().date() + dt.timedelta(days=1):
            raise ValidationError(_("This day is in the future."))
        return day


@asks_reason(
    _("Record a payment received"),
    permission="book",
    form_class=BookingForm,
    fits_row=_awaits_money,
)
def book_by_hand(payment: Payment, *, by: str, reason: str, **answers: Any) -> Notice:
    """Book what arrived, and say what is missing or was too much."""
    booked = payment.book_by_hand(by=by, reason=reason, **answers)
    arrived = money.format_amount(answers["amount"], payment.currency)
    if booked.is_partly_paid:
        text = _("%(arrived)s was recorded. %(missing)s is missing.")
        facts = {"missing": money.format_amount(booked.missing, booked.currency)}
        return Notice(messages.WARNING, text % {"arrived": arrived, **facts})
    reported = booked.events.order_by("-pk").first()
    of_others = reported.arrivals.exclude(attempt=booked) if reported else Arrival.objects.none()
    too_much = of_others.first()
    if too_much is not None:
        text = _("%(arrived)s was recorded. %(surplus)s is surplus and needs review.")
        facts = {"surplus": money.format_amount(too_much.amount, too_much.currency)}
        return Notice(messages.WARNING, text % {"arrived": arrived, **facts})
    return Notice(messages.SUCCESS, _("%(arrived)s was recorded: paid.") % {"arrived": arrived})


def _is_partly_paid(payment: Payment) -> bool:
    opened = payment.open_attempt
    return opened is not None and opened.is_partly_paid


@asks_reason(_("Write off the rest"), permission="book", fits_row=_is_partly_paid)
def write_off(payment: Payment, *, by: str, reason: str) -> Notice:
    """Charge a payment of which a part has arrived; the rest is not asked for any more."""
    opened = payment.open_attempt
    if opened is None:
        raise PaymentStateError(f"{payment.pk} waits for no rest")
    return _written_off(opened.write_off(by=by, reason=reason))


@asks_reason(
    _("Write off the rest"), permission="book", fits_row=lambda attempt: attempt.is_partly_paid
)
def write_off_attempt(attempt: Attempt, *, by: str, reason: str) -> Notice:
    """The same for an attempt."""
    return _written_off(attempt.write_off(by=by, reason=reason))


def _written_off(attempt: Attempt) -> Notice:
    amount = money.format_amount(attempt.written_off, attempt.currency)
    return Notice(messages.SUCCESS, _("%(amount)s was written off: paid.") % {"amount": amount})


def _amount(arrival: Arrival) -> str:
    return money.format_amount(arrival.amount, arrival.currency)


def _said(arrival: Arrival) -> str:
    """When it arrived, from whom, by which reference, who recorded it, and what became of it."""
    day, told = arrival.booked_at.date(), ["", ""]
    if (event := arrival.event) is not None:
        day, told = event.arrived_on or day, [event.payer, event.event_id]
    became = str(arrival.attempt.get_state_display())
    return ", ".join(filter(None, [dates.format_date(day), *told, arrival.booked_by, became]))


def received(payment: Payment) -> SafeString:
    """Each part that arrived for a payment, and what was written off, for the page of it."""
    parts = Arrival.objects.filter(attempt__payment=payment.pk).select_related("event", "attempt")
    rows = [f"{_amount(arrival)} ({_said(arrival)})" for arrival in parts[:_MOST_PARTS]]
    written_off = payment.attempts.exclude(written_off=0).first()
    if written_off is not None:
        amount = money.format_amount(written_off.written_off, written_off.currency)
        rows.append(f"{amount} ({Attempt._meta.get_field('written_off').verbose_name})")
    return as_lines(rows)


class ArrivalInline(ReadOnlyInline):
    """The first parts that arrived with an attempt."""

    model = Arrival
    fields = readonly_fields = ("money", "event", "booked_at", "booked_by", "reason")


@admin.register(Arrival)
class ArrivalAdmin(ReadOnlyAdmin):
    """What arrived for attempts whose money people book, part by part."""

    list_display = ("booked_at", "money", "attempt", "payer", "bank_reference", "booked_by")
    list_select_related = ("attempt", "event")
    list_filter = (("currency", Recent), "booked_at")
    search_fields = ("event__event_id", "event__payer")
    identified_by = (
        *("event__event_id", "attempt__psp_reference", "attempt__id", "attempt__payment__id"),
    )
    user_path = "attempt__payment__user"

    @admin.display(description=_("payer"))
    def payer(self, arrival: Arrival) -> str:
        """Who paid, as the bank names them."""
        return arrival.event.payer if arrival.event else ""

    @admin.display(description=_("bank reference"))
    def bank_reference(self, arrival: Arrival) -> str:
        """The bank's own of the booking."""
        return arrival.event.event_id if arrival.event else ""
