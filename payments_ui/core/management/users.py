"""Finding the user that a command names."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError


def find_user(text: str) -> Any:
    """Return the user with this user name or primary key, or raise ``CommandError``."""
    users = get_user_model()._default_manager
    found = users.filter(**{get_user_model().USERNAME_FIELD: text}).first()
    if found is None:
        try:
            found = users.filter(pk=text).first()
        except (ValueError, ValidationError):
            found = None
    if found is None:
        raise CommandError(f"No user has the user name or primary key {text!r}.")
    return found
