"""Telling the people who run the site."""

from __future__ import annotations

import logging

from django.core.mail import mail_admins
from django.db import transaction

from payments_ui.core.privacy.redaction import scrubbed

logger = logging.getLogger("payments_ui")


def after_commit(subject: str, text: str) -> None:
    """Tell the admins as soon as what it is about is committed."""
    transaction.on_commit(lambda: tell_admins(subject, text), robust=True)


def tell_admins(subject: str, text: str) -> bool:
    """Log an error and mail ``ADMINS``; whether that worked.

    A mail that cannot be sent is logged, too.
    """
    text = scrubbed(text)
    logger.error("%s: %s", subject, text)
    try:
        mail_admins(subject, text)
    except Exception:
        # Whatever is wrong with the mail, the money that it tells of is booked.
        logger.exception("The admins could not be told: %s", subject)
        return False
    return True
