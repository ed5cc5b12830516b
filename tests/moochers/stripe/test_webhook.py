"""Webhooks fail closed, and say what they are about."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from uuid import uuid4

import pytest
import stripe
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.exceptions import (
    WebhookNotConfiguredError,
    WebhookSignatureError,
    WebhookTooLongError,
)
from payments_ui.moochers.base import MAX_WEBHOOK
from payments_ui.moochers.stripe import StripeMoocher, events

from . import answers
from .conftest import SECRET, new_moocher


def post(body: bytes, signature: str | None) -> HttpRequest:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return RequestFactory().post("/", body, content_type="application/json", headers=headers)


def signed(event: Any, *secrets: str, ago: int = 0) -> HttpRequest:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    time_ = int(time.time()) - ago
    sign = stripe.WebhookSignature.generate_signature_header
    headers = [sign(body.decode(), secret, time_) for secret in secrets or (SECRET,)]
    signatures = [header.partition(",")[2] for header in headers]
    return post(body, ",".join([f"t={time_}", *signatures]))


@pytest.fixture
def moocher() -> StripeMoocher:
    return new_moocher()


def test_a_signed_event_names_attempt_and_charge(moocher: StripeMoocher) -> None:
    notice = moocher.webhook(signed(answers.event(answers.intent())))
    assert (notice.event_id, notice.kind) == (answers.EVENT, "payment_intent.succeeded")
    assert (notice.attempt_id, notice.psp_reference) == (answers.ATTEMPT, answers.PAYMENT)


def test_what_the_event_says_of_money_is_not_read(moocher: StripeMoocher) -> None:
    intent = answers.intent(status="invented", amount="much", amount_received=None)
    assert moocher.webhook(signed(answers.event(intent))).attempt_id == answers.ATTEMPT


def test_a_secret_can_be_replaced() -> None:
    moocher = new_moocher(webhook_secret=["whsec_new12345", SECRET])
    event = answers.event(answers.intent())
    assert moocher.webhook(signed(event)).event_id
    assert moocher.webhook(signed(event, "whsec_old12345", "whsec_new12345")).event_id
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(signed(event, "whsec_old12345"))


@pytest.mark.parametrize("secret", ["", "  ", (), ["", " "]])
def test_without_a_secret_nothing_is_taken(secret: Any) -> None:
    moocher = new_moocher(webhook_secret=secret)
    with pytest.raises(WebhookNotConfiguredError):
        moocher.webhook(signed(answers.event(answers.intent()), "x"))
    assert "payments_ui.E060" in [message.id for message in moocher.check()]


def test_what_is_not_signed_is_refused(moocher: StripeMoocher) -> None:
    body = json.dumps(answers.event(answers.intent())).encode()
    now = int(time.time())
    for signature in (
        *[None, "", "t=1", "v1=00", "t=x,v1=00", f"t={now},v1=", f"t={now},v0=00", "=" * 50],
        *[f"t={now},v1={'0' * 64}", f"t={now},v1=ü", "t=" + "9" * 5000 + ",v1=00"],
        *[",".join([f"t={now}", *["v1=" + "0" * 64] * 100]), "t=1,v1=00\x00"],
    ):
        with pytest.raises(WebhookSignatureError):
            moocher.webhook(post(body, signature))


def test_a_changed_body_is_refused(moocher: StripeMoocher) -> None:
    request = signed(answers.event(answers.intent()))
    request._body = request.body.replace(b"1200", b"1201")
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(request)


def test_old_events_are_refused(moocher: StripeMoocher) -> None:
    event = answers.event(answers.intent())
    assert moocher.webhook(signed(event, ago=290)).event_id
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(signed(event, ago=310))


@pytest.mark.parametrize(
    "body",
    [
        *[b"", b"no json", b"[]", b"null", b"7", b'"evt_1"', b"{}", b"[" * 100_000],
        json.dumps(answers.event(answers.intent(), id="evt-1")).encode(),
        json.dumps(answers.event(answers.intent(), object="v2.core.event")).encode(),
        json.dumps(answers.event(answers.intent(), livemode=True)).encode(),
        json.dumps(answers.event(answers.intent(), account="acct_other")).encode(),
        json.dumps(answers.event(answers.intent(), type=7)).encode(),
        json.dumps(answers.event(answers.intent(id="pi_../1"))).encode(),
        json.dumps(answers.event({"object": "refund", "payment_intent": 7})).encode(),
    ],
)
def test_signed_nonsense_is_refused(moocher: StripeMoocher, body: bytes) -> None:
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(signed(body))


def test_a_body_that_is_no_text_is_refused(moocher: StripeMoocher) -> None:
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(post(b"\xff\xfe", f"t={int(time.time())},v1={'0' * 64}"))


def test_a_long_body_is_not_read(moocher: StripeMoocher) -> None:
    with pytest.raises(WebhookTooLongError):
        moocher.webhook(post(b"x" * (MAX_WEBHOOK + 1), ""))


def test_a_refusal_repeats_neither_body_nor_secret(moocher: StripeMoocher) -> None:
    with pytest.raises(WebhookSignatureError) as refused:
        moocher.webhook(post(b'{"client_secret": "pi_1_secret_2"}', "t=1,v1=00"))
    assert "secret_2" not in repr(refused.value)
    assert refused.value.__cause__ is None


def about(subject: Any, **changes: Any) -> dict[str, Any]:
    event = answers.event(subject, **changes)
    notice = events.notice_of(event, moocher="stripe", account="acct_1", live=False)
    return {
        name: value
        for name in notice.__slots__
        if name not in ("event_id", "kind") and (value := getattr(notice, name))
    }


OURS = uuid4()


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            answers.intent(metadata={"attempt": str(OURS)}),
            {"attempt_id": OURS, "psp_reference": answers.PAYMENT},
        ),
        (answers.intent(metadata={}), {"psp_reference": answers.PAYMENT}),
        # Another option of the same account has an endpoint of its own.
        (answers.intent(metadata={"attempt": str(OURS), "moocher": "stripe-page"}), {}),
        # Behind a page, the attempt goes by the page's id until it has succeeded.
        (
            answers.intent(metadata={"attempt": str(OURS), "page": "checkout"}),
            {"attempt_id": OURS},
        ),
        (answers.session(OURS), {"attempt_id": OURS}),
        (
            answers.session(mode="setup", metadata={"method": str(OURS)}),
            {"setup_reference": answers.SESSION, "setup_id": OURS},
        ),
        (
            answers.charge(payment_intent=answers.PAYMENT, metadata={"attempt": str(OURS)}),
            {"attempt_id": OURS, "psp_reference": answers.PAYMENT},
        ),
        (answers.charge(payment_intent=None), {}),
        (
            answers.refund(OURS),
            {
                "refund_id": OURS,
                "refund_reference": answers.REFUND,
                "psp_reference": answers.PAYMENT,
            },
        ),
        (
            answers.refund(),
            {"refund_reference": answers.REFUND, "psp_reference": answers.PAYMENT},
        ),
        (
            answers.dispute(),
            {"dispute_reference": answers.DISPUTE, "psp_reference": answers.PAYMENT},
        ),
        (
            {
                "object": "radar.early_fraud_warning",
                "fraud_type": "made_with_stolen_card",
                "payment_intent": {"id": answers.PAYMENT},
            },
            {
                "psp_reference": answers.PAYMENT,
                "warning": "Early fraud warning: made_with_stolen_card",
            },
        ),
        (
            {"object": "setup_intent", "id": answers.SETUP, "metadata": {"method": str(OURS)}},
            {"setup_reference": answers.SETUP, "setup_id": OURS},
        ),
        (answers.card(), {"method_reference": answers.METHOD}),
        (
            {"object": "mandate", "payment_method": answers.METHOD},
            {"method_reference": answers.METHOD},
        ),
        ({"object": "customer", "id": answers.CUSTOMER}, {}),
        ({"object": "invoice", "id": "in_1"}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_an_event_names_what_it_is_about(subject: Any, expected: dict[str, Any]) -> None:
    assert about(subject) == expected


def test_of_customers_only_their_end_is_news() -> None:
    gone = {"object": "customer", "id": answers.CUSTOMER}
    assert about(gone, type="customer.deleted") == {"customer_reference": answers.CUSTOMER}


def test_an_event_of_our_own_account_may_say_so() -> None:
    assert about(answers.card(), account="acct_1")


def test_no_more_types_are_listed_than_stripe_takes_and_all_are_sent() -> None:
    assert len(events.LISTED) <= 20
    assert set(events.LISTED) <= set(events.TYPES)


def test_the_library_knows_all_types() -> None:
    known = re.findall(r"'([a-z_.]+)'", str(stripe.Event.__annotations__["type"]))
    assert set(events.TYPES) <= set(known)
