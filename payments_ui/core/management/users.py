"""Users, as commands name them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError


def find_user(text: str) -> Any:
    """The user with this name or primary key; raises ``CommandError``."""
    users = get_user_model()._default_manager
    found = users.filter(**{get_user_model().USERNAME_FIELD: text}).first()
    if found is None:
        try:
            found = users.filter(pk=text).first()
        except (ValueError, ValidationError):
            found = None
    if found is None:
        raise CommandError(f"No user has the name or primary key {text!r}.")
    return found
