"""Payment options, as customers read them: what the templates know of moochers."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from mooch.base import BaseMoocher

from payments_ui.core.models import Attempt, Payment
from payments_ui.moochers.registry import moochers

logger = logging.getLogger("payments_ui")


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A moocher in the list of options; ``refusal`` says why it cannot take this payment."""

    identifier: str
    title: str
    description: str
    refusal: str
    chosen: bool


def options(payment: Payment, chosen: BaseMoocher | None) -> list[PaymentOption]:
    """The payment options, in the order of ``MOOCHERS``."""
    return [
        PaymentOption(
            identifier=identifier,
            title=str(moocher.title),
            description=str(getattr(moocher, "description", "")),
            refusal=refusal(moocher, payment),
            chosen=chosen is not None and chosen.identifier == identifier,
        )
        for identifier, moocher in moochers().items()
    ]


def refusal(moocher: BaseMoocher, payment: Payment) -> str:
    """Why a moocher cannot take a payment; empty if it can."""
    refuse = getattr(moocher, "refuse", None)
    return str(refuse(payment) or "") if refuse else ""


def title_of(identifier: str) -> str:
    """What customers read for a moocher, also after a site has stopped listing it."""
    if identifier == "balance":
        return _("No payment was necessary")
    if identifier == "manual":
        return _("Paid directly to us")
    if identifier == "unknown":
        return ""
    moocher = moochers().get(identifier)
    return str(moocher.title) if moocher else identifier


def instructions(request: HttpRequest, attempt: Attempt) -> str:
    """A moocher's own HTML for an open attempt; empty where it has none, or fails."""
    moocher = moochers().get(attempt.moocher)
    if moocher is None:
        return ""
    try:
        # Not str(): escaped unless a template made it.
        return moocher.instructions(request, attempt)
    except Exception:
        # A moocher's fault must not hide that the money is safe.
        logger.exception("Instructions of %s failed", attempt.moocher)
        return ""
