"""Saved payment methods: the list, a new one, one that is being saved, one to be removed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from payments_ui.core.models import PaymentMethod
from payments_ui.exceptions import PaymentsUIError
from payments_ui.moochers.base import Moocher

from . import payment_options, saved_methods
from .base import Component, Page, Refresh
from .steps.open_attempt import seconds_to_next_look, seconds_to_reload, stopped_text
from .widget import Widget


class PaymentMethods(Component):
    """``{% payment_methods %}``: the payment methods that the user has saved.

    To add one, remove one, or choose the default; those that expire soon or have expired are
    marked, and each says what it is used for. ``title``; ``heading``; ``limit`` rows of a page;
    ``live``; ``anonymous``; ``id``. Two queries.

    ``moocher`` with ``form_html``, adopted by the kit, shows the form that saves a new one;
    ``method`` is one that is being saved, or one that is asked about where ``removes``. ``notice``,
    ``error`` and ``focus`` are as in ``PendingCharges``.
    """

    name = "payment-methods"
    title = _("Payment methods")
    accepts = frozenset({*Component.accepts, "live", "limit"})

    def __init__(
        self,
        request: HttpRequest,
        widget: Widget,
        *,
        page: int = 1,
        moocher: Moocher | None = None,
        form_html: str = "",
        method: PaymentMethod | None = None,
        removes: bool = False,
        notice: str = "",
        error: PaymentsUIError | str | None = None,
        focus: bool = False,
    ) -> None:
        super().__init__(request, widget, page=page)
        self.moocher = moocher
        self.form_html = form_html
        self.method = method
        self.removes = removes
        self.notice = notice
        self.error = error
        self.focus = focus
        #: The page that the customer left for a PSP, where the way back leads.
        self.back_url = ""

    @classmethod
    def get_url(cls) -> str:
        """The list."""
        return reverse("payments_ui:methods")

    @property
    def step(self) -> str:
        """What the body shows; names its template."""
        if self.moocher is not None:
            return "adding"
        if self.method is None:
            return "methods"
        return "removal" if self.removes else "saving"

    @property
    def body_template_name(self) -> str:
        """The template of the step."""
        return f"payments_ui/components/payment_methods/{self.step}.html"

    def get_context_data(self) -> dict[str, Any]:
        """What every step says, and what this one shows."""
        return {
            "step": self.step,
            "methods_url": self.get_url(),
            "back_url": self.back_url,
            "moocher": self.moocher,
            # Escaped unless it is a SafeString, as what a template rendered is.
            "form_html": self.form_html,
            **(self._list() if self.step == "methods" else {}),
            **(self._one(self.method) if self.method is not None else {}),
        }

    def _list(self) -> dict[str, Any]:
        limit, offset = self.widget.limit, (self.page - 1) * self.widget.limit
        active = PaymentMethod.objects.active().filter(user=self.user.pk)
        return {
            "page": Page.of(list(active[offset : offset + limit + 1]), self.page, limit),
            "savers": saved_methods.savers() if self.may_pay else (),
        }

    def _one(self, method: PaymentMethod) -> dict[str, Any]:
        if self.removes:
            return {"method": method}
        instructions = payment_options.setup_instructions(self.request, method)
        waits_for_customer = bool(method.action_url or instructions)
        return {
            **self._news(method),
            "method": method,
            "moocher_title": payment_options.title_of(method.moocher),
            "instructions": instructions,
            "asks_for_step": bool(instructions),
            # Who has a step to take loads no page meanwhile.
            "reload_every": "" if waits_for_customer else seconds_to_reload(method.updated_at),
        }

    def _news(self, method: PaymentMethod) -> dict[str, Any]:
        watch_url = reverse("payments_ui:method", kwargs={"pk": method.pk})
        every = seconds_to_next_look(method.updated_at)
        text = stopped_text(every)
        return {"watch_url": watch_url, "seen": f"saving:{every}", "every": every, "text": text}

    def refresh(self, seen: str) -> Refresh | None:
        """What a refresher that has ``seen`` is answered while one is saved; ``None``: no news."""
        if self.method is None:
            raise TypeError(f"The step {self.step} has no news")
        news = self._news(self.method)
        if news["seen"] == seen:
            return None
        html = self._render("payments_ui/elements/watch.html", **news)
        return Refresh(html, whole=False, text=news["text"])
