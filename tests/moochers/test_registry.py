from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from mooch.base import BaseMoocher
from pytest_django import Settings

from payments_ui.moochers import registry, wrappers
from payments_ui.moochers.base import Moocher
from tests import fakes
from tests.fakes import CARDS, FRANCS

odd: dict[str, Any] = {
    name: Moocher(identifier=name) for name in ("", "a/b", "é", "x" * 101, "manual", "balance")
}
nameless = Moocher()
no_moocher = object()
of_another_library = type("Other", (BaseMoocher,), {})(identifier="other")
slashed, reserved = odd["a/b"], odd["manual"]
empty, accented, long = odd[""], odd["é"], odd["x" * 101]


def test_moochers_keep_their_order(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [FRANCS, CARDS]}
    assert list(registry.moochers()) == ["francs", "cards"]
    assert registry.moochers()["cards"] is fakes.cards
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    assert list(registry.moochers()) == ["cards"]


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (["tests.nowhere.cards"], "does not import"),
        (["tests.fakes.nothing"], "does not import"),
        (["nonsense"], "does not import"),
        (["tests.moochers.test_registry.no_moocher"], "is not a moocher"),
        (["tests.fakes.FakeMoocher"], "is not a moocher"),
        ([CARDS, CARDS], "two moochers named 'cards'"),
        *(
            ([f"tests.moochers.test_registry.{name}"], "has the identifier")
            for name in ("nameless", "slashed", "reserved", "empty", "accented", "long")
        ),
    ],
)
def test_a_mistake_in_the_setting_names_itself(
    settings: Settings, paths: list[str], sentence: str
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": paths}
    with pytest.raises(ImproperlyConfigured, match=sentence):
        registry.moochers()


def test_the_sender_of_post_charge_is_the_sites_own_object(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    assert registry.sender("cards") is fakes.cards
    assert registry.sender("gone") == "gone"


def test_a_moocher_without_a_wrapper_is_a_mistake(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrappers, "_paths", [])
    registry._load.cache_clear()
    settings.PAYMENTS_UI = {"MOOCHERS": [f"{__name__}.of_another_library"]}
    with pytest.raises(ImproperlyConfigured, match="no wrapper for it is registered"):
        registry.moochers()
    registry._load.cache_clear()
