"""A request that the sandbox refuses is the admins' business: the customer is not charged."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.models import Attempt, Payment, Refund
from payments_ui.core.processing import Result, StopProcessingError
from payments_ui.flows import refund as refund_flow
from payments_ui.flows.charge_unattended import Charging
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import ADMINS
from tests.moochers.sandbox.conftest import KEY, SECRET, taken

pytestmark = pytest.mark.django_db
State = Attempt.State


@pytest.fixture(autouse=True)
def _admins(settings: Any) -> None:
    settings.ADMINS = ADMINS


def site(settings: Any, moocher: SandboxMoocher) -> None:
    """Let the site offer this moocher only."""
    settings.PAYMENTS_UI |= {"MOOCHERS": listed(moocher)}


def pay(payment: Payment, host: str) -> tuple[Attempt, str]:
    """Pay with a test card on the site at this host; return what the customer reads, too."""
    client = Client(HTTP_HOST=host)
    client.force_login(payment.user)
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": "sandbox"})
    data = {**FormToken.fields(payment), "card": "card_approve"}
    reply = client.post(url, data, headers={"HX-Request": "true"})
    return payment.attempts.latest("started_at"), reply.content.decode()


@pytest.mark.parametrize("host", ["t1.localhost", "t1.localhost:8000", "[::1]:8000", "127.0.0.1"])
def test_hosts_that_django_takes_in_debug_are_taken(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    payment: Payment,
    host: str,
) -> None:
    site(settings, moocher)
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    attempt, _text = pay(payment, host)
    assert attempt.state == State.SETTLED
    assert taken(psp) == 1200


def test_a_site_in_a_container_charges_nothing_and_says_so(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    payment: Payment,
) -> None:
    site(settings, moocher)
    attempt, text = pay(payment, "web:8000")
    assert (attempt.state, attempt.failure_code) == (State.FAILED, DeclineCode.REQUEST_REFUSED)
    assert "Nothing was charged" in text
    assert "checking" not in text
    assert taken(psp) == 0
    assert "return_url" in mail.outbox[0].body
    # The customer can act: nothing is open any more.
    Payment.objects.get(pk=payment.pk).cancel_pending()


def test_a_wrong_api_key_charges_nothing_and_says_so(
    settings: Any, monkeypatch: pytest.MonkeyPatch, psp: SandboxPSP, payment: Payment
) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key="not-the-key", webhook_secret=SECRET)
    site(settings, moocher)
    attempt, text = pay(payment, "localhost")
    assert (attempt.state, attempt.failure_code) == (State.FAILED, DeclineCode.REQUEST_REFUSED)
    assert "Nothing was charged" in text
    assert "401 unauthorized" in mail.outbox[0].body
    assert "not-the-key" not in mail.outbox[0].body


def test_a_moocher_that_may_not_run_charges_nothing(
    settings: Any, moocher: SandboxMoocher, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as in a bulk run: its form would not be shown."""
    settings.PAYMENTS_UI |= {"ALLOW_SANDBOX": False}
    monkeypatch.setattr(moocher, "refuse", lambda payment: None)
    charge = Charging(moocher, base_url="http://localhost", data_for=lambda _p: {"card": "x"})
    assert charge(payment) is Result.FAILURE
    assert payment.attempts.get().failure_code == DeclineCode.REQUEST_REFUSED


def test_a_run_whose_requests_are_refused_is_stopped(psp: SandboxPSP, payment: Payment) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key="not-the-key", webhook_secret=SECRET)
    data = {"card": "card_approve"}
    charge = Charging(
        moocher, base_url="http://localhost", data_for=lambda _p: data, per_second=None
    )
    results = [charge(payment) for _payment in range(4)]
    # Its user was not declined, so the next run tries again.
    assert results == [Result.FAILURE] * 4
    with pytest.raises(StopProcessingError):
        charge(payment)
    assert len(mail.outbox) == 5


def test_a_refused_refund_gives_nothing_back_and_can_be_made_again(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    payment: Payment,
) -> None:
    site(settings, moocher)
    attempt, _text = pay(payment, "localhost")
    monkeypatch.setattr(moocher._client, "_api_key", "replaced")
    refund = attempt.payment.refund(reason="wrong size")
    assert (refund.state, refund.failure_code) == (Refund.State.FAILED, "request_refused")
    assert "401 unauthorized" in mail.outbox[0].body
    monkeypatch.setattr(moocher._client, "_api_key", KEY)
    assert attempt.payment.refund(reason="wrong size").state == Refund.State.SUCCEEDED


def test_a_refusal_says_nothing_of_an_earlier_request(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    payment: Payment,
) -> None:
    site(settings, moocher)
    attempt, _text = pay(payment, "localhost")
    psp.plan.add("lost_reply", on="refund")
    refund = attempt.payment.refund(reason="wrong size")
    assert refund.state == Refund.State.UNKNOWN
    monkeypatch.setattr(moocher._client, "_api_key", "replaced")
    for again in (refund_flow.send, lambda refund: refund_flow.ask(refund)[0]):
        assert again(refund).state == Refund.State.UNKNOWN
