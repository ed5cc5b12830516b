"""A payment whose outcome is open: what the user has to do, or that nothing is left to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone

from payments_ui.components import payment_options
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.models import Attempt, Payment

from .base import PaymentStep, Situation

#: Seconds between two looks at an attempt, by its age in seconds; older ones are left alone.
BACK_OFF: Mapping[int, int] = {30: 3, 180: 10, 600: 30}


class OpenAttempt(PaymentStep):
    """An attempt that waits for the customer or for the PSP. One query."""

    #: States of an attempt that this step is for.
    states: ClassVar[frozenset[AttemptState]]
    news_template = ("payments_ui/elements/watch.html", "")

    def __init__(self, situation: Situation, payment: Payment, attempt: Attempt) -> None:
        super().__init__(situation, payment)
        self.attempt = attempt
        age = (timezone.now() - attempt.updated_at).total_seconds()
        #: Seconds to the next look; 0 once the attempt waits for long.
        self.every = next((seconds for until, seconds in BACK_OFF.items() if age < until), 0)

    def get_context_data(self) -> dict[str, Any]:
        """The attempt, and what its moocher has to say."""
        return {
            **self.get_news(),
            "attempt": self.attempt,
            "moocher_title": payment_options.title_of(self.attempt.moocher),
            "instructions": payment_options.instructions(self.situation.request, self.attempt),
        }

    def get_news(self) -> dict[str, Any]:
        """How often to look for the outcome."""
        return {"payment": self.payment, "seen": self.seen, "every": self.every}

    @property
    def seen(self) -> str:
        """The step, with the seconds between two looks."""
        return f"{self.name}:{self.every}"


class RequiresAction(OpenAttempt):
    """The customer has one more step to take, mostly on the PSP's page."""

    name = "requires_action"
    states = frozenset({AttemptState.REQUIRES_ACTION})


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
