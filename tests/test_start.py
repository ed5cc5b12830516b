"""The start of a process: one that serves no payment loads nothing that only payments need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from payments_ui import views
from payments_ui.core.on_demand import on_demand

#: In their own words: what a worker of the site's, or a page without our widgets, does without.
_IDLE = (
    *("babel.core", "babel.dates", "babel.numbers"),
    *("defusedxml", "mollie", "mt940", "qrbill", "segno", "stdnum", "stripe", "requests"),
    *("crispy_forms.helper", "mooch.banktransfer", "mooch.postfinance"),
    *("payments_ui.checks.host", "payments_ui.core.checks", "payments_ui.core.triggers"),
    *("payments_ui.components", "payments_ui.flows", "payments_ui.moochers.base"),
    *("payments_ui.mooch", "payments_ui.templatetags", "payments_ui.testing"),
    *("payments_ui.core.audit", "payments_ui.core.billing", "payments_ui.core.processing"),
    *("payments_ui.core.queries", "payments_ui.core.runs.counting"),
    *("payments_ui.core.suspense.proposals", "payments_ui.views.access"),
    # Its engines: only who renders needs them.
    "django.template.loaders.cached",
)
_START = """
import sys
from types import SimpleNamespace
# By it the settings of our tests, and no site's, write amounts before there is a request.
sys.modules["tests.english"] = SimpleNamespace(write_amounts=lambda: None)
import django
from django.urls import get_resolver
django.setup()
get_resolver().url_patterns
print(*sys.modules)
"""


@pytest.mark.parametrize("settings", ["tests.settings", "tests.settings_core_only"])
def test_a_process_that_serves_no_payment_loads_no_more_than_the_books(settings: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-c", _START]
    done = subprocess.run(  # noqa: S603 - our own program
        command, env=environment, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "payments_ui.core.models" in loaded
    assert [name for name in _IDLE if name in loaded] == []


def test_a_view_is_loaded_when_it_is_asked_for() -> None:
    webhook = views.OnDemand("webhooks.webhook")
    assert not hasattr(webhook, "view_class")
    assert "view" not in vars(webhook)
    # What Django's middleware asks before it calls the view.
    assert webhook.csrf_exempt
    assert not webhook.login_required
    assert vars(webhook)["view"].__name__ == webhook.__name__


def test_what_is_loaded_on_demand_is_registered_once() -> None:
    path = "payments_ui.core.checks.nearest"
    assert on_demand(path) is on_demand(path)
    assert on_demand(path)("limt", ["limit"]) == "Did you mean 'limit'?"
