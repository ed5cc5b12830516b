"""The people of the demo; visitors from this machine may sign in as any of them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "hillshade"  # noqa: S105 (valid in a demo on loopback only)


@dataclass(frozen=True)
class Person:
    """A person whom a visitor can sign in as."""

    username: str
    first_name: str
    last_name: str
    label: str | Promise
    is_staff: bool = False


PEOPLE = (
    Person("ada", "Ada", "Bernasconi", _("Ada, a customer")),
    Person("ben", "Ben", "Rochat", _("Ben, another customer")),
    Person("clara", "Clara", "Imhof", _("Clara, the clerk (admin)"), is_staff=True),
)


def is_demo(request: HttpRequest) -> bool:
    """Return whether passwords are off: the demo's settings, DEBUG, and from this machine."""
    address = request.META.get("REMOTE_ADDR", "")
    try:
        here = ip_address(address).is_loopback
    except ValueError:
        here = False
    return here and settings.DEBUG and getattr(settings, "SHOWROOM_SIGN_IN", False)


def may_be_welcomed(request: HttpRequest) -> bool:
    """Return whether this is a first visitor, who has not signed out on purpose."""
    new = not request.user.is_authenticated and "signed_out" not in request.session
    return new and is_demo(request)


def ada() -> User | None:
    """Return the customer that a first visitor is, once the demo's data are there."""
    return get_user_model().objects.filter(username="ada").first()
