"""The wrapper around django-mooch's moochers by itself; its views are in tests/views."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from payments_ui.core.attempts.outcomes import Cancelled, Pending, Unknown
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError, WebhookSignatureError
from payments_ui.mooch.moocher import BankTransferWrapper, MoochWrapper, wrap
from payments_ui.moochers.base import AttemptUrls
from tests import fakes
from tests.mooch import site

URLS = AttemptUrls("http://testserver/back", "http://testserver/webhook")


def test_our_own_moochers_are_not_wrapped() -> None:
    assert wrap(fakes.cards) is fakes.cards


def test_it_looks_like_the_moocher_it_wraps() -> None:
    wrapper = wrap(site.transfer)
    assert isinstance(wrapper, BankTransferWrapper)
    assert wrapper.identifier == "banktransfer"
    assert wrapper.title == site.transfer.title
    assert (wrapper.success_url, wrapper.failure_url) == ("/thanks/", "/sorry/")


def test_a_home_made_one_is_charged_by_its_own_view_only(rf: RequestFactory) -> None:
    wrapper = wrap(site.homemade)
    assert isinstance(wrapper, MoochWrapper)
    with pytest.raises(MoocherError):
        wrapper.charge(Attempt(), data={}, urls=URLS)
    assert isinstance(wrapper.ask(Attempt()), Unknown)
    assert isinstance(wrapper.cancel(Attempt()), Pending)
    wrapper.verify_charge(Payment())
    with pytest.raises(WebhookSignatureError):
        wrapper.verify_callback(rf.post("/"))


def test_a_transfer_that_nobody_asked_a_psp_for_can_be_called_off() -> None:
    assert wrap(site.transfer).cancel(Attempt()) == Cancelled()
