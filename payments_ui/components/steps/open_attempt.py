"""A payment whose outcome is open: what the user has to do, or that nothing is left to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from payments_ui import http
from payments_ui.components import payment_options
from payments_ui.core import queries
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.models import Attempt, Payment

from .base import PaymentStep, Situation

#: A page without JavaScript is loaded anew at most so often, in seconds: people read meanwhile.
RELOAD_AT_MOST_EVERY = 10
#: Seconds between two looks at an attempt, by its age in seconds; older ones are left alone.
BACK_OFF: Mapping[int, int] = {30: 3, 180: 10, 600: 30}


def seconds_to_next_look(changed_at: dt.datetime) -> int:
    """How soon to look again at what waits for the customer or a PSP; 0 after a long time."""
    age = (timezone.now() - changed_at).total_seconds()
    return next((seconds for until, seconds in BACK_OFF.items() if age < until), 0)


def seconds_to_reload(changed_at: dt.datetime) -> str:
    """The same for a page without JavaScript, as its markup says it; empty after a long time."""
    seconds = seconds_to_next_look(changed_at)
    return str(max(seconds, RELOAD_AT_MOST_EVERY)) if seconds else ""


def stopped_text(every: int) -> str:
    """What is said once the page no longer looks; empty while it does."""
    return "" if every else _("This page no longer updates automatically.")


class OpenAttempt(PaymentStep):
    """An attempt that waits for the customer or for the PSP. Two queries at most."""

    #: States of an attempt that this step is for.
    states: ClassVar[frozenset[AttemptState]]
    news_template = ("payments_ui/elements/watch.html", "")

    def __init__(self, situation: Situation, payment: Payment, attempt: Attempt) -> None:
        super().__init__(situation, payment)
        self.attempt = attempt
        self.every = seconds_to_next_look(attempt.updated_at)

    def get_context_data(self) -> dict[str, Any]:
        """The attempt, and what its moocher has to say."""
        return {
            **self.get_news(),
            "payment": self.payment,
            "attempt": self.attempt,
            "moocher_title": payment_options.title_of(self.attempt.moocher),
            "arrivals": queries.arrivals(self.attempt) if self.attempt.received else (),
            "instructions": payment_options.instructions(self.situation.request, self.attempt),
            # Who may lose money by it is asked first.
            "asks": bool(payment_options.calling_off(self.attempt)),
        }

    def get_news(self) -> dict[str, Any]:
        """How often to look for the outcome; who waits for the customer's step loads no page."""
        watch_url = reverse("payments_ui:payment", kwargs={"pk": self.payment.pk})
        news: dict[str, Any] = {"watch_url": watch_url, "seen": self.seen, "every": self.every}
        news["text"] = stopped_text(self.every)
        waits_for_customer = self.attempt.manual or self.name == RequiresAction.name
        # Of a fragment, a browser would load its page anew though it runs scripts.
        if waits_for_customer or http.is_fragment(self.situation.request):
            return news
        return {**news, "reload_every": seconds_to_reload(self.attempt.updated_at)}

    @property
    def body_shows(self) -> str:
        """The step, and how much has arrived."""
        return f"{self.name} {self.attempt.received}" if self.attempt.received else self.name

    @property
    def seen(self) -> str:
        """What the body shows, with the seconds between two looks."""
        return f"{self.body_shows}:{self.every}"


class RequiresAction(OpenAttempt):
    """The customer has one more step to take, mostly on the PSP's page."""

    name = "requires_action"
    states = frozenset({AttemptState.REQUIRES_ACTION})

    def get_context_data(self) -> dict[str, Any]:
        """As ever, and whether the page itself says what to do, as its heading then tells."""
        context = super().get_context_data()
        return {**context, "asks_for_step": bool(context["instructions"])}


class Processing(OpenAttempt):
    """The PSP is at work, or a transfer is on its way."""

    name = "processing"
    states = frozenset({AttemptState.STARTED, AttemptState.PROCESSING})


class Unknown(OpenAttempt):
    """The PSP's answer got lost; the kit asks again."""

    name = "unknown"
    states = frozenset({AttemptState.UNKNOWN})


OPEN_STEPS: Mapping[str, type[OpenAttempt]] = {
    state: step for step in (Processing, RequiresAction, Unknown) for state in step.states
}
