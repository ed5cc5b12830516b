"""Saved payment methods of Stripe, and the SetupIntents that save them, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
)
from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome
from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers

from . import declines, objects

if TYPE_CHECKING:
    from payments_ui.core.models import PaymentMethod

#: What is fetched along with a set-up.
EXPAND = ["latest_attempt", "payment_method"]
#: What can be saved. Wallets save the card behind them.
SAVABLE = ("card",)
#: What Stripe says of a set-up that its customer has not finished.
UNCONFIRMED = frozenset({"requires_payment_method", "requires_confirmation"})
#: How long a URL to a bank may be.
_LONGEST_URL = 4000


def instrument(
    method: Mapping[str, Any], *, mandate: str = "", authentication: str = ""
) -> Instrument | None:
    """A payment method that Stripe keeps for a customer; ``None`` where it keeps it for none."""
    customer = objects.reference(method, "customer", "customer")
    if customer is None:
        return None
    kind = objects.text(method, "type")
    details = answers.part(method, kind)
    return Instrument(
        customer_id=customer,
        method_id=objects.checked_id("payment_method", method.get("id")),
        kind=kind[:50],
        brand=objects.text(details, "brand")[:50],
        last_four=objects.text(details, "last4")[:4],
        expires_year=_year(details.get("exp_year")),
        expires_month=_month(details.get("exp_month")),
        country=objects.text(details, "country")[:2],
        fingerprint=objects.text(details, "fingerprint")[:255],
        mandate_id=mandate,
        authentication=authentication[:100],
    )


def _year(found: object) -> int | None:
    return found if type(found) is int and 1970 <= found <= 9999 else None


def _month(found: object) -> int | None:
    return found if type(found) is int and 1 <= found <= 12 else None


def instrument_of_payment(intent: Mapping[str, Any]) -> Instrument | None:
    """The payment method of an intent that succeeded, where it belongs to the intent's customer."""
    method = answers.part(intent, "payment_method")
    customer = objects.reference(intent, "customer", "customer")
    if customer is None or objects.reference(method, "customer", "customer") != customer:
        return None
    charge = answers.part(intent, "latest_charge")
    details = answers.part(charge, "payment_method_details")
    used = answers.part(details, objects.text(method, "type"))
    return instrument(
        method,
        mandate=objects.reference(used, "mandate", "mandate") or "",
        authentication=_authentication(used),
    )


def _authentication(used: Mapping[str, Any]) -> str:
    return objects.text(answers.part(used, "three_d_secure"), "result")


def check(setup: object, method: PaymentMethod, *, live: bool) -> Mapping[str, Any]:
    """The set-up; raises ``MoocherError`` unless it is a whole one that was asked for this."""
    found = objects.checked("setup_intent", setup, live=live)
    objects.require_ours(found, objects.METHOD, method.pk)
    if objects.reference(found, "customer", "customer") != method.customer_id:
        raise MoocherError("Stripe's set-up is of another customer")
    return found


def failure(setup: Mapping[str, Any]) -> dict[str, str]:
    """What Stripe said of the last try to save it, where that failed."""
    return declines.facts(setup.get("last_setup_error"))


def outcome(setup: Mapping[str, Any], *, reference: str) -> SetupOutcome:
    """What a checked set-up means; ``reference`` is what we know it by.

    Raises ``MoocherError`` for a status that Stripe has added since, and for one of
    ``UNCONFIRMED``.
    """
    match setup.get("status"):
        case "succeeded":
            return _saved(setup, reference)
        case "processing":
            return Pending(psp_reference=reference)
        case "requires_action":
            return ActionRequired(url=bank_url(setup), psp_reference=reference)
        case "canceled":
            said = failure(setup)
            if said:
                return declines.declined(said, reference)
            if setup.get("cancellation_reason") == "abandoned":
                return Declined(code=DeclineCode.ABANDONED, psp_reference=reference)
            return Cancelled(psp_reference=reference)
        case status:
            raise MoocherError(f"Stripe's set-up has a status that says nothing: {status!r:.60}")


def bank_url(intent: Mapping[str, Any]) -> str:
    """Where the customer of an intent is to be sent; empty where the step is taken in place."""
    action = answers.part(intent, "next_action")
    if action.get("type") != "redirect_to_url":
        return ""
    url = objects.text(answers.part(action, "redirect_to_url"), "url")
    if not url or len(url) > _LONGEST_URL:
        raise MoocherError("Stripe asks for a step, and does not say where")
    return url


def _saved(setup: Mapping[str, Any], reference: str) -> Saved:
    attempt = answers.part(setup, "latest_attempt")
    details = answers.part(attempt, "payment_method_details")
    method = answers.part(setup, "payment_method")
    found = instrument(
        method,
        mandate=objects.reference(setup, "mandate", "mandate") or "",
        authentication=_authentication(answers.part(details, objects.text(details, "type"))),
    )
    if found is None or found.customer_id != objects.reference(setup, "customer", "customer"):
        raise MoocherError("Stripe saved the payment method for nobody, or for somebody else")
    return Saved(instrument=found, psp_reference=reference)
