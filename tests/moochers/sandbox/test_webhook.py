"""Webhooks fail closed."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

import pytest

from payments_ui.core.models import Attempt
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import MAX_WEBHOOK
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import (
    KEY,
    SECRET,
    post,
    signed,
)


def test_a_signed_webhook_names_attempt_and_charge(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, event: bytes
) -> None:
    notice = moocher.webhook(signed(event))
    assert notice.attempt_id == attempt.pk
    assert notice.psp_reference == psp.ledger.charges.newest()[0].id
    assert notice.event_id == json.loads(event)["id"]


def test_a_charge_somebody_else_made_names_no_attempt(
    moocher: SandboxMoocher, event: bytes
) -> None:
    data = json.loads(event)
    data["data"]["metadata"] = {}
    assert moocher.webhook(signed(json.dumps(data).encode())).attempt_id is None


@pytest.mark.parametrize("ago", [-290, 290])
def test_clocks_may_differ_a_little(moocher: SandboxMoocher, event: bytes, ago: int) -> None:
    assert isinstance(moocher.webhook(signed(event, ago=ago)).attempt_id, UUID)


@pytest.mark.parametrize("ago", [-310, -86400 * 365, 310])
def test_old_and_future_webhooks_are_refused(
    moocher: SandboxMoocher, event: bytes, ago: int
) -> None:
    with pytest.raises(WebhookSignatureError, match="another time"):
        moocher.webhook(signed(event, ago=ago))


def test_a_secret_can_be_replaced(psp: SandboxPSP, event: bytes) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=["new", SECRET])
    assert moocher.webhook(signed(event)).attempt_id
    assert moocher.webhook(signed(event, "older", "new")).attempt_id
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(signed(event, "older"))


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "t=1",
        "v1=" + "0" * 64,
        "t=,v1=" + "0" * 64,
        "t=-1,v1=" + "0" * 64,
        "t=٣,v1=" + "0" * 64,
        "t=9999999999999,v1=" + "0" * 64,
        "t={now},v1=" + "0" * 64,
        "t={now},v1=" + "é" * 64,
        "t={now},v1=" + "0" * 63,
        "t={now},v0=" + "0" * 64,
        "t={now}" + f",v1={'0' * 64}" * 9,
        "t={now}",
    ],
)
def test_a_forged_signature_is_refused(
    moocher: SandboxMoocher, event: bytes, signature: str | None
) -> None:
    signature = signature and signature.replace("{now}", str(int(time.time())))
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(post(event, signature))


def test_a_changed_body_is_refused(moocher: SandboxMoocher, event: bytes) -> None:
    request = signed(event)
    changed = post(event.replace(b"1200", b"1201"), request.headers["Sandbox-Signature"])
    with pytest.raises(WebhookSignatureError, match="does not match"):
        moocher.webhook(changed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"id": "evt_1", "data": {"id": "ch_1", "metadata": {}}, %o}',
        b'{"id": "evt_%s", "data": {"id": "ch_1", "metadata": {}}, %o}',
        b'{"id": "evt_%s", "data": {"object": "refund", "charge": "1", "metadata": {}}, %o}',
        b'{"id": 1, "data": {"id": "ch_1", "metadata": {}}, %o}',
        b'{"id": "evt_%s", "data": {"id": "ch_%s", "metadata": null}, %o}',
        b'{"id": "evt_%s", "data": {"id": "ch_%s", "metadata": {"attempt": "x"}}, %o}',
        b'{"id": "evt_%s", "data": {"id": "ch_%s", "metadata": {"attempt": 1}}, %o}',
        b'{"id": "evt_%s", "data": {"id": "ch_%s", "metadata": {}}}',
    ],
)
def test_a_signed_body_that_makes_no_sense_is_refused(moocher: SandboxMoocher, body: bytes) -> None:
    ours = b'"account": "acct_sandbox", "live": false'
    with pytest.raises(WebhookSignatureError, match="makes no sense"):
        moocher.webhook(signed(body.replace(b"%s", b"0" * 32).replace(b"%o", ours)))


@pytest.mark.parametrize(
    "changes", [(b'"acct_sandbox"', b'"other"'), (b'"live": false', b'"live": true')]
)
def test_an_event_of_another_account_or_mode_is_refused(
    moocher: SandboxMoocher, event: bytes, changes: tuple[bytes, bytes]
) -> None:
    with pytest.raises(WebhookSignatureError, match="another account or mode"):
        moocher.webhook(signed(event.replace(*changes)))


def test_a_body_has_a_limit(moocher: SandboxMoocher) -> None:
    with pytest.raises(WebhookSignatureError, match="too long"):
        moocher.webhook(signed(b" " * (MAX_WEBHOOK + 1)))


def test_a_body_that_hides_its_length_has_a_limit(moocher: SandboxMoocher) -> None:
    request = signed(b" " * (MAX_WEBHOOK + 1))
    assert request.body
    request.META["CONTENT_LENGTH"] = ""
    with pytest.raises(WebhookSignatureError, match="too long"):
        moocher.webhook(request)


def test_a_body_that_the_site_does_not_read_is_refused(
    moocher: SandboxMoocher, event: bytes, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    with pytest.raises(WebhookSignatureError, match="cannot be read"):
        moocher.webhook(signed(event))
