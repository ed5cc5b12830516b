from __future__ import annotations

import json
import logging
import re
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Event, Payment
from payments_ui.moochers.base import Notice
from payments_ui.testing.failpoints import at, call
from payments_ui.testing.moochers import WEBHOOK_SECRET
from payments_ui.testing.psp import SandboxPSP, sign
from tests.counting import reads
from tests.fakes import cards, charge_of, finish
from tests.shopping import Shopper, attempt_of, post_webhook, report, stored, url


@pytest.fixture
def waiting(shopper: Shopper, psp: SandboxPSP) -> Attempt:
    """Return an attempt that the PSP accepted."""
    psp.plan.add("processing")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    return attempt_of(payment)


def test_a_webhook_settles_what_the_psp_confirms(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    assert report(Client(), waiting).status_code == 200
    assert stored(waiting.payment).state == "charged"
    assert Event.objects.get().attempt == waiting


def test_its_content_is_a_hint_only(waiting: Attempt) -> None:
    response = report(Client(), waiting, status="paid", amount=500)
    assert response.status_code == 200
    assert stored(waiting.payment).state == "processing"


@pytest.mark.parametrize("signature", ["", "0" * 64, sign(WEBHOOK_SECRET, b"something else", 0)])
def test_one_that_is_not_signed_is_neither_believed_nor_stored(
    waiting: Attempt, psp: SandboxPSP, signature: str, caplog: pytest.LogCaptureFixture
) -> None:
    finish(psp, waiting)
    psp.calls.clear()
    body = json.dumps({"id": f"evt_{1:032x}", "attempt": str(waiting.pk)}).encode()
    response = post_webhook(Client(), body, signature)
    assert response.status_code == 400
    assert stored(waiting.payment).state == "processing"
    assert not psp.calls
    assert not Event.objects.exists()
    assert "refused" in caplog.text


def test_the_same_one_again_changes_nothing(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    for _again in range(3):
        assert report(Client(), waiting).status_code == 200
    assert Event.objects.count() == 1
    assert psp.calls["fetch"] == 1


def test_the_same_one_again_is_one_read(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    report(Client(), waiting)
    with reads(1):
        assert report(Client(), waiting).status_code == 200


def test_the_same_one_again_is_asked_about_until_the_money_arrived(
    waiting: Attempt, psp: SandboxPSP
) -> None:
    report(Client(), waiting)
    finish(psp, waiting)
    report(Client(), waiting)
    assert stored(waiting.payment).state == "charged"


def test_out_of_order_ones_end_in_the_same_state(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    report(Client(), waiting, event=2, status="succeeded")
    report(Client(), waiting, event=1, status="processing")
    assert stored(waiting.payment).state == "charged"


def test_one_before_the_browser_returns_leaves_nothing_to_ask(
    waiting: Attempt, psp: SandboxPSP, shopper: Shopper
) -> None:
    finish(psp, waiting)
    report(Client(), waiting)
    psp.calls.clear()
    shopper.get(charge_of(psp, waiting).return_url)
    assert not psp.calls


def test_one_during_the_charge_is_settled_once(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    with at(Point.CHARGE_AFTER_PSP, call(lambda: report(Client(), attempt_of(payment)))):
        shopper.pay(payment)
    assert stored(payment).state == "charged"
    assert attempt_of(payment).state == "settled"


def test_one_before_the_psp_knows_its_own_charge_is_to_be_sent_again(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("lost_request")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    assert report(Client(), attempt_of(payment)).status_code == 503
    assert attempt_of(payment).state == "unknown"


def test_a_late_success_of_a_failed_attempt_is_believed(shopper: Shopper, psp: SandboxPSP) -> None:
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    finish(psp, attempt_of(payment))
    report(Client(), attempt_of(payment))
    assert stored(payment).state == "charged"


@pytest.mark.parametrize("state", ["processing", "insufficient_funds"])
def test_a_psp_that_cannot_be_asked_is_told_to_send_it_again(
    shopper: Shopper, psp: SandboxPSP, state: str
) -> None:
    psp.plan.add(state)
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    psp.plan.outage(3600)
    assert report(Client(), attempt_of(payment)).status_code == 503
    assert not Event.objects.exists()
    psp.plan.clear()
    finish(psp, attempt_of(payment))
    assert report(Client(), attempt_of(payment)).status_code == 200
    assert stored(payment).state == "charged"


def test_one_is_found_by_the_psps_reference(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    report(Client(), reference=waiting.psp_reference or "")
    assert stored(waiting.payment).state == "charged"


@pytest.mark.parametrize(
    ("attempt", "event"),
    [(None, {}), (None, {"reference": f"ch_{9:032x}"}), (Attempt(), {})],
    ids=["of nothing", "of another reference", "of another attempt"],
)
def test_one_that_nobody_knows_is_kept_as_unmatched(
    db: None,
    attempt: Attempt | None,
    event: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not (attempt or event):
        monkeypatch.setattr(cards, "webhook", lambda request: Notice(event_id="1"))
    assert report(Client(), attempt, **event).status_code == 200
    kept = Event.objects.get()
    assert (kept.state, kept.attempt) == (Event.State.UNMATCHED, None)


def test_another_moochers_attempt_is_nobodys(waiting: Attempt, psp: SandboxPSP) -> None:
    finish(psp, waiting)
    report(Client(), waiting, identifier="francs")
    assert stored(waiting.payment).state == "processing"
    assert Event.objects.get().state == Event.State.UNMATCHED


def test_an_unknown_moocher_has_no_webhooks(db: None) -> None:
    assert report(Client(), identifier="cash").status_code == 404


@pytest.mark.parametrize("size", [256 * 1024 + 1, 3 * 1024 * 1024])
def test_one_that_is_too_long_is_not_read(db: None, size: int) -> None:
    response = Client().post(
        url("webhook", None, "cards"), b"x" * size, content_type="application/json"
    )
    assert response.status_code == 413


@pytest.mark.parametrize(
    "body", [b"no JSON", b"\xff\xfe", b"[]", b"{}", b'{"id": 1, "attempt": "x"}']
)
def test_one_that_its_moocher_cannot_read_is_refused(
    db: None, body: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(request: HttpRequest) -> Notice:
        event = json.loads(request.body)
        return Notice(event_id=event["id"], attempt_id=UUID(event["attempt"]))

    monkeypatch.setattr(cards, "webhook", careless)
    response = post_webhook(Client(), body)
    assert response.status_code == 400
    assert not Event.objects.exists()
    assert "The webhook of moocher cards failed" in caplog.text


def test_get_is_not_allowed(db: None) -> None:
    assert Client().get(url("webhook", None, "cards")).status_code == 405


LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def test_webhooks_and_returns_need_no_login_where_all_else_does(
    waiting: Attempt, psp: SandboxPSP, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN]
    finish(psp, waiting)
    assert report(Client(), waiting).status_code == 200
    assert Client().get(charge_of(psp, waiting).return_url).status_code == 200
    assert Client().get(url("charges")).status_code == 302
    assert Client().get(url("heartbeat")).status_code == 200
    assert Payment.objects.get().state == "charged"


def test_a_refusal_is_logged_without_the_body(
    waiting: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Client().post(url("webhook", None, "cards"), "4242", content_type="text/plain")
    assert "4242" not in caplog.text


def test_events_of_a_webhook_carry_no_card_data(waiting: Attempt, psp: SandboxPSP) -> None:
    report(Client(), waiting, card="4242424242424242")
    event: Any = Event.objects.get()
    # Ids are random, and may hold these digits by chance.
    assert not re.search(r"(?<![0-9a-f])4242|4242(?![0-9a-f])", repr(vars(event)))


def test_an_event_without_a_reference_is_known_again_by_its_attempt(
    waiting: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Notice(event_id="1", attempt_id=waiting.pk)
    monkeypatch.setattr(cards, "webhook", lambda request: notice)
    for _time in range(2):
        assert report(Client(), waiting).status_code == 200
    other = Notice(event_id="1", attempt_id=UUID(int=9))
    monkeypatch.setattr(cards, "webhook", lambda request: other)
    assert report(Client(), waiting).status_code == 200
    assert Event.objects.count() == 2
