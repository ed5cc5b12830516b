"""The code in the guide to charges runs."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.models import LineItem

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[3] / "docs/howto/charges.md"
MAY = dt.datetime(2026, 5, 12, 9, 30, 0, 123456, tzinfo=dt.UTC)


def test_the_example_of_the_howto_runs(user: User) -> None:
    shown = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = (block for block in shown if "record_many" in block)
    jobs = [SimpleNamespace(pk=number, user_id=user.pk, finished_at=MAY) for number in range(3)]
    jobs.append(SimpleNamespace(pk=3, user_id=-1, finished_at=MAY))
    told: list[Any] = []
    log = SimpleNamespace(error=lambda *args: told.append(args))
    world = {"LineItem": LineItem, "finished_jobs": lambda: iter(jobs), "logger": log}
    exec(code, world)  # noqa: S102 - our own page
    assert LineItem.objects.count() == 3
    assert [number for _text, number, _error in told] == [3]
