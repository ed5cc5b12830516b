"""What the admin's pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.exceptions import PaymentsUIError

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _InlineFormSet = BaseInlineFormSet

#: Rows that a page shows of a list that may be long.
SHOWN = 50


def user_fields(path: str = "user") -> list[str]:
    """Where a person is searched: name and e-mail of the site's user model."""
    user_model: Any = get_user_model()
    names = {user_model.USERNAME_FIELD: None, user_model.get_email_field_name(): None}
    known = {field.name for field in user_model._meta.get_fields()}
    return [f"{path}__{name}" for name in names if name in known]


class ShowsMoney:
    """Amounts as people read them."""

    @admin.display(description=_("amount"))
    def money(self, obj: Any) -> str:
        """The amount with its currency."""
        return money.format_amount(obj.amount, obj.currency)


class MoneyAdmin(ShowsMoney, _ModelAdmin):
    """Rows that are not deleted here; the kit's errors become messages."""

    list_per_page = SHOWN
    show_full_result_count = False

    def described(self, row: Any) -> str:
        """The row for somebody who is about to act on it, and must take it for no other."""
        return str(row)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: the verbs release what has to be released."""
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._told(super().changeform_view, request, *args, **kwargs)

    # An action is a transaction of its own, and may ask a PSP, for which none may wait.
    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._told(super().changelist_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._told(super().delete_view, request, *args, **kwargs)

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's, which tells who may not look whether a row exists."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, *args, **kwargs)

    def _told(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            with typed_refusals():
                return view(request, *args, **kwargs)
        except PaymentsUIError as error:
            self.message_user(request, told(error), messages.ERROR)
            return redirect(request.get_full_path())


class ReadOnlyAdmin(MoneyAdmin):
    """Rows that are only read, and acted on by verbs."""

    readonly_fields: ClassVar[tuple[str, ...]] = ("money",)
    #: Amounts of the model, and what shows them with their currency.
    as_money: ClassVar[dict[str, str]] = {"amount": "money"}
    #: Currencies, which are shown with their amounts.
    currencies: ClassVar[tuple[str, ...]] = ("currency",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All of the model's, with amounts as money."""
        names = super().get_fields(request, obj)
        own = [name for name in names if name not in (*self.readonly_fields, *self.currencies)]
        return [self.as_money.get(str(name), name) for name in own]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class AskedAdmin(ReadOnlyAdmin):
    """What a PSP was asked for a customer: attempts and refunds."""

    @admin.display(description=_("reference"))
    def reference(self, obj: Any) -> str:
        """What a customer on the phone calls it."""
        return str(obj.reference)

    @admin.display(description=_("user"), ordering="payment__user")
    def customer(self, obj: Any) -> str:
        """Whose payment it is."""
        return str(obj.payment.user)

    def described(self, row: Any) -> str:
        """How much it is, whose, and its reference."""
        return f"{self.money(row)}, {self.customer(row)}, {row.reference}"


class FirstRows(_InlineFormSet):
    """The first rows only: a payment may have 100 000."""

    def get_queryset(self) -> QuerySet[Model]:
        """At most ``SHOWN`` rows."""
        if not hasattr(self, "_first"):
            self._first = super().get_queryset()[:SHOWN]
        return self._first


class ReadOnlyInline(ShowsMoney, _TabularInline):
    """The first rows of what belongs to a payment."""

    formset = FirstRows
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


def told(error: PaymentsUIError) -> str:
    """The error for people who run the site: what a customer would read, and the detail."""
    return f"{error.message} ({error.detail})" if error.detail else str(error.message)
