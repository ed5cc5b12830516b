"""What Stripe says of a decline.

Sources: docs.stripe.com/declines/codes, docs.stripe.com/declines/network-codes.
"""

from __future__ import annotations

# The scenarios of the plan have names of their own.
_WORDS = {"card_declined": "generic_decline", "limit_exceeded": "card_velocity_exceeded"}
#: Decline codes that are the error's code as well; with any other it is `card_declined`.
_CODES = frozenset(
    {
        *("authentication_required", "expired_card", "incorrect_cvc", "incorrect_number"),
        "processing_error",
    }
)
_NETWORK = {
    "authentication_required": "65",
    "expired_card": "54",
    "incorrect_cvc": "82",
    "insufficient_funds": "51",
    "lost_card": "41",
    "processing_error": "96",
    "stolen_card": "43",
}
_FINAL = frozenset({"lost_card", "stolen_card"})
_WRONG = frozenset({"expired_card", "incorrect_cvc", "incorrect_number"})
_MESSAGES = {
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "insufficient_funds": "Your card has insufficient funds.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def decline(reason: str) -> dict[str, str | None]:
    """Return the fields of the error for a card that was declined for this reason."""
    decline_code = _WORDS.get(reason, reason)
    return {
        "code": decline_code if decline_code in _CODES else "card_declined",
        "decline_code": decline_code,
        "advice_code": advice(decline_code),
        "network_decline_code": _NETWORK.get(decline_code, "05"),
        "network_advice_code": "03" if decline_code in _FINAL else None,
        "message": _MESSAGES.get(decline_code, "Your card was declined."),
    }


def advice(decline_code: str) -> str:
    """Return what Stripe advises to do about a decline."""
    if decline_code in _FINAL:
        return "do_not_try_again"
    return "confirm_card_data" if decline_code in _WRONG else "try_again_later"
