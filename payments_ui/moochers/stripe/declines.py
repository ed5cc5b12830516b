"""Why Stripe says no, as a sentence for the customer, and as facts for later tries.

The codes are those of https://docs.stripe.com/declines/codes and https://docs.stripe.com/error-codes.
Stripe adds codes at any time: what is not listed is ``GENERIC``. So are, on purpose, all that
hint at fraud, loss or theft, and all by which a bank says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments_ui.core.attempts.outcomes import DeclineCode, Declined

CODES: Mapping[str, DeclineCode] = {
    "card_declined": DeclineCode.CARD_DECLINED,
    # The card cannot do it.
    "card_not_supported": DeclineCode.NOT_SUPPORTED,
    "currency_not_supported": DeclineCode.NOT_SUPPORTED,
    "invalid_card_type": DeclineCode.NOT_SUPPORTED,
    "payment_intent_incompatible_payment_method": DeclineCode.NOT_SUPPORTED,
    "payment_method_currency_mismatch": DeclineCode.NOT_SUPPORTED,
    "payment_method_not_available": DeclineCode.NOT_SUPPORTED,
    "payment_method_unactivated": DeclineCode.NOT_SUPPORTED,
    "payment_method_unsupported_type": DeclineCode.NOT_SUPPORTED,
    "testmode_decline": DeclineCode.NOT_SUPPORTED,
    # Money and limits.
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "card_velocity_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "withdrawal_count_limit_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "charge_exceeds_source_limit": DeclineCode.LIMIT_EXCEEDED,
    "charge_exceeds_transaction_limit": DeclineCode.LIMIT_EXCEEDED,
    "amount_too_large": DeclineCode.AMOUNT_REFUSED,
    "amount_too_small": DeclineCode.AMOUNT_REFUSED,
    "invalid_amount": DeclineCode.AMOUNT_REFUSED,
    "invalid_charge_amount": DeclineCode.AMOUNT_REFUSED,
    # What the customer typed.
    "expired_card": DeclineCode.EXPIRED_CARD,
    "expired_payment_method": DeclineCode.EXPIRED_CARD,
    "incorrect_address": DeclineCode.INCORRECT_DETAILS,
    "incorrect_cvc": DeclineCode.INCORRECT_DETAILS,
    "incorrect_number": DeclineCode.INCORRECT_DETAILS,
    "incorrect_pin": DeclineCode.INCORRECT_DETAILS,
    "incorrect_postal_code": DeclineCode.INCORRECT_DETAILS,
    "incorrect_zip": DeclineCode.INCORRECT_DETAILS,
    "invalid_cvc": DeclineCode.INCORRECT_DETAILS,
    "invalid_expiry_month": DeclineCode.INCORRECT_DETAILS,
    "invalid_expiry_year": DeclineCode.INCORRECT_DETAILS,
    "invalid_number": DeclineCode.INCORRECT_DETAILS,
    "invalid_pin": DeclineCode.INCORRECT_DETAILS,
    # 3-D Secure and its like.
    "authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "authentication_not_handled": DeclineCode.AUTHENTICATION_FAILED,
    "mobile_device_authentication_required": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "authentication_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "offline_pin_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "online_or_offline_pin_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "payment_intent_action_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "payment_intent_payment_attempt_expired": DeclineCode.ABANDONED,
    "payment_method_customer_decline": DeclineCode.ABANDONED,
    # For now.
    "approve_with_id": DeclineCode.TRY_LATER,
    "card_decline_rate_limit_exceeded": DeclineCode.TRY_LATER,
    "issuer_not_available": DeclineCode.TRY_LATER,
    "payment_method_provider_timeout": DeclineCode.TRY_LATER,
    "processing_error": DeclineCode.TRY_LATER,
    "reenter_transaction": DeclineCode.TRY_LATER,
    "try_again_later": DeclineCode.TRY_LATER,
    # The saved payment method.
    "debit_not_authorized": DeclineCode.METHOD_GONE,
    "invalid_account": DeclineCode.METHOD_GONE,
    "new_account_information_available": DeclineCode.METHOD_GONE,
    "payment_intent_mandate_invalid": DeclineCode.METHOD_GONE,
    "revocation_of_all_authorizations": DeclineCode.METHOD_GONE,
    "revocation_of_authorization": DeclineCode.METHOD_GONE,
}
#: What Stripe says of a decline, kept as it says it: the rules for later tries need the raw words.
FACTS = ("code", "decline_code", "advice_code", "network_decline_code", "network_advice_code")
#: The words that only repeat that it was declined; the other code says why.
_VAGUE = frozenset({"card_declined", "payment_intent_payment_attempt_failed"})
#: What of a request Stripe may refuse for reasons that are the customer's, and not the site's.
_PARAMS = {
    "confirmation_token": DeclineCode.INCORRECT_DETAILS,
    "customer": DeclineCode.METHOD_GONE,
    "payment_method": DeclineCode.METHOD_GONE,
}
#: Longer than any of Stripe's words.
_LONGEST = 100


def facts(error: object) -> dict[str, str]:
    """What of ``FACTS`` an error of Stripe says, also one kept in an intent or a charge."""
    if not isinstance(error, Mapping):
        return {}
    found = {name: error.get(name) for name in (*FACTS, "param")}
    return {name: word[:_LONGEST] for name, word in found.items() if word and type(word) is str}


def code_of(said: Mapping[str, str]) -> DeclineCode:
    """The reason for the customer."""
    code, decline_code = said.get("code", ""), said.get("decline_code", "")
    if decline_code and code in {"", *_VAGUE}:
        return CODES.get(decline_code, DeclineCode.GENERIC)
    return CODES.get(code) or _PARAMS.get(said.get("param", ""), DeclineCode.GENERIC)


def declined(
    said: Mapping[str, str], reference: str | None, evidence: Mapping[str, Any] | None = None
) -> Declined:
    """The outcome that Stripe said no, with what it said as evidence."""
    return Declined(
        code=code_of(said), psp_reference=reference, evidence={**(evidence or {}), **said}
    )
