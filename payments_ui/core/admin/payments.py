"""Payments in the admin: all of it is read, and the models' verbs move the money."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

from .actions import asks_reason
from .base import SHOWN, MoneyAdmin, QuerysetFilter, ReadOnlyInline, allows, refuse
from .refunds import RefundInline, refund

_OPEN = Attempt.objects.open()
_IS_OPEN = Exists(_OPEN.filter(payment=OuterRef("pk")))
_State = Payment.State


class LineItemInline(ReadOnlyInline):
    """The first line items of a payment."""

    model = LineItem
    fields = readonly_fields = ("title", "money", "calculation", "used_at", "key")
    verbose_name_plural = _("first line items")


class AttemptInline(ReadOnlyInline):
    """The first attempts of a payment."""

    model = Attempt
    fields = readonly_fields = ("moocher", "state", "money", "psp_reference", "started_at")


class StateFilter(QuerysetFilter):
    """The state, which is derived from the stored facts."""

    title = _("state")
    parameter_name = "state"
    narrow = {
        _State.PENDING: (_State.PENDING.label, lambda rows: rows.pending().exclude(_IS_OPEN)),
        _State.PROCESSING: (_State.PROCESSING.label, lambda rows: rows.pending().filter(_IS_OPEN)),
        _State.CHARGED: (_State.CHARGED.label, lambda rows: rows.exclude(charged_at=None)),
        _State.CANCELLED: (_State.CANCELLED.label, lambda rows: rows.exclude(cancelled_at=None)),
        _State.UNDONE: (_State.UNDONE.label, lambda rows: rows.exclude(undone_at=None)),
    }


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    """Payments, cancelled ones too. A clerk edits the e-mail; actions do the rest."""

    list_display = ("__str__", "user", "money", "state", "payment_service_provider", "created_at")
    list_filter = (StateFilter, "currency", "payment_service_provider")
    search_fields = (
        *("email", "transaction", "id__startswith"),
        *("attempts__psp_reference", "attempts__id__startswith"),
    )
    user_path = "user"
    inlines = (LineItemInline, AttemptInline, RefundInline)
    fields = (
        *("id", "user", "email", "money", "state", "created_at", "charged_at", "cancelled_at"),
        *("undone_at", "payment_service_provider", "transaction", "all_lineitems", "journal"),
    )
    readonly_fields = tuple(name for name in fields if name != "email")
    actions = (
        asks_reason(_("Cancel pending payments"), permission="cancel")(Payment.cancel_pending),
        refund,
        asks_reason(_("Undo charges"), permission="undo")(Payment.undo),
        asks_reason(_("Record payments received"), permission="book")(Payment.book_by_hand),
    )
    # ``create_pending`` makes payments from line items, and ``cancel_pending`` ends them.
    has_add_permission = has_delete_permission = refuse
    has_cancel_permission = allows("change_payment")
    has_refund_permission = allows("refund_payment")
    has_undo_permission = allows("undo_payment")
    has_book_permission = allows("book_payment")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """Cancelled payments too, with their open attempts."""
        open_attempts = Prefetch("attempts", queryset=_OPEN.all(), to_attr="open_attempts")
        payments: QuerySet[Payment] = Payment.all_objects.order_by("-created_at")
        return payments.select_related("user").prefetch_related(open_attempts)

    def describe(self, row: Payment) -> str:
        """Amount, customer and the beginning of the id, which the search finds."""
        return f"{self.money(row)}, {row.user}, {str(row.pk)[:8]}"

    def save_model(self, request: HttpRequest, obj: Payment, form: Any, change: bool) -> None:
        """Write the e-mail only."""
        obj.save(update_fields=["email"])

    @admin.display(description=_("state"))
    def state(self, payment: Any) -> str:
        """The state, without a query for each row."""
        payment.open_attempt = next(iter(payment.open_attempts), None)
        return str(payment.state.label)

    @admin.display(description=_("all line items"))
    def all_lineitems(self, payment: Payment) -> SafeString:
        """Their number, with a link to the list."""
        return _link("lineitem", {"payment": payment.pk}, payment.lineitems.count())

    @admin.display(description=_("journal"))
    def journal(self, payment: Payment) -> SafeString:
        """The latest entries, with a link to all of them."""
        latest = JournalEntry.objects.filter(payment_id=payment.pk)[:SHOWN]
        rows = ((entry, entry.actor, entry.reason) for entry in latest)
        entries = format_html_join("", "<li>{}, {} {}</li>", rows)
        link = _link("journalentry", {"payment_id": payment.pk}, pgettext_lazy("journal", "all"))
        return format_html("<ul>{}</ul>{}", entries, link)


def _link(model: str, query: dict[str, Any], text: object) -> SafeString:
    url = reverse(f"admin:payments_core_{model}_changelist", query=query)
    return format_html('<a href="{}">{}</a>', url, text)
