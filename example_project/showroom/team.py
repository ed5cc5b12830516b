"""Ada and Ben share a team, which owes charges of its own: Ada pays for it, Ben sees them."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.payer import Payer
from showroom.people import Person

TEAM = Person("team", "Hillshade", "field team", _("the field team"))
#: Who is in the team, and whether they may pay for it.
MEMBERS = {"ada": True, "ben": False}


def payer(request: HttpRequest) -> User | Payer | None:
    """Return whose charges the request shows: what ``PAYMENTS_UI["PAYER"]`` names."""
    user = request.user
    if not is_team_chosen(request):
        return user if isinstance(user, User) else None
    billing_user = get_user_model().objects.get(username=TEAM.username)
    return Payer(billing_user, may_pay=MEMBERS[user.get_username()])


def is_member(request: HttpRequest) -> bool:
    """Return whether the visitor is in the team."""
    return request.user.get_username() in MEMBERS


def is_team_chosen(request: HttpRequest) -> bool:
    """Return whether the visitor wants to see the team's charges, and is in the team."""
    return bool(request.session.get("team")) and is_member(request)
