"""Lists of the admin, in books of millions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.test import RequestFactory
from django.utils.functional import cached_property

from bench import books
from bench.contest import Contestant, Row
from bench.results import Worth
from bench.sizes import Size
from payments_ui.core.admin.base import MoneyAdmin
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

_numbers = count(1)


class _Uncounted(Paginator):  # type: ignore[type-arg]
    @cached_property
    def count(self) -> int:
        """There is another page, whatever there is."""
        return int(self.per_page) + 1


class _PlainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The least list: the newest rows by primary key, nothing counted, nothing summed."""

    list_display = ("title", "user_id", "amount", "used_at", "payment_id")
    ordering = ("-pk",)
    list_per_page = MoneyAdmin.list_per_page
    show_full_result_count = False
    paginator = _Uncounted


def rows(size: Size) -> Iterator[Row]:
    """The rows about the admin, in books as long as those in which growth is measured."""
    books.fill_up(size.others[1])
    clerk = User.objects.create_superuser(f"clerk-{next(_numbers)}")
    plain = Contestant(
        "the least list",
        # Of the name whose URLs there are: what a list cannot link it looks for long.
        partial(_ask, _PlainAdmin(LineItem, admin.AdminSite(admin.site.name)), clerk),
    )
    number = str(Payment.objects.values_list("pk", flat=True)[0])
    lists: dict[str, tuple[type[Any], str, str]] = {
        "lineitems": (LineItem, "", ""),
        "lineitems-search": (LineItem, "?q=rendered", "rendered"),
        "lineitems-miss": (LineItem, "?q=nothing", "nothing"),
        "payments": (Payment, "", ""),
        "payments-search": (Payment, "?q=number", number),
        "attempts": (Attempt, "", ""),
        "journal": (JournalEntry, "", ""),
    }
    for key, (model, about, query) in lists.items():
        asked = {"q": query} if query else {}
        name = f"{model._meta.verbose_name_plural}{about}"
        yield Row(
            key=f"admin-{key}",
            title=f"admin: {name}, {size.others[1]:,} line items and more",
            kit=Contestant("kit", partial(_ask, admin.site.get_model_admin(model), clerk, **asked)),
            anchors=[plain],
            worth=Worth("pages a second"),
        )


def _ask(model_admin: Any, clerk: User, **query: str) -> None:
    request: HttpRequest = RequestFactory().get("/admin/", query)
    request.user = clerk
    response = model_admin.changelist_view(request)
    assert isinstance(response, TemplateResponse), response
    response.render()
    assert response.status_code == 200
