"""The books are read where they are written, never from a replica that lags behind."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import Model

from payments_ui.core.db.querysets import BooksQuerySet

MODELS = list(apps.get_app_config("payments_core").get_models())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.__name__))
def test_no_model_reads_a_replica(model: type[Model]) -> None:
    for manager in (model._default_manager, model._base_manager):
        assert isinstance(manager.all(), BooksQuerySet)
