"""Fixtures for all unit tests: factories, since a test should show what it depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import django
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from pytest_django import DjangoDbBlocker, Settings

from tests import emptying

pytest_plugins = ["payments_ui.testing.plugin"]

UserFactory = Callable[..., User]


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, _payments_books_can_be_flushed: None
) -> Iterator[None]:
    """Make the test databases; tests that commit leave the default one as it was made."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(emptying.instead_of_flushing())
        yield


@pytest.fixture
def make_user(db: None) -> UserFactory:
    """Return a factory of users with names of their own."""
    numbers = count(1)

    def make(**fields: Any) -> User:
        name = fields.pop("username", f"user-{next(numbers)}")
        email = fields.pop("email", f"{name}@example.com")
        user: User = get_user_model().objects.create_user(name, email, **fields)
        return user

    return make


@pytest.fixture
def user(make_user: UserFactory) -> User:
    """Return somebody who pays."""
    return make_user()


@pytest.fixture
def mail_is_down(settings: Settings) -> None:
    """Let every mail fail, as where no server listens."""
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {
            "default": {"BACKEND": smtp, "OPTIONS": {"host": "127.0.0.1", "port": 1}}
        }
    else:
        settings.EMAIL_BACKEND = smtp
        settings.EMAIL_PORT = 1
