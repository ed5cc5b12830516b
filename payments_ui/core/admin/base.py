"""What the admin's pages share: amounts, permissions, filters, and errors as messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import lookup_spawns_duplicates, quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import IntegerField, Model, Q, QuerySet, UUIDField
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from payments_ui import money
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.exceptions import PaymentsUIError

from .export import export_csv
from .lists import COUNTED, LOOKED_THROUGH, BoundedPaginator, LongList, beginning, totals

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _InlineFormSet = BaseInlineFormSet

F = TypeVar("F", bound=Callable[..., Any])

#: The most rows on a page, in an inline, and in one action.
SHOWN = 50


def refuse(_admin: Any, request: HttpRequest, obj: Any = None) -> bool:
    """A permission check that refuses everybody, superusers too."""
    return False


def allows(codename: str) -> Callable[[Any, HttpRequest], bool]:
    """A permission check that allows those with this permission of the books."""
    return lambda _admin, request: request.user.has_perm(f"payments_core.{codename}")


def fits(is_for: Callable[[Any], object], *, asks: bool = True) -> Callable[[F], F]:
    """Let an action stand on the page of each row that it is for, too, beside the list.

    ``asks`` says that it shows a page of its own before it does anything.
    """

    def mark(action: F) -> F:
        action.fits, action.asks = is_for, asks  # type: ignore[attr-defined]
        return action

    return mark


def _nothing(row: Any) -> bool:
    return False


def _names_of_users() -> list[str]:
    """What the site's user model calls a user's name and e-mail."""
    user_model: Any = get_user_model()
    known = {field.name for field in user_model._meta.get_fields()}
    names = dict.fromkeys((user_model.USERNAME_FIELD, user_model.get_email_field_name()))
    return [name for name in names if name in known]


def _parts(action: Any) -> tuple[Any, str, Any]:
    """The function, the name and the description; Django 6.1 has an object for the three."""
    return action if isinstance(action, tuple) else (action.func, action.name, action.description)


def error_message(error: PaymentsUIError) -> str:
    """The error for a clerk: the customer's sentence, and the detail."""
    return f"{error.message} ({error.detail})" if error.detail else str(error.message)


def as_lines(texts: Iterable[str]) -> SafeString:
    """Each text on a line of its own. No list: Django indents those of a form like its fields."""
    return format_html_join(SafeString("<br>"), "{}", ((text,) for text in texts))


class RowAction(NamedTuple):
    """An action on the page of a row: its label, and its own page."""

    label: str
    url: str


class ShowsMoney:
    """Amounts as people read them."""

    @admin.display(description=_("amount"))
    def money(self, obj: Any) -> str:
        """The amount with its currency."""
        return money.format_amount(obj.amount, obj.currency)


class ShowsReceived:
    """What arrived, of attempts."""

    @admin.display(description=_("received amount"))
    def received(self, attempt: Any) -> str:
        """The amount that arrived, with its currency."""
        return money.format_arrived(attempt.received_amount, attempt.received_currency)


def part_of(attempt: Any) -> list[str]:
    """What has arrived of an attempt that waits for the rest, for who decides about it."""
    if not attempt.is_partly_paid:
        return []
    label = attempt._meta.get_field("received_amount").verbose_name
    return [f"{label} {money.format_arrived(attempt.received_amount, attempt.received_currency)}"]


class MoneyAdmin(ShowsMoney, _ModelAdmin):
    """Rows about money; the kit's errors become messages."""

    list_per_page = SHOWN
    show_full_result_count = False
    # Facets count the whole table once for each choice of each filter.
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    #: The column with an index by which rows are newest first: the order of the list.
    newest_by = "id"
    #: Paths to what names a row, each with an index: found among all rows where it is given whole,
    #: or, of a UUID, from its first eight digits on. ``search_fields`` are texts to look through.
    identified_by: ClassVar[tuple[str, ...]] = ()
    change_list_template = "payments_core/admin/change_list.html"
    change_form_template = "payments_core/admin/change_form.html"
    #: The path to the user by whom rows are searched; empty where rows have no user.
    user_path = ""
    #: What a list can be downloaded with: attributes of the row, or ``csv_…`` of the admin.
    csv_columns: ClassVar[tuple[str, ...]] = ()
    #: Whether the list says what its amounts sum up to.
    is_summed = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The newest first; by this attribute the head of the column tells so.
        self.ordering = (f"-{self.newest_by}",)  # type: ignore[misc]
        if self.csv_columns:
            self.actions = [*(self.actions or ()), export_csv]

    def describe(self, row: Any) -> str:
        """The row as a clerk recognizes it on the page that asks for a reason."""
        return str(row)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LongList]:
        """A list that takes no longer the more rows there are."""
        return LongList

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """``search_fields``, and the user's name and e-mail as the site's user model calls them."""
        of_user = [f"{self.user_path}__{name}" for name in _names_of_users() if self.user_path]
        return [*self.search_fields, *of_user]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows that the term identifies; where it identifies none, those that contain it."""
        found = self.identified(search_term) if search_term else None
        if found is not None:
            return queryset.filter(found), False
        return self.containing(request, queryset, search_term)

    def containing(
        self, request: HttpRequest, queryset: QuerySet[Any], text: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's search: the rows that contain each word of the text in one of these fields."""
        return super().get_search_results(request, queryset, text)

    def identified(self, term: str) -> Q | None:
        """The rows whose identifier or user this is, found by indexes; ``None`` if there are none.

        A user is known by the beginning of the name, or by the whole e-mail address.
        """
        every = self.model._base_manager.all()
        names = (self._named(path, term.strip(), every.db) for path in self.identified_by)
        asked = [*filter(None, names), *self._of_users(term.strip())]
        found = [each for each in asked if every.filter(each).exists()]
        return Q.create(found, connector=Q.OR) if found else None  # type: ignore[arg-type]

    def _named(self, path: str, term: str, using: str) -> Q | None:
        *way, name = path.split("__")
        model: Any = self.model
        for step in way:
            model = model._meta.get_field(step).related_model
        field = model._meta.get_field(name)
        if isinstance(field, UUIDField):
            asked = beginning(path, term, using)
        elif isinstance(field, IntegerField):
            asked = Q((path, term)) if term.isascii() and term.isdigit() else None
        else:
            asked = Q((path, term))
        if asked is None or not lookup_spawns_duplicates(self.opts, path):
            return asked
        # Joined to many, a row would be found more than once.
        rows = self.model._base_manager.filter(asked).values_list("pk", flat=True)[:SHOWN]
        return Q(pk__in=set(rows))

    def _of_users(self, term: str) -> Iterator[Q]:
        if not self.user_path:
            return
        user_model: Any = get_user_model()
        for name in _names_of_users():
            is_email = name == user_model.get_email_field_name()
            if is_email and "@" not in term:
                continue
            lookup = "iexact" if is_email else "startswith"
            users = user_model._base_manager.filter(**{f"{name}__{lookup}": term})
            keys = list(users.values_list("pk", flat=True)[: SHOWN + 1])
            # That many are no answer to a name.
            if 0 < len(keys) <= SHOWN:
                yield Q((f"{self.user_path}__in", keys))

    def get_urls(self) -> list[URLPattern]:
        """As Django's, and a page for each action on one row."""
        view = self.admin_site.admin_view(self.action_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_action"
        # In front of Django's, whose last pattern takes everything.
        return [path("<path:object_id>/actions/<slug:name>/", view, name=name), *super().get_urls()]

    def page_of(self, row: Any, page: str = "change", *more: str) -> str:
        """The path of a page about this row."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=(quote(row.pk), *more), current_app=self.admin_site.name)

    def row_actions(self, request: HttpRequest, row: Any) -> list[RowAction]:
        """What this clerk may do with the row, as it is."""
        actions = map(_parts, self.get_actions(request).values())
        return [
            RowAction(str(description), self.page_of(row, "action", name))
            for action, name, description in actions
            if getattr(action, "fits", _nothing)(row)
        ]

    # An action commits by itself, and may ask a PSP, which must not happen in a transaction.
    @transaction.non_atomic_requests
    def action_view(self, request: HttpRequest, object_id: str, name: str) -> Any:
        """Act on one row as its list does on those that are ticked, then lead to the row's page."""
        return self._with_messages(self._act, request, object_id, name)

    def _act(self, request: HttpRequest, object_id: str, name: str) -> Any:
        actions: Any = self.get_actions(request)
        action, _name, description = _parts(actions.get(name, (None, name, name)))
        # Who may not act does not learn either whether the row exists.
        if not hasattr(action, "fits") or not self.has_view_or_change_permission(request):
            raise PermissionDenied
        row: Any = self.get_object(request, unquote(object_id))
        if row is None:
            # It says so, as for all pages of a row.
            return self.change_view(request, object_id)
        if request.method != "POST" and not action.asks:
            return self.asking_page(request, str(description), name, [row])
        answer = action(self, request, self.get_queryset(request).filter(pk=row.pk))
        return answer or redirect(self.way_back(request))

    def asking_page(
        self, request: HttpRequest, title: str, action: str, rows: Iterable[Any], form: Any = None
    ) -> TemplateResponse:
        """The page on which a clerk says that, and why, an action is to be done."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media + form.media if form else self.media,
            "rows": [(str(row.pk), self.describe(row)) for row in rows],
            "form": form,
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": self.way_back(request),
        }
        template = form.template if form else "payments_core/admin/reason.html"
        return TemplateResponse(request, template, context)

    def way_back(self, request: HttpRequest) -> str:
        """Where an action leads: to the page of its row, while there is one, else to the list."""
        match = request.resolver_match
        object_id = match.kwargs.get("object_id") if match else None
        if object_id is None:
            return request.get_full_path()
        row = self.get_object(request, unquote(object_id))
        if row is not None:
            return self.page_of(row)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return reverse(name, current_app=self.admin_site.name)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """As Django's, with what the clerk may do with the row."""
        row = context["original"]
        if row is not None:
            context["row_actions"] = self.row_actions(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's; the kit's errors become messages."""
        return self._with_messages(super().changeform_view, request, *args, **kwargs)

    # An action commits by itself, and may ask a PSP, which must not happen in a transaction.
    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As Django's, with totals; the kit's errors become messages."""
        response = self._with_messages(super().changelist_view, request, *args, **kwargs)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            rows = shown["cl"]
            shown["totals"] = (
                totals(rows.queryset) if self.is_summed and rows.result_count else None
            )
            shown["counted"] = COUNTED if rows.result_count >= COUNTED else 0
            shown["looked_through"] = LOOKED_THROUGH if rows.floor is not None else 0
        return response

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
    #: Fields, each with the readonly field that shows it as people read it.
    shown_as: ClassVar[Mapping[str, str]] = {"amount": "money"}
    #: Currency fields, left out since the amounts show them.
    currencies: ClassVar[tuple[str, ...]] = ("currency",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """All fields of the model, in its order."""
        own = [
            name
            for name in super().get_fields(request, obj)
            if name not in (*self.readonly_fields, *self.currencies)
        ]
        return [self.shown_as.get(str(name), name) for name in own]


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

    #: The choices that are few rows however long the list is, found by an index.
    few: ClassVar[frozenset[str]] = frozenset()
    #: Each value of the parameter with its label and what narrows the list to it.
    narrow: ClassVar[Mapping[str, tuple[_StrPromise | str, Callable[[Any], QuerySet[Any]]]]]

    @property
    def is_few(self) -> bool:
        """Whether an index finds the few rows of the choice."""
        return self.value() in self.few

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
