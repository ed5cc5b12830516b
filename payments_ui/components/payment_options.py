"""Payment options, as customers read them: what the templates know of moochers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from mooch.base import BaseMoocher

from payments_ui import money
from payments_ui.core.attempts.states import OPEN_STATES
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.moochers.registry import moochers

from . import saved_methods
from .saved_methods import SavedMethod

#: So many attempts of a payment are looked at; more than two are rare.
MOST_TRIED = 20

logger = logging.getLogger("payments_ui")


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A moocher in the list of options, or what it has saved of the user.

    ``value`` is what the radio posts: the moocher's identifier, or with a colon the saved payment
    method's id behind it. ``refusal`` says why it cannot take this payment.
    """

    value: str
    title: str
    description: str
    refusal: str
    chosen: bool


def options(
    payment: Payment,
    saved: Sequence[SavedMethod],
    chosen: BaseMoocher | None,
    chosen_saved: SavedMethod | None,
) -> list[PaymentOption]:
    """What the user has saved, then the payment options in the order of ``MOOCHERS``."""
    return [
        PaymentOption(
            value=each.option,
            title=each.method.label,
            description=saved_methods.expiry(each.method),
            refusal=each.refuse(payment),
            chosen=each == chosen_saved,
        )
        for each in saved
    ] + [
        PaymentOption(
            value=identifier,
            title=str(moocher.title),
            description=str(getattr(moocher, "description", "")),
            refusal=refusal(moocher, payment),
            chosen=chosen_saved is None and chosen is not None and chosen.identifier == identifier,
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


def calling_off(attempt: Attempt) -> str:
    """What its customer has to know before an attempt is called off; empty: nothing."""
    moocher = moochers().get(attempt.moocher)
    texts = [str(moocher.calling_off(attempt))] if moocher else []
    if attempt.manual and attempt.received:
        amount = money.format_amount(attempt.received, attempt.received_currency)
        kept = _("We have received %(amount)s, and will credit it to you or send it back.")
        texts.insert(0, kept % {"amount": amount})
    return " ".join(filter(None, texts))


def called_off(payment_id: UUID) -> str:
    """The same for a payment that is, or was, called off, by its latest attempt that says so.

    One query.
    """
    called_off = Q(state__in=(*OPEN_STATES, Attempt.State.CANCELLED))
    # A part had arrived, and a clerk has not decided about it yet.
    called_off |= Q(pk__in=Attempt.objects.undecided().filter(state=Attempt.State.MISMATCH))
    tried = Attempt.objects.filter(called_off, payment=payment_id)
    latest = tried.order_by("-started_at", "-pk")[:MOST_TRIED]
    return next(filter(None, map(calling_off, latest)), "")


def setup_instructions(request: HttpRequest, method: PaymentMethod) -> str:
    """The same for a payment method that is being saved."""
    moocher = moochers().get(method.moocher)
    if moocher is None:
        return ""
    try:
        return moocher.setup_instructions(request, method)
    except Exception:
        logger.exception("Instructions of %s failed", method.moocher)
        return ""


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
