"""Unexpected money and missing answers in the admin: what needs review, and how to resolve it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.core.models import Payment, SuspenseItem
from payments_ui.core.suspense.resolution import pays

from .actions import Notice, ReasonForm, asks_reason
from .base import ReadOnlyAdmin, allows
from .lists import COUNTED, Recent
from .people import name_of
from .refunds import notice
from .statements import ImportsStatements

#: How many payments a search shows.
FOUND = 10
_OPEN = SuspenseItem.State.OPEN


class OpenFilter(admin.SimpleListFilter):
    """The state; open items unless the clerk asks for others."""

    title = _("state")
    parameter_name = "state"

    @property
    def is_few(self) -> bool:
        """Whether these are the open ones, which an index finds."""
        return self.value() is None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices but the first."""
        resolved = [state for state in SuspenseItem.State if state != _OPEN]
        return [*((state.value, state.label) for state in resolved), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The choices; the first is what is open, with its number."""
        first, *others = super().choices(changelist)
        waiting = changelist.root_queryset.open().order_by()[:COUNTED].count()
        yield {**first, "display": f"{_OPEN.label} ({waiting})"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[SuspenseItem]:
        """The rows of the choice."""
        state = self.value() or _OPEN
        rows: QuerySet[SuspenseItem] = queryset
        return rows if state == "all" else rows.filter(state=state)


class Choice(NamedTuple):
    """A payment to which the money can be matched by one press."""

    pk: str
    text: str
    url: str
    why: str


class MatchForm(ReasonForm):
    """Which pending payment the money is for: one that is proposed, or one that is found."""

    is_for_one = True
    template = "payments_core/admin/match.html"

    payment = forms.ModelChoiceField(
        label=_("Pending payment"), queryset=Payment.objects.pending(), widget=forms.HiddenInput
    )

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        reason: Any = self.fields["reason"]
        reason.required = False
        reason.help_text = _("May stay empty for what is proposed. Leave out names.")
        self.item: SuspenseItem = self.rows[0]
        self.proposed = proposed(self.item, self.payments)
        self.sought = self.request.GET.get("q", "").replace("\x00", "").strip()
        self.found = self._found() if self.sought else []

    @property
    def payments(self) -> Any:
        """The admin of payments, which knows how to describe and to find them."""
        return self.site.get_model_admin(Payment)

    @property
    def can_search(self) -> bool:
        """Whether this clerk may look through the payments."""
        return bool(self.payments.has_view_or_change_permission(self.request))

    @property
    def search_url(self) -> str:
        """The page of its own, which a search leads to."""
        items: Any = self.site.get_model_admin(SuspenseItem)
        url: str = items.page_of(self.item, "action", "match")
        return url

    def _found(self) -> list[Choice]:
        if not self.can_search:
            return []
        rows = Payment.objects.pending().filter(currency=self.item.currency).select_related("user")
        rows, may_repeat = self.payments.get_search_results(self.request, rows, self.sought)
        rows = rows.distinct() if may_repeat else rows
        return [_choice(self.payments, payment, "") for payment in rows[:FOUND]]

    def clean(self) -> dict[str, Any]:
        """What is proposed says by itself why."""
        answers: dict[str, Any] = super().clean() or {}
        payment = answers.get("payment")
        if payment is not None and not answers.get("reason"):
            why = next((each.why for each in self.proposed if each.pk == str(payment.pk)), "")
            if why:
                answers["reason"] = _("proposed: %(why)s") % {"why": why}
            else:
                self.add_error("reason", forms.Field.default_error_messages["required"])
        return answers


def proposed(item: SuspenseItem, payments: Any) -> list[Choice]:
    """What the money may be for, as the admin of payments describes it."""
    # Not above: every process loads the admin, and few show the queue.
    from payments_ui.core.suspense.proposals import proposals

    return [
        _choice(payments, each.payment, ", ".join(str(why.label) for why in each.why))
        for each in proposals(item)
    ]


def _choice(payments: Any, payment: Payment, why: str) -> Choice:
    return Choice(str(payment.pk), payments.describe(payment), payments.page_of(payment), why)


def _is_open(item: SuspenseItem) -> bool:
    return item.state == _OPEN


def _is_money(item: SuspenseItem) -> bool:
    return _is_open(item) and item.amount is not None


def _can_pay(item: SuspenseItem) -> bool:
    return _is_money(item) and pays(item)


@asks_reason(
    _("Credit to the customer"),
    permission="resolve",
    fits_row=lambda item: _can_pay(item) and item.attempt is not None,
)
def credit(item: SuspenseItem, *, by: str, reason: str) -> None:
    """Let the money count towards the next payment of whose payment it came for."""
    item.credit(by=by, reason=reason)


@asks_reason(_("Refund"), permission="resolve", fits_row=_is_money)
def give_back(item: SuspenseItem, *, by: str, reason: str) -> Notice | None:
    """Send the money back where it came from."""
    item.give_back(by=by, reason=reason)
    return notice(item.attempt.refunds.latest("requested_at")) if item.attempt else None


@admin.register(SuspenseItem)
class SuspenseItemAdmin(ImportsStatements, ReadOnlyAdmin):
    """Unexpected money, and payments or refunds without an answer, for a clerk to resolve."""

    list_display = ("kind", "money", "about", "state", "opened_at", "closed_at")
    list_select_related = ("attempt", "event", "refund")
    list_filter = (OpenFilter, "kind", ("currency", Recent))
    search_fields = ("attempt__psp_reference", "event__psp_reference", "event__event_id")
    identified_by = ("id", "event__event_id")
    actions = (
        asks_reason(
            _("Match to a pending payment"),
            permission="resolve",
            form_class=MatchForm,
            fits_row=_can_pay,
        )(SuspenseItem.match),
        credit,
        give_back,
        asks_reason(_("Close without action"), permission="resolve", fits_row=_is_open)(
            SuspenseItem.close
        ),
    )
    change_form_template = "payments_core/admin/suspense_item.html"
    readonly_fields = ("about", "payer", "money", "decided_by")
    shown_as = {"amount": "money", "closed_by": "decided_by"}
    is_summed = True
    csv_columns = (
        *("id", "kind", "about", "amount", "currency", "state", "payment_id", "opened_at"),
        *("closed_at", "closed_by", "reason"),
    )
    has_resolve_permission = allows("resolve_suspenseitem")

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """As ever, with the payments it may be for."""
        item: SuspenseItem = context["original"]
        if _can_pay(item) and self.has_resolve_permission(request):
            context["proposed"] = proposed(item, self.admin_site.get_model_admin(Payment))
            context["match_url"] = self.page_of(item, "action", "match")
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("amount"))
    def money(self, obj: SuspenseItem) -> str:
        """What arrived; empty where only an answer is missing."""
        return obj.arrived

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All fields of the model, behind what a clerk reads first."""
        fields = ["about", "payer", *super().get_fields(request, obj)]
        # Where only an answer is missing there is no money of any mode.
        return [name for name in fields if name != "live" or obj is None or obj.amount is not None]

    def describe(self, row: SuspenseItem) -> str:
        """What arrived and for what, and from whom."""
        return f"{self.about(row)} {self.payer(row)}".rstrip()

    @admin.display(description=_("payer"))
    def payer(self, item: SuspenseItem) -> str:
        """Who paid, as a bank names them."""
        reported = item.reported
        return reported.payer if reported else ""

    @admin.display(description=_("closed by"))
    def decided_by(self, item: SuspenseItem) -> str:
        """Who decided, by name."""
        return name_of(item.closed_by) if item.closed_by else ""

    csv_closed_by = decided_by

    def csv_about(self, item: SuspenseItem) -> str:
        """What arrived and for what, in one sentence."""
        return item.describe()

    @admin.display(description=_("details"))
    def about(self, item: SuspenseItem) -> str:
        """What arrived and for what, in one sentence."""
        return item.describe()
