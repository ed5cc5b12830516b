"""Stripe's test cards: by number, as a browser sends them, and by the name of a payment method.

Source: docs.stripe.com/testing. Other numbers are refused, so no real card gets in.
"""

from __future__ import annotations

from dataclasses import dataclass

from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct

_LATER = 5.0


@dataclass(frozen=True, kw_only=True)
class Card:
    """A test card.

    - `name`: of a payment method that is made from it
    - `conduct`: what its bank does when it is charged, `refunds` when money is given back
    - `confirms`: when its bank wants the customer to confirm: "" (never), "first" (unless it was
      set up for charges without the customer), "always"
    - `refuses_to_be_saved`: its bank declines to let it be saved
    - `disputed`: the reason for which it is disputed once it was charged; `inquiry`: the bank asks
    - `warns`: its network warns of fraud once it was charged
    """

    number: str
    name: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    conduct: Conduct = AS_USUAL
    refunds: Conduct = AS_USUAL
    confirms: str = ""
    refuses_to_be_saved: bool = False
    disputed: str = ""
    inquiry: bool = False
    warns: bool = False


def _declining(number: str, name: str, code: str) -> Card:
    return Card(number=number, name=name, conduct=Conduct(decline=code), refuses_to_be_saved=True)


_CARDS = (
    Card(number="4242424242424242", name="pm_card_visa"),
    Card(number="4000056655665556", name="pm_card_visa_debit", funding="debit"),
    Card(number="5555555555554444", name="pm_card_mastercard", brand="mastercard"),
    Card(number="378282246310005", name="pm_card_amex", brand="amex"),
    Card(number="4000007560000009", name="pm_card_ch", country="CH"),
    Card(number="4000002760000016", name="pm_card_de", country="DE"),
    Card(number="4000002500000003", name="pm_card_fr", country="FR"),
    Card(number="4000003800000008", name="pm_card_it", country="IT"),
    _declining("4000000000000002", "pm_card_visa_chargeDeclined", "generic_decline"),
    _declining(
        "4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"
    ),
    _declining("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "lost_card"),
    _declining("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "stolen_card"),
    _declining("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card"),
    _declining("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    _declining("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error"),
    _declining(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "card_velocity_exceeded",
    ),
    _declining("4100000000000019", "pm_card_radarBlock", "fraudulent"),
    Card(
        number="4000000000000341",
        name="pm_card_chargeCustomerFail",
        conduct=Conduct(decline="generic_decline"),
    ),
    Card(
        number="4000002500003155",
        name="pm_card_authenticationRequiredOnSetup",
        country="FR",
        confirms="first",
    ),
    Card(
        number="4000002760003184",
        name="pm_card_authenticationRequired",
        country="DE",
        confirms="always",
    ),
    Card(number="4000000000003220", name="pm_card_threeDSecure2Required", confirms="always"),
    Card(
        number="4000008260003178",
        name="pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        country="GB",
        conduct=Conduct(decline="insufficient_funds"),
        confirms="always",
    ),
    Card(
        number="4000008400001629",
        name="pm_card_threeDSecureRequiredChargeDeclined",
        conduct=Conduct(decline="generic_decline"),
        confirms="always",
    ),
    Card(
        number="4000000000007726",
        name="pm_card_pendingRefund",
        refunds=Conduct(settle_after=_LATER),
    ),
    Card(
        number="4000000000005126",
        name="pm_card_refundFail",
        refunds=Conduct(returns_after=_LATER),
    ),
    Card(number="4000000000000259", name="pm_card_createDispute", disputed="fraudulent"),
    Card(
        number="4000000000002685",
        name="pm_card_createDisputeProductNotReceived",
        disputed="product_not_received",
    ),
    Card(
        number="4000000000001976",
        name="pm_card_createDisputeInquiry",
        disputed="general",
        inquiry=True,
    ),
    Card(number="4000000000005423", name="pm_card_createIssuerFraudRecord", warns=True),
)

CARDS = {card.name: card for card in _CARDS}
BY_NUMBER = {card.number: card for card in _CARDS}
