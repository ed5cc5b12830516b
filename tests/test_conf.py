"""Settings: one dict, read at each access."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from payments_ui.conf import KNOWN
from payments_ui.conf import settings as pui


def test_a_setting_is_read_when_it_is_needed() -> None:
    assert pui.CURRENCY == "CHF"
    with override_settings(PAYMENTS_UI={"CURRENCY": "EUR"}):
        assert pui.CURRENCY == "EUR"
    assert pui.CURRENCY == "CHF"


@pytest.mark.parametrize("value", [None, {}, "no dict"])
def test_a_site_needs_no_settings(value: Any) -> None:
    with override_settings(PAYMENTS_UI=value):
        defaults = {name: getattr(pui, name) for name in KNOWN}
    assert defaults["CURRENCY"] == "CHF"
    assert defaults["PAGE_SIZE"] == 20
    assert not defaults["MOOCHERS"]
    assert not defaults["ALLOW_SANDBOX"]


def test_every_setting_can_be_changed() -> None:
    given = {name: object() for name in KNOWN}
    with override_settings(PAYMENTS_UI=given):
        assert {name: getattr(pui, name) for name in KNOWN} == given


def test_every_setting_says_what_it_is_for() -> None:
    assert all(getattr(type(pui), name).__doc__ for name in KNOWN)
