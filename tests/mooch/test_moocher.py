"""The wrapper around django-mooch's moochers by itself; its views are in tests/views."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import Cancelled, Pending, Unknown
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError, WebhookSignatureError
from payments_ui.mooch.middleware import wrapper_of
from payments_ui.mooch.moocher import BankTransferWrapper, MoochWrapper, PostFinanceWrapper, wrap
from payments_ui.moochers import registry
from payments_ui.moochers.base import AttemptUrls
from tests import fakes
from tests.mooch import site

URLS = AttemptUrls("http://testserver/back", "http://testserver/webhook")


def test_listed_moochers_are_wrapped_and_known_by_themselves(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [fakes.CARDS, "tests.mooch.site.postfinance"]}
    wrapper = wrapper_of(site.postfinance)
    assert isinstance(wrapper, PostFinanceWrapper)
    assert registry.moochers()["postfinance"] is wrapper
    assert wrapper_of(site.stripe) is None
    assert wrapper_of(fakes.cards) is None


def test_the_sender_of_post_charge_is_the_sites_own_object(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": ["tests.mooch.site.postfinance"]}
    assert registry.sender("postfinance") is site.postfinance


def test_a_home_made_one_is_wrapped_plainly(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": ["tests.mooch.site.homemade"]}
    assert type(registry.moochers()["homemade"]) is MoochWrapper


def test_it_looks_like_the_moocher_it_wraps() -> None:
    wrapper = wrap(site.transfer)
    assert isinstance(wrapper, BankTransferWrapper)
    assert wrapper.identifier == "banktransfer"
    assert wrapper.title == site.transfer.title
    assert (wrapper.success_url, wrapper.failure_url) == ("/thanks/", "/sorry/")


def test_a_home_made_one_is_charged_by_its_own_view_only(rf: RequestFactory) -> None:
    wrapper = wrap(site.homemade)
    with pytest.raises(MoocherError):
        wrapper.charge(Attempt(), data={}, urls=URLS)
    assert isinstance(wrapper.ask(Attempt()), Unknown)
    assert isinstance(wrapper.cancel(Attempt()), Pending)
    wrapper.verify_charge(Payment())
    with pytest.raises(WebhookSignatureError):
        wrapper.verify_callback(rf.post("/"))


def test_a_transfer_can_be_called_off_as_no_psp_was_asked() -> None:
    assert wrap(site.transfer).cancel(Attempt()) == Cancelled()
