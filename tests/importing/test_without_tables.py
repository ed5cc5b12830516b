"""A site that never had django-user-payments."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from tests.importing.conftest import Import


def test_without_the_tables_nothing_can_be_copied(move_in: Import) -> None:
    with pytest.raises(CommandError, match="has no table user_payments_payment"):
        move_in()
