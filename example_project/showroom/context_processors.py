"""What the showroom adds to every template."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from showroom import people, team
from showroom.bank import BankForm
from showroom.guide import Guide
from showroom.looks import LOOKS
from showroom.preferences import current
from showroom.sandbox import SandboxForm
from showroom.switches import switches


def showroom(request: HttpRequest) -> dict[str, Any]:
    """Return the look, the switches, the guided tour and the people one can be."""
    preferences = current(request)
    look = LOOKS[preferences.look]
    touring = "guide_since" in request.session and request.user.is_authenticated
    demo = people.is_demo(request)
    return {
        "preferences": preferences,
        "look": look,
        "ui": look.classes,
        "switches": switches(preferences),
        "guide": Guide.of(request) if touring else None,
        "people": people.PEOPLE if demo else (),
        "is_member": team.is_member(request),
        "is_team_chosen": team.is_team_chosen(request),
        "sandbox": SandboxForm(auto_id="id_sandbox_%s") if demo else None,
        "bank": BankForm(auto_id="id_bank_%s") if demo and request.user.is_authenticated else None,
        "sandbox_url": settings.SANDBOX_URL,
    }
