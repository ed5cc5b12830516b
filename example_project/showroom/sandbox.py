"""Sets the scenario of the next card payment through the offline card company's control API."""

from __future__ import annotations

import json
from urllib.error import URLError
from urllib.request import Request, urlopen

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

#: The scenarios that customers meet most; the company's own page offers all of them.
SCENARIOS = (
    ("approve", _("is approved")),
    ("declined", _("is declined")),
    ("insufficient_funds", _("is declined: not enough money")),
    ("fraud", _("is declined: suspected fraud")),
    ("3ds", _("needs a confirmation (3-D Secure)")),
    ("processing", _("is pending, and charged some seconds later")),
    ("slow", _("takes a while")),
    ("lost_reply", _("is charged, but the answer gets lost")),
    ("error_before", _("fails with an error; nothing is charged")),
)


class SandboxForm(forms.Form):
    """What happens to the next card payment."""

    scenario = forms.ChoiceField(label=_("The next card payment"), choices=SCENARIOS)

    def plan(self) -> bool:
        """Send the scenario; return whether the company accepted it."""
        request = Request(  # noqa: S310 (the demo's own address, from its settings)
            f"{settings.SANDBOX_URL}/v1/plan",
            data=json.dumps({"scenario": self.cleaned_data["scenario"]}).encode(),
            headers={
                "Authorization": f"Bearer {settings.SANDBOX_API_KEY}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request, timeout=5) as response:  # noqa: S310
                return bool(response.status == 200)
        except URLError:
            return False
