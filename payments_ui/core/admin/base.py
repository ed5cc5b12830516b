"""What the admin's pages share: amounts, permissions, filters, and errors as messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.exceptions import PaymentsUIError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _InlineFormSet = BaseInlineFormSet

#: The most rows on a page, in an inline, and in one action.
SHOWN = 50


def refuse(_admin: Any, request: HttpRequest, obj: Any = None) -> bool:
    """A permission check that refuses everybody, superusers too."""
    return False


def allows(codename: str) -> Callable[[Any, HttpRequest], bool]:
    """A permission check that allows those with this permission of the books."""
    return lambda _admin, request: request.user.has_perm(f"payments_core.{codename}")


def error_message(error: PaymentsUIError) -> str:
    """The error for a clerk: the customer's sentence, and the detail."""
    return f"{error.message} ({error.detail})" if error.detail else str(error.message)


class ShowsMoney:
    """Amounts as people read them."""

    @admin.display(description=_("amount"))
    def money(self, obj: Any) -> str:
        """The amount with its currency."""
        return money.format_amount(obj.amount, obj.currency)


class MoneyAdmin(ShowsMoney, _ModelAdmin):
    """Rows about money; the kit's errors become messages."""

    list_per_page = SHOWN
    show_full_result_count = False
    #: The path to the user by whom rows are searched; empty where rows have no user.
    user_path = ""

    def describe(self, row: Any) -> str:
        """The row as a clerk recognizes it on the page that asks for a reason."""
        return str(row)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """``search_fields``, and the user's name and e-mail as the site's user model calls them."""
        user_model: Any = get_user_model()
        names = {user_model.USERNAME_FIELD: None, user_model.get_email_field_name(): None}
        known = {field.name for field in user_model._meta.get_fields()}
        of_user = [f"{self.user_path}__{name}" for name in names if name in known]
        return [*self.search_fields, *(of_user if self.user_path else ())]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._with_messages(super().changeform_view, request, *args, **kwargs)

    # An action commits by itself, and may ask a PSP, which must not happen in a transaction.
    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._with_messages(super().changelist_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._with_messages(super().delete_view, request, *args, **kwargs)

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; who may not view rows does not learn either whether this one exists."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, *args, **kwargs)

    def _with_messages(
        self, view: Callable[..., HttpResponseBase], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        try:
            with typed_refusals():
                return view(request, *args, **kwargs)
        except PaymentsUIError as error:
            self.message_user(request, error_message(error), messages.ERROR)
            return redirect(request.get_full_path())


class ReadOnlyAdmin(MoneyAdmin):
    """Shows all fields of its model, amounts with their currencies; only actions change rows."""

    has_add_permission = has_change_permission = has_delete_permission = refuse

    readonly_fields: ClassVar[tuple[str, ...]] = ("money",)
    #: Amount fields, each with the readonly field that shows it with its currency.
    as_money: ClassVar[Mapping[str, str]] = {"amount": "money"}
    #: Currency fields, left out since the amounts show them.
    currencies: ClassVar[tuple[str, ...]] = ("currency",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """All fields of the model, in its order."""
        own = [
            name
            for name in super().get_fields(request, obj)
            if name not in (*self.readonly_fields, *self.currencies)
        ]
        return [self.as_money.get(str(name), name) for name in own]


class AskedAdmin(ReadOnlyAdmin):
    """Requests to a payment service on behalf of a customer: attempts and refunds."""

    @admin.display(description=_("reference"))
    def reference(self, obj: Any) -> str:
        """The reference that a customer reads out on the phone."""
        return str(obj.reference)

    @admin.display(description=_("user"), ordering="payment__user")
    def customer(self, obj: Any) -> str:
        """The user whose payment it is."""
        return str(obj.payment.user)

    def describe(self, row: Any) -> str:
        """Amount, customer and reference."""
        return f"{self.money(row)}, {self.customer(row)}, {row.reference}"


class QuerysetFilter(admin.SimpleListFilter):
    """A filter whose choices are querysets."""

    #: Each value of the parameter with its label and what narrows the list to it.
    narrow: ClassVar[Mapping[str, tuple[_StrPromise | str, Callable[[Any], QuerySet[Any]]]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [(value, label) for value, (label, _rows) in self.narrow.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice; all rows where it is unknown."""
        choice = self.narrow.get(self.value() or "")
        return choice[1](queryset) if choice else queryset


class FirstRows(_InlineFormSet):
    """The first rows only: a payment may have 100 000 line items."""

    def get_queryset(self) -> QuerySet[Model]:
        """At most ``SHOWN`` rows."""
        if not hasattr(self, "_first"):
            self._first = super().get_queryset()[:SHOWN]
        return self._first


class ReadOnlyInline(ShowsMoney, _TabularInline):
    """The first rows that belong to a payment."""

    formset = FirstRows
    extra = 0
    can_delete = False
    show_change_link = True
    has_add_permission = has_change_permission = has_delete_permission = refuse
