"""What the moocher relies on in Stripe's library: the next release that moves it fails here."""

from __future__ import annotations

import re

import pytest
import stripe

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.moochers.stripe import charges, csp, declines, ledger, methods, refunds

INTENT = {"canceled", "processing", "requires_action", "requires_capture", "succeeded"}
READ = {
    stripe.PaymentIntent: (
        *["id", "amount", "amount_received", "cancellation_reason", "client_secret", "currency"],
        *["customer", "last_payment_error", "latest_charge", "livemode", "metadata"],
        *["next_action", "payment_method", "status"],
    ),
    stripe.Charge: (
        *["id", "amount_refunded", "disputed", "failure_code", "outcome", "payment_intent"],
        *["payment_method_details", "status"],
    ),
    stripe.PaymentMethod: ("id", "card", "customer", "livemode", "type"),
    stripe.PaymentMethod.Card: (
        *["brand", "country", "exp_month", "exp_year", "fingerprint", "last4"],
    ),
    stripe.SetupIntent: (
        *["id", "cancellation_reason", "client_secret", "customer", "last_setup_error"],
        *["latest_attempt", "livemode", "mandate", "metadata", "next_action", "payment_method"],
        *["status"],
    ),
    stripe.checkout.Session: (
        *["id", "livemode", "metadata", "mode", "payment_intent", "setup_intent", "status", "url"],
    ),
    stripe.Refund: (
        *["id", "amount", "currency", "failure_balance_transaction", "failure_reason", "metadata"],
        *["payment_intent", "pending_reason", "reason", "status"],
    ),
    stripe.Dispute: (
        *["id", "amount", "balance_transactions", "created", "currency", "evidence_details"],
        *["is_charge_refundable", "livemode", "network_reason_code", "payment_intent", "reason"],
        *["status"],
    ),
    stripe.BalanceTransaction: ("amount", "currency"),
    stripe.radar.EarlyFraudWarning: ("fraud_type", "payment_intent"),
    stripe.Mandate: ("payment_method",),
    stripe.Event: ("id", "account", "data", "livemode", "type"),
    stripe.ErrorObject: declines.FACTS,
}


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
def test_what_is_read_is_declared(kind: type[stripe.StripeObject]) -> None:
    assert set(READ[kind]) <= set(kind.__annotations__)


def words(kind: type[stripe.StripeObject], field: str) -> set[str]:
    return set(re.findall(r"'([a-z_]+)'", str(kind.__annotations__[field])))


def test_no_status_is_new() -> None:
    assert words(stripe.PaymentIntent, "status") == INTENT | charges.UNCONFIRMED
    assert set(ledger.STATUS) == words(stripe.PaymentIntent, "status") - {"requires_capture"}
    of_setups = words(stripe.SetupIntent, "status")
    assert of_setups == (INTENT | methods.UNCONFIRMED) - {"requires_capture"}
    assert words(stripe.checkout.Session, "status") == {"complete", "expired", "open"}


def test_the_codes_are_stripes() -> None:
    known = words(stripe.PaymentIntent.LastPaymentError, "code")
    assert {"amount_too_small", "expired_card", "authentication_required"} <= known
    # Decline codes are in no type: of the others, those that the library does not know.
    assert set(declines.CODES) - known <= DECLINE_CODES
    assert refunds.REFUSALS - known <= {"charge_not_refundable", "refund_disputed_payment"}


#: Of https://docs.stripe.com/declines/codes, November 2026.
DECLINE_CODES = {
    *["approve_with_id", "authentication_not_handled", "card_not_supported"],
    *["card_velocity_exceeded", "currency_not_supported", "incorrect_pin", "invalid_account"],
    *["invalid_amount", "invalid_pin", "issuer_not_available", "reenter_transaction"],
    *["mobile_device_authentication_required", "new_account_information_available"],
    *["offline_pin_required", "online_or_offline_pin_required", "testmode_decline"],
    *["revocation_of_all_authorizations", "revocation_of_authorization", "try_again_later"],
    *["withdrawal_count_limit_exceeded"],
}


def test_every_reason_but_those_of_the_kit_itself_can_be_told() -> None:
    ours = {DeclineCode.GENERIC, DeclineCode.NEVER_HAPPENED, DeclineCode.REQUEST_REFUSED}
    assert {*declines.CODES.values()} == set(DeclineCode) - ours


def test_library_and_script_are_of_one_release() -> None:
    assert stripe.api_version
    assert f"https://js.stripe.com/{stripe.api_version.partition('.')[2]}/stripe.js" == csp.SCRIPT
