"""The receipt of a charged payment: a page of its own, made to be printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.core.models import Payment

from . import payment_options
from .base import Component, Page
from .widget import Widget

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class Receipt(Component):
    """Who paid whom, what for, when and how, what was waived or too much. Four queries."""

    name = "receipt"
    title = _("Receipt")
    body_template_name = "payments_ui/components/receipt.html"
    #: Titles on one page: a receipt is complete, and still bounded.
    most = 500

    def __init__(
        self, request: HttpRequest, widget: Widget, *, payment: Payment, page: int = 1
    ) -> None:
        super().__init__(request, widget, page=page)
        self.payment = payment

    def get_context_data(self) -> dict[str, Any]:
        """The payment, its line items by title, and what arrived for it."""
        payment = self.payment
        rows = queries.groups(
            self.user,
            payment.currency,
            limit=self.most + 1,
            offset=(self.page - 1) * self.most,
            payment=payment,
        )
        shown = list(queries.refunds().filter(payment=payment))
        return {
            "step": "receipt",
            "refunds": shown,
            "disputes": queries.disputes().filter(payment=payment),
            "is_refunded": queries.is_refunded(payment, shown),
            "arrived": queries.arrived([payment])[payment.pk],
            "net": queries.net(payment, shown),
            "payment": payment,
            "payer": _name(self.user),
            "payee": pui.PAYEE,
            "payee_address": pui.PAYEE_ADDRESS.splitlines(),
            "moocher_title": payment_options.title_of(payment.payment_service_provider),
            "page": Page.of(rows, self.page, self.most),
        }


def _name(user: AbstractBaseUser) -> str:
    # A user model of the host's own need not know full names.
    full_name = getattr(user, "get_full_name", str)()
    return full_name or user.get_username()
