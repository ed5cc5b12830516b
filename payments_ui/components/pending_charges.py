"""Pending charges: what a user owes, and the whole way from the list to the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from mooch.base import BaseMoocher

from payments_ui.core.models import Payment
from payments_ui.exceptions import PaymentsUIError

from . import heartbeat
from .base import Component, Refresh
from .saved_methods import SavedMethod
from .selection import LineItemSelection
from .steps.base import Situation, Step
from .steps.cancellation import Cancellation
from .steps.charges import Charges, ListStep, Selection
from .steps.finished import Charged, Gone
from .steps.open_attempt import OPEN_STEPS
from .steps.review import Review
from .widget import Widget


class PendingCharges(Component):
    """``{% pending_charges %}``: what the user owes, and the way to pay it in place.

    ``title``; ``heading`` level, 1 to 6 (2); ``live`` asks for news by itself (setting
    ``LIVE``); ``limit`` rows of a page (setting ``PAGE_SIZE``); ``currency`` shows one only;
    ``group`` joins charges of one title (True); ``selectable`` lets users pay some of them
    (False); ``anonymous`` text for visitors (nothing); ``id`` names the widget.

    ``payment`` ``None`` is the list; else its state decides the step. ``notice`` is a neutral
    sentence, ``error`` says what went wrong. ``focus`` moves the focus to the step's heading
    or the error: in answers to the user's own action only. ``select`` shows tick boxes. ``asks``
    shows the question whether to cancel the payment, or to call its open attempt off.
    """

    name = "pending-charges"
    title = _("Open items")
    accepts = frozenset({*Component.accepts, "live", "limit", "currency", "group", "selectable"})
    #: What stands where no payment is shown.
    list_step: ClassVar[type[ListStep]] = Charges

    def __init__(
        self,
        request: HttpRequest,
        widget: Widget,
        *,
        page: int = 1,
        payment: Payment | None = None,
        moocher: BaseMoocher | None = None,
        form_html: str = "",
        notice: str = "",
        error: PaymentsUIError | str | None = None,
        focus: bool = False,
        form: LineItemSelection | None = None,
        currency: str = "",
        select: bool = False,
        asks: Literal["", "payment", "attempt"] = "",
    ) -> None:
        self.payment = payment
        self._selects = select or form is not None
        self._currency = widget.currency or currency
        super().__init__(request, widget, page=page)
        self.notice = notice
        self.error = error
        self.focus = focus
        #: The page that the customer left for a PSP, where the way back leads.
        self.back_url = ""
        self._asks = asks
        self._situation = Situation(
            request=request,
            widget=widget,
            reading=self.reading,
            page=self.page,
            currency=self._currency,
            form=form,
            moocher=moocher,
            form_html=form_html,
        )

    @classmethod
    def get_url(cls) -> str:
        """The list."""
        return reverse("payments_ui:charges")

    def read_version(self) -> str:
        """The version; for the list with its totals and rows, in one query.

        Of a payment that a view has found, the one from before that was read.
        """
        if self.payment is not None:
            return heartbeat.seen(self.request)
        self._list_step.read(self.reading, self.widget, self._currency, self.page)
        return super().read_version()

    @property
    def _list_step(self) -> type[ListStep]:
        is_selection = self._selects and self.may_pay and self.list_step is Charges
        return Selection if is_selection else self.list_step

    def choose(
        self, moocher: BaseMoocher, form_html: str = "", *, saved: SavedMethod | None = None
    ) -> None:
        """Show this payment option as the chosen one, with its form, adopted by the kit.

        ``saved`` is what the user has saved, where the form charges that.
        """
        self._situation.moocher = moocher
        self._situation.saved = saved
        self._situation.form_html = form_html

    @property
    def saved(self) -> Sequence[SavedMethod]:
        """What the user has saved and may choose for the payment that is reviewed."""
        return self.step.saved if isinstance(self.step, Review) else ()

    @cached_property
    def step(self) -> Step:
        """Where the user is on the way, by the state of the payment."""
        situation, payment = self._situation, self.payment
        if payment is None:
            return self._list_step(situation)
        state, attempt = payment.state, payment.open_attempt
        if self._asks:
            return Cancellation(situation, payment, attempt, is_whole=self._asks == "payment")
        if state == Payment.State.PROCESSING and attempt is not None:
            return OPEN_STEPS[attempt.state](situation, payment, attempt)
        if state == Payment.State.CHARGED:
            return Charged(situation, payment)
        return (Review if state == Payment.State.PENDING else Gone)(situation, payment)

    @property
    def body_template_name(self) -> str:
        """The template of the step."""
        return self.step.template_name

    def get_context_data(self) -> dict[str, Any]:
        """What every step says, and what this one shows."""
        return {
            "step": self.step.name,
            "back_url": self.back_url,
            **self.step.get_context_data(),
        }

    def render_panel(self) -> SafeString:
        """The panel of a pending payment, for a payment option that was picked."""
        if not isinstance(self.step, Review):
            raise TypeError(f"The step {self.step.name} has no panel")
        return self._render(self.step.template_name, "panel", **self.step.get_panel())

    def refresh(self, seen: str) -> Refresh | None:
        """What a refresher that has ``seen`` is answered; ``None`` is nothing new (204)."""
        if self.step.seen == seen:
            return None
        news = self.step.get_news() if seen.partition(":")[0] == self.step.body_shows else None
        if news is not None:
            html = self._render(*self.step.news_template, **news)
            return Refresh(html, whole=False, text=news.get("text", ""))
        return Refresh(self.render_body(), whole=True)
