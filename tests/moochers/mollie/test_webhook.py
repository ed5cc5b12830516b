"""Mollie's webhooks: an id in a form, and in the URL whose it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.exceptions import WebhookSignatureError, WebhookTooLongError
from payments_ui.moochers.base import MAX_WEBHOOK, Notice
from payments_ui.moochers.mollie import MollieMoocher, webhook

OURS = UUID("b3f2c1d0-0000-4000-8000-000000000000")


def post(body: str | bytes = "id=tr_1", query: str = f"attempt={OURS}") -> HttpRequest:
    form = "application/x-www-form-urlencoded"
    return RequestFactory().post(f"/webhook/?{query}", body, content_type=form)


@pytest.fixture
def moocher() -> MollieMoocher:
    return MollieMoocher(api_key="test_key")


def test_it_names_the_attempt_of_its_url(moocher: MollieMoocher) -> None:
    expected = Notice(event_id="", attempt_id=OURS, psp_reference="tr_1")
    assert moocher.webhook(post()) == expected


def test_or_the_payment_method_that_is_being_saved(moocher: MollieMoocher) -> None:
    expected = Notice(event_id="", setup_id=OURS, setup_reference="tr_1")
    assert moocher.webhook(post(query=f"setup={OURS}")) == expected


def test_the_url_that_mollie_is_given_is_the_one_that_is_read(moocher: MollieMoocher) -> None:
    url = webhook.url("https://shop.example/webhook/", attempt=str(OURS))
    assert moocher.webhook(post(query=url.partition("?")[2])).attempt_id == OURS


@pytest.mark.parametrize(
    "message",
    [
        {"body": ""},
        {"body": "id="},
        {"body": "id=tr_1/../2"},
        {"body": "id=re_1"},
        {"body": b"id=tr_\xff"},
        {"body": "{}"},
        {"body": "&".join("a" for _field in range(2000)) + "&id=tr_1"},
        {"query": ""},
        {"query": "attempt=1"},
        {"query": f"attempt={OURS}&setup={OURS}"},
    ],
)
def test_what_is_no_webhook_is_refused(moocher: MollieMoocher, message: dict[str, Any]) -> None:
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(post(**message))


def test_a_long_body_is_refused(moocher: MollieMoocher) -> None:
    with pytest.raises(WebhookTooLongError):
        moocher.webhook(post("id=tr_1" + "0" * MAX_WEBHOOK))
