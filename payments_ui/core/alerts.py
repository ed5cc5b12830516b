"""Telling the people who run the site."""

from __future__ import annotations

import logging

from django.core.mail import mail_admins
from django.db import transaction

logger = logging.getLogger("payments_ui")


def after_commit(subject: str, text: str) -> None:
    """Tell the admins as soon as what it is about is committed."""
    transaction.on_commit(lambda: tell_admins(subject, text), robust=True)


def tell_admins(subject: str, text: str) -> None:
    """Log an error and mail ``ADMINS``. A mail that cannot be sent is logged, too."""
    logger.error("%s: %s", subject, text)
    try:
        mail_admins(subject, text)
    except Exception:
        # Whatever is wrong with the mail, the money that it tells of is booked.
        logger.exception("The admins could not be told: %s", subject)
