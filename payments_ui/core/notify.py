"""Telling the admins of the site."""

from __future__ import annotations

import logging

from django.core.mail import mail_admins
from django.db import transaction

from payments_ui.core.privacy.redaction import redact

logger = logging.getLogger("payments_ui")


def admins_after_commit(subject: str, text: str) -> None:
    """Notify the admins once the transaction is committed."""
    transaction.on_commit(lambda: admins(subject, text), robust=True)


def admins(subject: str, text: str) -> bool:
    """Log an error and mail it to ``ADMINS``; return whether the mail was handed over.

    A mail that cannot be sent is logged, and raises nothing: the money it reports is booked.
    """
    text = redact(text)
    logger.error("%s: %s", subject, text)
    try:
        mail_admins(subject, text)
    except Exception:
        logger.exception("The mail to ADMINS could not be sent: %s", subject)
        return False
    return True
