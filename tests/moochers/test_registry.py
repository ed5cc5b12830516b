from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from payments_ui.mooch.moocher import MoochWrapper, PostFinanceWrapper
from payments_ui.moochers import registry
from payments_ui.moochers.base import Moocher
from tests import fakes
from tests.fakes import CARDS, FRANCS
from tests.mooch import site

odd: dict[str, Any] = {
    name: Moocher(identifier=name) for name in ("", "a/b", "é", "x" * 101, "manual", "balance")
}
nameless = Moocher()
no_moocher = object()
slashed, reserved = odd["a/b"], odd["manual"]
empty, accented, long = odd[""], odd["é"], odd["x" * 101]


def test_moochers_keep_their_order(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [FRANCS, CARDS]}
    assert list(registry.moochers()) == ["francs", "cards"]
    assert registry.get("cards") is fakes.cards
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    with pytest.raises(KeyError):
        registry.get("francs")


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


def test_moochers_of_django_mooch_are_wrapped_and_known_by_themselves(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, "tests.mooch.site.postfinance"]}
    wrapper = registry.wrapper_of(site.postfinance)
    assert isinstance(wrapper, PostFinanceWrapper)
    assert registry.moochers()["postfinance"] is wrapper
    assert registry.wrapper_of(site.stripe) is None
    assert registry.wrapper_of(fakes.cards) is None


def test_the_sender_of_post_charge_is_the_sites_own_object(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, "tests.mooch.site.postfinance"]}
    assert registry.sender("cards") is fakes.cards
    assert registry.sender("postfinance") is site.postfinance
    assert registry.sender("gone") == "gone"


def test_a_moocher_somebody_wrote_for_django_mooch_is_wrapped_plainly(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": ["tests.mooch.site.homemade"]}
    assert type(registry.get("homemade")) is MoochWrapper
