"""Mandates of Mollie, by which a customer's card or account is charged again."""

from __future__ import annotations

import re

from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.answers import Object, matching, part, text

from .client import MANDATE_ID

#: A direct debit's mandate is pending until the first payment's bank has told the account.
_USABLE = frozenset({"valid", "pending"})
#: Mollie's words, as the kit has them of other services; others stay as they are.
_KINDS = {"creditcard": "card", "directdebit": "sepa_debit"}
_BRANDS = {"American Express": "amex", "Diners Club": "diners"}
_EXPIRY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-[0-9]{2}", re.ASCII)


def instrument_of(mandate: Object, *, customer: str, payment: Object) -> Instrument | None:
    """Return what a mandate charges; ``None`` where it cannot be charged any more.

    ``payment`` is the one that made it, if it is known: it knows more of a card.
    """
    status = mandate.get("status")
    if status == "invalid":
        return None
    if status not in _USABLE:
        raise MoocherError("Mollie answered with an unknown status")
    card, paid = part(mandate, "details"), part(payment, "details")
    expiry = _EXPIRY.fullmatch(text(card, "cardExpiryDate"))
    kind, brand = text(mandate, "method"), text(card, "cardLabel")
    mandate_id = matching(MANDATE_ID, mandate.get("id"))
    return Instrument(
        customer_id=customer,
        method_id=mandate_id,
        kind=_KINDS.get(kind, kind),
        brand=_BRANDS.get(brand, brand.replace(" ", "_").lower()),
        # Of an IBAN or a card: no more of it is kept.
        last_four=_last_four(text(card, "cardNumber") or text(card, "consumerAccount")),
        expires_year=int(expiry[1]) if expiry else None,
        expires_month=int(expiry[2]) if expiry else None,
        country=text(paid, "cardCountryCode"),
        fingerprint=text(card, "cardFingerprint"),
        mandate_id=text(mandate, "mandateReference") or mandate_id,
        authentication=text(paid, "cardSecurity"),
    )


def _last_four(account: str) -> str:
    # PayPal's account is an e-mail address.
    return "" if "@" in account else re.sub(r"[^0-9A-Za-z]", "", account)[-4:]
