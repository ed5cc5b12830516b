"""Payments in the admin: all of it is read, and the models' verbs move the money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, Refund

from .actions import asks_reason
from .base import (
    SHOWN,
    MoneyAdmin,
    QuerysetFilter,
    ReadOnlyInline,
    ShowsReceived,
    allows,
    as_lines,
    part_of,
    refuse,
)
from .booking import book_by_hand, received, write_off
from .disputes import DisputeInline
from .lists import Recent
from .people import names_of
from .refunds import RefundInline, refund
from .users import name_the_way_out

_OPEN = Attempt.objects.open()
#: What the state of a payment depends on: what is open, and what of its money was given back.
_TELLING = Attempt.objects.filter(state__in=(*Attempt.OPEN, Attempt.State.SETTLED))
_IS_OPEN = Exists(_OPEN.filter(payment=OuterRef("pk")))
_State = Payment.State


class LineItemInline(ReadOnlyInline):
    """The first line items of a payment."""

    model = LineItem
    fields = readonly_fields = ("title", "money", "calculation", "used_at", "key")
    verbose_name_plural = _("first line items")


class AttemptInline(ShowsReceived, ReadOnlyInline):
    """The first attempts of a payment."""

    model = Attempt
    fields = readonly_fields = (
        *("moocher", "state", "money", "received", "psp_reference", "started_at"),
    )


class StateFilter(QuerysetFilter):
    """The state, which is derived from the stored facts."""

    title = _("state")
    parameter_name = "state"
    few = frozenset({_State.PENDING, _State.PROCESSING})
    narrow = {
        _State.PENDING: (_State.PENDING.label, lambda rows: rows.pending().exclude(_IS_OPEN)),
        _State.PROCESSING: (_State.PROCESSING.label, lambda rows: rows.pending().filter(_IS_OPEN)),
        _State.CHARGED: (_State.CHARGED.label, lambda rows: rows.exclude(charged_at=None)),
        _State.CANCELLED: (_State.CANCELLED.label, lambda rows: rows.exclude(cancelled_at=None)),
        _State.UNDONE: (_State.UNDONE.label, lambda rows: rows.exclude(undone_at=None)),
        "refunded": (
            _("refunded, or a part of it"),
            lambda rows: rows.filter(
                charged_at__isnull=False, pk__in=Refund.objects.reserving().values("payment")
            ),
        ),
    }


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    """Payments, cancelled ones too. A clerk edits the e-mail; actions do the rest."""

    list_display = ("number", "user", "money", "state", "payment_service_provider", "created_at")
    list_filter = (StateFilter, ("currency", Recent), ("payment_service_provider", Recent))
    newest_by = "created_at"
    search_fields = ("email", "transaction")
    identified_by = ("id", "attempts__psp_reference", "attempts__id")
    user_path = "user"
    is_summed = True
    csv_columns = (
        *("id", "number", "user", "email", "amount", "currency", "state", "received"),
        *("written_off", "refunded"),
        *("created_at", "charged_at", "cancelled_at", "undone_at"),
        *("payment_service_provider", "transaction"),
    )
    inlines = (LineItemInline, AttemptInline, RefundInline, DisputeInline)
    fields = (
        *("id", "user", "email", "money", "state", "created_at", "charged_at", "cancelled_at"),
        *(
            "undone_at",
            "payment_service_provider",
            "transaction",
            "received",
            "all_lineitems",
            "journal",
        ),
    )
    readonly_fields = tuple(name for name in fields if name != "email")
    actions = (
        asks_reason(
            _("Cancel pending payments"),
            permission="cancel",
            fits_row=lambda payment: payment.state == _State.PENDING,
        )(Payment.cancel_pending),
        refund,
        asks_reason(
            _("Undo charges"), permission="undo", fits_row=lambda payment: payment.charged_at
        )(Payment.undo),
        book_by_hand,
        write_off,
    )
    # ``create_pending`` makes payments from line items, and ``cancel_pending`` ends them.
    has_add_permission = has_delete_permission = refuse
    has_cancel_permission = allows("change_payment")
    has_refund_permission = allows("refund_payment")
    has_undo_permission = allows("undo_payment")
    has_book_permission = allows("book_payment")

    def get_urls(self) -> list[URLPattern]:
        """As Django's; the books are what keeps this site's users from being deleted."""
        name_the_way_out(self.admin_site)
        return super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """Cancelled payments too, with the attempts that tell their state."""
        telling = Prefetch("attempts", queryset=_TELLING.all(), to_attr="telling_attempts")
        payments: QuerySet[Payment] = Payment.all_objects.order_by()
        return payments.select_related("user").prefetch_related(telling)

    def describe(self, row: Payment) -> str:
        """Amount, what came of it, customer and the beginning of the id, which the search finds."""
        parts = [part for each in getattr(row, "telling_attempts", ()) for part in part_of(each)]
        return ", ".join((self.money(row), *parts, str(row.user), str(row.pk)[:8]))

    def save_model(self, request: HttpRequest, obj: Payment, form: Any, change: bool) -> None:
        """Write the e-mail only."""
        obj.save(update_fields=["email"])

    @admin.display(description=_("number"), ordering="pk")
    def number(self, payment: Payment) -> str:
        """What its receipt says, and customers read out."""
        return payment.number

    @admin.display(description=_("state"))
    def state(self, payment: Any) -> str:
        """The state, without a query for each row, and what of its money came not, or went back."""
        payment.open_attempt = next(
            (each for each in payment.telling_attempts if each.is_open), None
        )
        if payment.charged_at and (refunded := self.csv_refunded(payment)):
            # A rest that was written off never arrived.
            arrived = sum(each.received for each in _settled(payment))
            return str(_("refunded") if refunded == arrived else _("partly refunded"))
        if self.csv_written_off(payment):
            return str(_("charged, a rest written off"))
        return str(payment.state.label)

    @admin.display(description=_("received"))
    def received(self, payment: Payment) -> SafeString:
        """What arrived for it, part by part, where people book it; and what was written off."""
        return received(payment)

    def csv_refunded(self, payment: Any) -> Decimal:
        """What was given back, or is about to be."""
        return sum((each.refunded_amount for each in _settled(payment)), Decimal(0))

    def csv_received(self, payment: Any) -> Decimal | None:
        """What arrived of its amount; empty while it is not charged."""
        settled = _settled(payment)
        return settled[0].received if settled else None

    def csv_written_off(self, payment: Any) -> Decimal:
        """What of its amount is not asked for any more."""
        return sum((each.written_off for each in _settled(payment)), Decimal(0))

    def csv_state(self, payment: Any) -> str:
        """As the list shows it."""
        return self.state(payment)

    @admin.display(description=_("all line items"))
    def all_lineitems(self, payment: Payment) -> SafeString:
        """Their number, with a link to the list."""
        return _link("lineitem", {"payment": payment.pk}, payment.lineitems.count())

    @admin.display(description=_("journal"))
    def journal(self, payment: Payment) -> SafeString:
        """The latest entries, with a link to all of them."""
        latest = list(JournalEntry.objects.filter(payment_id=payment.pk)[:SHOWN])
        names = names_of(entry.actor for entry in latest)
        told = ((entry, names[entry.actor], entry.reason) for entry in latest)
        rows = [f"{entry}, {': '.join(filter(None, who_and_why))}" for entry, *who_and_why in told]
        link = _link("journalentry", {"payment_id": payment.pk}, pgettext_lazy("journal", "all"))
        return as_lines([*rows, link])


def _settled(payment: Any) -> list[Attempt]:
    return [each for each in payment.telling_attempts if not each.is_open]


def _link(model: str, query: dict[str, Any], text: object) -> SafeString:
    url = reverse(f"admin:payments_core_{model}_changelist", query=query)
    return format_html('<a href="{}">{}</a>', url, text)
