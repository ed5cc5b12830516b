"""The journal names people by number, so that a name can leave it; clerks read who that is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from payments_ui.core import journal


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Each of these actors as people know them. One query, for those who are users."""
    actors = set(actors)
    user_model: Any = get_user_model()
    keys = {}
    for actor in actors:
        kind, _colon, number = actor.partition(":")
        if kind == "user":
            try:
                keys[user_model._meta.pk.to_python(number)] = actor
            except ValidationError:
                # Written by code of the site's own.
                continue
    users = user_model._base_manager.filter(pk__in=keys) if keys else ()
    people = {keys[user.pk]: str(user) for user in users}
    return {actor: people.get(actor) or _known(actor) for actor in actors}


def name_of(actor: str) -> str:
    """One of them."""
    return names_of([actor])[actor]


def _known(actor: str) -> str:
    if actor == journal.SYSTEM:
        return _("the system")
    kind, colon, name = actor.partition(":")
    return _("payment service %s") % name if colon and kind == "moocher" else actor
