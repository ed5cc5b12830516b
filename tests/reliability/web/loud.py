"""A moocher and a PSP that say one text wherever they may say something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.models import Attempt, Payment
from payments_ui.moochers.base import AttemptUrls, Moocher
from payments_ui.testing.moochers import listed


class NoteForm(forms.Form):
    name = forms.CharField()
    note = forms.CharField(required=False)


class LoudMoocher(Moocher):
    """``says`` is what it says; ``answers`` is how the next attempt ends.

    ``reference`` is the PSP's, if it is not what it says.
    """

    says = ""
    reference = ""
    answers = "taken"

    @property
    def refusal(self) -> str | None:
        return self.says if self.answers == "refuse" else None

    def say(self, text: str) -> None:
        self.says = self.title = self.description = text

    def refuse(self, payment: Payment) -> str | None:
        return self.refusal

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> forms.Form:
        return NoteForm(data)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        if self.answers == "raise":
            raise RuntimeError(self.says)
        return self.ask(attempt)

    def ask(self, attempt: Attempt) -> Outcome:
        about: dict[str, Any] = {
            "psp_reference": self.reference or f"{self.says} {attempt.reference}"
        }
        evidence = {"message": self.says, self.says: [self.says]}
        match self.answers:
            case "decline":
                return Declined(code=DeclineCode.GENERIC, evidence=evidence, **about)
            case "action":
                return ActionRequired(url="https://psp.example/pay", **about)
            case "wait":
                return Pending(**about)
            case "raise":
                raise RuntimeError(self.says)
        money: dict[str, Any] = {"amount": attempt.amount, "currency": attempt.currency}
        return Succeeded(evidence=evidence, **about, **money)


loud = LoudMoocher(identifier="loud", title="Loud")
(LOUD,) = listed(loud)
