"""The outcomes that a moocher may return about an attempt or a refund.

Only a parsed, definite answer of the PSP is ``Succeeded``, ``Declined`` or ``Cancelled``.
Everything else is ``Unknown``: it blocks every further attempt until the PSP is asked again.
``evidence`` takes facts (ids, status, brand, last four digits), never card data or secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from payments_ui.core.db.json_safe import storable, text
from payments_ui.core.paymentmethods.instrument import Instrument


class DeclineCode(TextChoices):
    """Why nothing was charged; the label is the sentence a customer reads.

    Lost, stolen and fraudulent cards are ``GENERIC``: only the bank may give the reason.
    """

    CARD_DECLINED = (
        "card_declined",
        _("Your card was declined. Try another card, or ask your bank."),
    )
    INSUFFICIENT_FUNDS = (
        "insufficient_funds",
        _("There is not enough money on this card or account. Try another payment method."),
    )
    EXPIRED_CARD = "expired_card", _("Your card has expired. Try another card.")
    INCORRECT_DETAILS = (
        "incorrect_details",
        _("The details were not correct. Check them and try again."),
    )
    AUTHENTICATION_FAILED = (
        "authentication_failed",
        _("Your bank could not confirm that it was you. Try again, or use another payment method."),
    )
    LIMIT_EXCEEDED = (
        "limit_exceeded",
        _("This is above a limit of your card. Try another payment method."),
    )
    GENERIC = (
        "generic",
        _("The payment was declined. Try another payment method, or ask your bank."),
    )
    ABANDONED = "abandoned", _("You left before paying. Try again whenever you like.")
    REQUEST_REFUSED = (
        "request_refused",
        _(
            "You were not charged: the payment service rejected our request. We have been "
            "notified. Try another payment method."
        ),
    )
    NOT_SUPPORTED = (
        "not_supported",
        _("Your card cannot be used for this payment. Try another payment method."),
    )
    TRY_LATER = (
        "try_later",
        _("Your bank could not be reached. Try again in a moment, or use another payment method."),
    )
    AUTHENTICATION_REQUIRED = (
        "authentication_required",
        _("Your bank wants you to confirm this payment. Please pay it here yourself."),
    )
    METHOD_GONE = (
        "method_gone",
        _("This saved payment method can no longer be used. Try another one."),
    )
    AMOUNT_REFUSED = (
        "amount_refused",
        _("This amount cannot be paid with this payment method. Try another one."),
    )
    NEVER_HAPPENED = (
        "never_happened",
        _("Your last attempt did not reach the payment service. Please try again."),
    )


#: No bank was asked: nothing speaks against asking at once.
NOT_ASKED = frozenset({DeclineCode.NEVER_HAPPENED, DeclineCode.REQUEST_REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The PSP took ``amount``, in units of ``currency``, for this account and in this mode."""

    psp_reference: str
    amount: Decimal
    currency: str
    account: str = ""
    live: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)
    #: The payment method that it was taken from, where the PSP keeps it for the customer.
    instrument: Instrument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The PSP declined: nothing was taken, and nothing will be."""

    code: DeclineCode
    psp_reference: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequired:
    """The customer has to go to ``url`` (the PSP's page, or the bank's 3-D Secure step).

    Without a URL the step is taken in place: ``Moocher.instructions`` shows it.
    """

    url: str = ""
    psp_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The PSP accepted; the outcome comes later (debits, transfers).

    ``evidence`` may say why, such as a refund that waits for money in the account.
    """

    psp_reference: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The charge was cancelled: nothing was taken, and nothing will be."""

    psp_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """Of refunds only: it had succeeded, and the money came back to the PSP's account since."""

    psp_reference: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Whether money moved is not known. ``reason`` is for the journal, not for the customer."""

    reason: str = ""


#: What the columns of amounts hold.
_LIMIT = Decimal(10) ** 11

Outcome = Succeeded | Declined | ActionRequired | Pending | Cancelled | CameBack | Unknown


def stored_money(money_in: Succeeded) -> dict[str, Any]:
    """Return the columns of an attempt that hold this money: always storable, as evidence.

    What is no amount or no currency code of three letters is kept with the evidence.
    """
    evidence = storable(money_in.evidence)
    amount, currency = money_in.amount, money_in.currency
    is_exact = amount.is_finite() and abs(amount) < _LIMIT and amount == round(amount, 3)
    if not is_exact or not (len(currency) <= 3 and currency.isascii()):
        evidence = {"facts": evidence, "reported": f"{amount} {text(currency)}"}
        currency = currency if len(currency) <= 3 and currency.isascii() else "???"
        amount = round(amount, 3) if amount.is_finite() and abs(amount) < _LIMIT else Decimal(0)
    return {"received_amount": amount, "received_currency": currency, "evidence": evidence}
