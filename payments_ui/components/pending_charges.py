"""Pending charges: what a user owes, and the whole way from the list to the receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from mooch.base import BaseMoocher

from payments_ui.core import queries
from payments_ui.core.models import Payment
from payments_ui.core.queries import Total
from payments_ui.exceptions import PaymentsUIError

from . import steps
from .base import Component
from .widget import Widget

_FOLDER = "payments_ui/components/pending_charges"

#: What each step shows. ``button`` and ``badge`` are the list of widgets of that kind.
STEPS: dict[str, Callable[[PendingCharges], dict[str, Any]]] = {
    "charges": steps.charges,
    "select": steps.select,
    "button": steps.total_only,
    "badge": steps.total_only,
    "payment": steps.payment,
    "requires_action": steps.open_attempt,
    "processing": steps.open_attempt,
    "unknown": steps.open_attempt,
    "charged": steps.charged,
    "gone": steps.gone,
}


@dataclass(frozen=True, slots=True)
class Refresh:
    """Answer to the refresher of a payment step.

    If ``whole``, it replaces the element ``retarget`` (``HX-Retarget``, and ``HX-Reswap:
    outerHTML``); else the news slot, which the refresher targets already.
    """

    html: SafeString
    whole: bool
    retarget: str


class PendingCharges(Component):
    """The widget in one of its steps.

    ``payment`` None is the list; else its state decides. ``moocher`` is the chosen way to
    pay and ``form_html`` its form, adopted by the kit. ``notice`` is a neutral sentence,
    ``error`` one that says what went wrong. ``focus`` moves the focus to the step's
    heading or the error: in answers to the user's own action only. ``form`` is a
    ``LineItemSelection`` with errors. ``page``, ``currency`` and ``select`` (show tick
    boxes) are what a link in the list asks for.
    """

    name = "pending-charges"
    title = _("Pending charges")
    accepts = Component.accepts | {"live", "limit", "currency", "group", "selectable"}

    def __init__(
        self,
        request: HttpRequest,
        widget: Widget,
        *,
        payment: Payment | None = None,
        moocher: BaseMoocher | None = None,
        form_html: str = "",
        notice: str | None = None,
        error: PaymentsUIError | str | None = None,
        focus: bool = False,
        page: int = 1,
        form: BaseForm | None = None,
        currency: str = "",
        select: bool = False,
    ) -> None:
        super().__init__(request, widget)
        self.payment = payment
        self.moocher = moocher
        self.form_html = form_html
        self.notice = notice
        self.error = error
        self.focus = focus
        self.page = max(1, page)
        self.form = form
        self.currency = widget.currency or currency
        self.selecting = select or form is not None

    @property
    def step(self) -> str:
        """The name of the step, which is the name of its template."""
        if self.payment is not None:
            return steps.of(self.payment)
        if self.widget.kind == "charges" and self.selecting:
            return "select"
        return self.widget.kind

    @cached_property
    def new_charges(self) -> Total | None:
        """What came in the payment's currency since it was made; not what was left out."""
        return None if self.payment is None else queries.newer(self.payment)

    def get_body_template_name(self) -> str:
        """The template of the step."""
        return f"{_FOLDER}/{self.step}.html"

    def get_context_data(self) -> dict[str, Any]:
        """What every step says, and what this one shows."""
        step = self.step
        return {
            "step": step,
            "payment": self.payment,
            "notice": self.notice,
            "error": _sentence(self.error),
            "focus": self.focus,
            **STEPS[step](self),
        }

    def render_panel(self) -> SafeString:
        """The panel of the payment step, for a way to pay that was picked."""
        return self._partial("panel", **steps.panel(self))

    def render_news(self) -> SafeString:
        """The slot of a payment step that says what happened since it was rendered."""
        if self.step == "payment":
            return self._partial("news", **steps.news(self))
        return self._render("payments_ui/elements/watch.html", **steps.news(self))

    def refresh(self, seen: str) -> Refresh | None:
        """What a refresher that has ``seen`` is answered; ``None`` is nothing new (204)."""
        now = steps.seen(self)
        if now == seen:
            return None
        body = f"#{self.widget.id}-body"
        if seen.partition(":")[0] == self.step:
            return Refresh(self.render_news(), whole=False, retarget=f"#{self.widget.id}-news")
        return Refresh(self.render_body(), whole=True, retarget=body)

    def _partial(self, partial: str, **context: Any) -> SafeString:
        return self._render(f"{_FOLDER}/payment.html", partial, step=self.step, **context)


def _sentence(error: PaymentsUIError | str | None) -> str:
    # Only the error's own sentence: its detail is for developers.
    return str(error.message if isinstance(error, PaymentsUIError) else error or "")
