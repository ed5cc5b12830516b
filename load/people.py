"""Two hundred people with a sheet each, signed in."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User

from atelier.models import Sheet


def seed(number: int) -> list[dict[str, Any]]:
    """Add them; what a browser of each needs to know."""
    names = [f"customer-{place}" for place in range(number)]
    people = User.objects.bulk_create(
        User(username=name, email=f"{name}@example.com", password="!") for name in names
    )
    sheets = Sheet.objects.bulk_create(
        Sheet(owner=one, name="Piz Nowhere", terrain="alpine", size="a4", seed=1, svg="<svg/>")
        for one in people
    )
    return [
        {"session": _session(one), "sheet": sheet.pk}
        for one, sheet in zip(people, sheets, strict=True)
    ]


def _session(user: User) -> str:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)
