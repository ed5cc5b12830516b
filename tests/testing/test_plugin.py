"""The fixtures that a site uses, used as a site would."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.db.failpoints import Point, actions, hit
from payments_ui.core.models import Attempt, LineItem, Payment, Refund
from payments_ui.flows.return_from_psp import refresh
from payments_ui.testing import moochers
from payments_ui.testing.failpoints import raise_
from payments_ui.testing.moochers import InProcessMoocher, deliver, forget, listed
from payments_ui.testing.paying import pay
from payments_ui.testing.psp import SandboxPSP


@pytest.fixture
def payment(user: User, client: Client) -> Payment:
    client.force_login(user)
    LineItem.objects.record(user=user, title="Rendering", amount="12.00")
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment


def test_a_customer_pays_with_a_test_card(
    payments_psp: SandboxPSP, payments_books: Any, payment: Payment, client: Client
) -> None:
    assert pay(client, payment, card="card_approve").state == Attempt.State.SETTLED
    assert payments_psp.ledger.totals()["CHF"].taken == 1200


def test_a_customer_pays_on_a_page_and_comes_back(
    payments_psp: SandboxPSP, payments_books: Any, payment: Payment, client: Client
) -> None:
    attempt = pay(client, payment, "sandbox-page")
    back = payments_psp.decide(attempt.action_url, "approve")
    client.get(back)
    payment.refresh_from_db()
    assert payment.state == Payment.State.CHARGED


def test_webhooks_are_posted_to_the_site_when_the_test_asks(
    payments_psp: SandboxPSP, payments_books: Any, payment: Payment, client: Client
) -> None:
    attempt = pay(client, payment, "sandbox-page")
    payments_psp.decide(attempt.action_url, "approve")
    with pytest.raises(
        pytest.fail.Exception, match=r"The PSP took CHF 12\.00 as ch_.* unknown|requires"
    ):
        payments_books()
    assert payments_psp.deliver_webhooks()
    payments_books()
    states = {one["answer"] for one in payments_psp.outbox.deliveries(attempt_charge(payment))}
    assert states == {"200"}


def attempt_charge(payment: Payment) -> str:
    return payment.attempts.get().psp_reference or ""


def test_webhooks_arrive_by_themselves_where_a_server_listens(
    live_server: Any,
    payments_psp: SandboxPSP,
    payments_books: Any,
    payment: Payment,
) -> None:
    client = Client(HTTP_HOST=live_server.url.removeprefix("http://"))
    client.force_login(payment.user)
    pay(client, payment, card="card_lost_reply")
    assert payments_psp.deliver_webhooks()
    payment.refresh_from_db()
    assert payment.state == Payment.State.CHARGED


@pytest.mark.parametrize("scenario", ["lost_reply", "error_after", "pending", "rate_limited"])
def test_money_is_given_back_once_whatever_the_psp_does(
    payments_psp: SandboxPSP,
    payments_books: Any,
    payment: Payment,
    client: Client,
    scenario: str,
) -> None:
    pay(client, payment, card="card_approve")
    payment.refresh_from_db()
    payments_psp.plan.add(scenario, on="refund")
    refund = payment.refund("5.00", reason="Half of it was dark")
    payments_psp.advance(60)
    assert payments_psp.deliver_webhooks()
    refund.refresh_from_db()
    assert refund.state == Refund.State.SUCCEEDED
    assert payments_psp.ledger.totals()["CHF"].refunded == 500


def test_a_request_that_was_lost_can_be_repeated_at_once(
    payments_psp: SandboxPSP, payments_books: Any, payment: Payment, client: Client
) -> None:
    payments_psp.plan.add("lost_request")
    attempt = pay(client, payment, card="card_approve")
    assert attempt.state == Attempt.State.UNKNOWN
    refresh(payment)
    attempt.refresh_from_db()
    assert attempt.failure_code == DeclineCode.NEVER_HAPPENED
    assert pay(client, payment, card="card_approve").state == Attempt.State.SETTLED


def test_a_page_that_is_not_there_is_a_mistake_of_the_test(payments_psp: SandboxPSP) -> None:
    with pytest.raises(KeyError):
        payments_psp.decide("http://127.0.0.1/pay/nonsense", "approve")


def test_a_crash_is_repaired(
    payments_psp: SandboxPSP,
    payments_failpoints: Any,
    payments_books: Any,
    payment: Payment,
    client: Client,
) -> None:
    crash = payments_failpoints(Point.CHARGE_AFTER_PSP, raise_(SystemError), on_hit=1)
    with pytest.raises(SystemError):
        pay(client, payment, card="card_approve")
    assert crash.hits == 1
    assert payments_psp.deliver_webhooks()
    payment.refresh_from_db()
    assert payment.state == Payment.State.CHARGED


def test_no_point_stays_set_after_a_test(payments_failpoints: Any) -> None:
    assert actions == {}
    payments_failpoints(Point.CREATE_AFTER_BIND)
    assert list(actions) == [Point.CREATE_AFTER_BIND]
    hit(Point.CREATE_AFTER_BIND)


def test_wrong_books_fail_a_test(payments_books: Any, payment: Payment) -> None:
    bare = LineItem.objects.none().model._base_manager
    assert bare
    payments_books()


def test_the_sites_other_settings_stay(settings: Any, request: pytest.FixtureRequest) -> None:
    settings.PAYMENTS_UI = {"PAYEE": "Rechenwerk", "MOOCHERS": ["a.b"]}
    request.getfixturevalue("payments_psp")
    assert settings.PAYMENTS_UI["PAYEE"] == "Rechenwerk"
    [card, page] = settings.PAYMENTS_UI["MOOCHERS"]
    assert card != page


def test_a_moocher_is_listed_until_it_is_forgotten(payments_psp: SandboxPSP) -> None:
    card = InProcessMoocher(psp_url=payments_psp.url)
    [path] = listed(card)
    assert listed(card) == [path]
    name = path.rpartition(".")[2]
    assert getattr(moochers, name) is card
    forget([path])
    assert not hasattr(moochers, name)


def test_a_site_with_https_is_posted_to_with_https(settings: Any, db: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    headers = {"Content-Type": "application/json"}
    settings.PAYMENTS_UI = {}
    assert deliver("http://127.0.0.1:9/x/?a=b", b"{}", headers) == 301
    assert deliver("https://127.0.0.1:9/x/?a=b", b"{}", headers) == 404
