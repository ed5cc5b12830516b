"""Payments in the admin: everything is read, money moves by verbs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.attempts import settlement
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

from .base import SHOWN, MoneyAdmin, ReadOnlyInline, user_fields
from .reasons import asking_why
from .refunds import RefundForm, RefundInline, give_back

_OPEN = Attempt.objects.open()


class LineItemInline(ReadOnlyInline):
    """The first line items of a payment."""

    model = LineItem
    fields = readonly_fields = ("title", "money", "created_at", "key")
    verbose_name_plural = _("first line items")


class AttemptInline(ReadOnlyInline):
    """The first attempts of a payment."""

    model = Attempt
    fields = readonly_fields = ("moocher", "state", "money", "psp_reference", "started_at")


class StateFilter(admin.SimpleListFilter):
    """By the state, which is derived."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return list(Payment.State.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        is_open = Exists(_OPEN.filter(payment=OuterRef("pk")))
        match self.value():
            case Payment.State.PENDING:
                return queryset.pending().filter(~is_open)
            case Payment.State.PROCESSING:
                return queryset.pending().filter(is_open)
            case (Payment.State.CHARGED | Payment.State.CANCELLED | Payment.State.UNDONE) as state:
                return queryset.filter(**{f"{state}_at__isnull": False})
            case _other:
                return queryset


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    """Payments, cancelled ones too. Only the e-mail is written here; the rest is verbs."""

    list_display = ("__str__", "user", "money", "state", "payment_service_provider", "created_at")
    list_filter = (StateFilter, "currency", "payment_service_provider")
    inlines = (LineItemInline, AttemptInline, RefundInline)
    fields = (
        *("id", "user", "email", "money", "state", "created_at", "charged_at", "cancelled_at"),
        *("undone_at", "payment_service_provider", "transaction", "all_lineitems", "journal"),
    )
    readonly_fields = tuple(name for name in fields if name != "email")
    actions = (
        asking_why(
            "cancel_pending", _("Cancel pending payments"), "cancel", Payment.cancel_pending
        ),
        asking_why("refund", _("Refund a charged payment"), "refund", give_back, RefundForm),
        asking_why("undo", _("Undo charged payments"), "undo", Payment.undo),
        asking_why("book_by_hand", _("Book money that arrived"), "book", settlement.book_by_hand),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Cancelled payments too, with their open attempts."""
        open_attempts = Prefetch("attempts", queryset=_OPEN.all(), to_attr="open_attempts")
        payments = Payment.all_objects.select_related("user").prefetch_related(open_attempts)
        return payments.order_by("-created_at")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Whose, where to, and by what the PSP or a customer on the phone calls it."""
        own = ["email", "transaction", "id__startswith"]
        return [*user_fields(), *own, "attempts__psp_reference", "attempts__id__startswith"]

    def described(self, row: Payment) -> str:
        """How much it is, whose, and how its id begins, by which it is searched."""
        return f"{self.money(row)}, {row.user}, {str(row.pk)[:8]}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: payments are made of line items."""
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Those who may change payments."""
        return request.user.has_perm("payments_core.change_payment")

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """Those with the permission of its own."""
        return request.user.has_perm("payments_core.refund_payment")

    def has_undo_permission(self, request: HttpRequest) -> bool:
        """Those with the permission of its own."""
        return request.user.has_perm("payments_core.undo_payment")

    def has_book_permission(self, request: HttpRequest) -> bool:
        """Those with the permission of its own."""
        return request.user.has_perm("payments_core.book_payment")

    def save_model(self, request: HttpRequest, obj: Payment, form: Any, change: bool) -> None:
        """Write the e-mail, and nothing that was read before."""
        obj.save(update_fields=["email"])

    @admin.display(description=_("state"))
    def state(self, payment: Any) -> Any:
        """The state, with no query for each row."""
        payment.open_attempt = next(iter(payment.open_attempts), None)
        return payment.state.label

    @admin.display(description=_("all line items"))
    def all_lineitems(self, payment: Payment) -> SafeString:
        """How many there are, and where."""
        return _link("lineitem", {"payment": payment.pk}, payment.lineitems.count())

    @admin.display(description=_("journal"))
    def journal(self, payment: Payment) -> SafeString:
        """The latest entries, and where the rest is."""
        told = JournalEntry.objects.filter(payment_id=payment.pk)
        rows = ((entry, entry.actor, entry.reason) for entry in told[:SHOWN])
        entries = format_html_join("", "<li>{}, {} {}</li>", rows)
        rest = pgettext_lazy("journal", "all")
        link = _link("journalentry", {"payment_id": payment.pk}, rest)
        return format_html("<ul>{}</ul>{}", entries, link)


def _link(model: str, query: dict[str, Any], text: Any) -> SafeString:
    url = reverse(f"admin:payments_core_{model}_changelist", query=query)
    return format_html('<a href="{}">{}</a>', url, text)
