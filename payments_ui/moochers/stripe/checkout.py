"""Sessions of Stripe's own page, Checkout, read strictly: for payments, and for saving a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
)
from payments_ui.exceptions import MoocherError

from . import charges, declines, methods, objects

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt, PaymentMethod
    from payments_ui.core.paymentmethods.outcomes import SetupOutcome

#: What is fetched along with a session for a payment, and with one that saves a card.
EXPAND_PAYMENT = [f"payment_intent.{name}" for name in charges.EXPAND]
EXPAND_SETUP = [f"setup_intent.{name}" for name in methods.EXPAND]
#: In the metadata of the intent behind a page: it goes by the session's id until it has succeeded.
PAGE = "page"


def is_session(reference: str | None) -> bool:
    """Whether what we know an attempt or a set-up by is a session."""
    return bool(reference) and str(reference).startswith("cs_")


def check(
    session: object, name: str, pk: object, asked: str | None, *, live: bool
) -> Mapping[str, Any]:
    """The session; raises ``MoocherError`` unless it is a whole one that was asked for this row."""
    found = objects.checked("checkout.session", session, live=live)
    objects.require_ours(found, name, pk)
    if asked:
        objects.require_same(found["id"], asked)
    return found


def outcome(session: Mapping[str, Any], attempt: Attempt, *, account: str) -> Outcome:
    """What a checked session means for the attempt that asked for it.

    As long as the page is open, a declined card is the customer's to replace there.
    """
    reference, status = session["id"], session.get("status")
    if status == "open":
        return ActionRequired(url=_page(session), psp_reference=reference)
    if status not in ("complete", "expired"):
        raise MoocherError(f"Stripe's page has a status that says nothing: {status!r:.60}")
    if not session.get("payment_intent"):
        return Declined(code=DeclineCode.ABANDONED, psp_reference=reference)
    intent = charges.check(session["payment_intent"], attempt)
    if intent.get("status") in ("succeeded", "canceled"):
        ended = charges.outcome(intent, account=account)
        is_left = status == "expired" and not charges.failure(intent)
        if is_left and intent["status"] == "canceled":
            return Declined(code=DeclineCode.ABANDONED, psp_reference=reference)
        return ended
    said = charges.failure(intent)
    if status == "complete" and intent.get("status") == "requires_payment_method" and said:
        # A debit that failed later; the page takes no other card any more.
        return declines.declined(said, reference)
    return Pending(psp_reference=reference)


def setup_outcome(session: Mapping[str, Any], method: PaymentMethod, *, live: bool) -> SetupOutcome:
    """What a checked session means for the payment method that was to be saved on its page."""
    reference, status = session["id"], session.get("status")
    if status == "open":
        return ActionRequired(url=_page(session), psp_reference=reference)
    if status == "complete":
        setup = methods.check(session.get("setup_intent"), method, live=live)
        return methods.outcome(setup, reference=reference)
    if status == "expired":
        return Declined(code=DeclineCode.ABANDONED, psp_reference=reference)
    raise MoocherError(f"Stripe's page has a status that says nothing: {status!r:.60}")


def _page(session: Mapping[str, Any]) -> str:
    url = objects.text(session, "url")
    if not url:
        raise MoocherError("Stripe does not say where its page is")
    return url
