"""The models and the migrations say the same."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db(databases="__all__")
def test_no_model_waits_for_a_migration() -> None:
    call_command("makemigrations", "payments_core", check=True, dry_run=True, verbosity=0)
