"""A PSP reports something: verify that it did, and handle what it is about."""

from __future__ import annotations

import logging

from django.http import HttpRequest

from payments_ui.exceptions import WebhookNotConfiguredError, WebhookSignatureError
from payments_ui.moochers.base import Moocher, Notice, webhook_body

from . import notices

logger = logging.getLogger("payments_ui")


def handle(request: HttpRequest, moocher: Moocher) -> None:
    """Settle what a PSP's webhook is about, see ``notices``.

    Raises ``WebhookSignatureError`` before anything is stored, ``WebhookNotConfiguredError``
    where the site has no secret to verify it with, and ``PSPUnavailableError`` where the PSP
    should send it again.
    """
    notice = _read(request, moocher)
    if notice.event_id:
        notices.handle(notice, moocher, request)
    else:
        notices.handle_unsigned(notice, moocher, request)


def _read(request: HttpRequest, moocher: Moocher) -> Notice:
    webhook_body(request)
    try:
        return moocher.webhook(request)
    except (WebhookSignatureError, WebhookNotConfiguredError):
        raise
    except Exception as error:
        # Whoever posts may post anything: what cannot be read is refused, and is no crash.
        logger.exception("The webhook of moocher %s failed", moocher.identifier)
        raise WebhookSignatureError(f"{moocher.identifier} could not read it") from error
