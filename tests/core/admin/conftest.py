"""Who works in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.conftest import UserFactory


@pytest.fixture
def clerk(make_user: UserFactory) -> User:
    """Return somebody who may do everything."""
    return make_user(username="clerk", is_staff=True, is_superuser=True)


@pytest.fixture
def office(client: Client, clerk: User) -> Client:
    """Return the browser of somebody who may do everything."""
    client.force_login(clerk)
    return client


def permitted(make_user: UserFactory, *codenames: str) -> Client:
    """Return the browser of a clerk who may do these things and no others."""
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client
