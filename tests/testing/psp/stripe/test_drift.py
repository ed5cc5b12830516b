"""What the fake takes is what stripe-python sends; what it answers is checked in `conftest`."""

from __future__ import annotations

import pytest
import stripe.params
import stripe.params.checkout
import stripe.params.radar
import stripe.params.test_helpers

from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.stripe.account import API_VERSION, TRAIN
from payments_ui.testing.psp.stripe.calls import ApiCall

from .declared import takes

_PARAMS: dict[tuple[str, str], type] = {
    ("POST", "/v1/payment_intents"): stripe.params.PaymentIntentCreateParams,
    ("GET", "/v1/payment_intents"): stripe.params.PaymentIntentListParams,
    ("GET", "/v1/payment_intents/*"): stripe.params.PaymentIntentRetrieveParams,
    ("POST", "/v1/payment_intents/*"): stripe.params.PaymentIntentUpdateParams,
    ("POST", "/v1/payment_intents/*/confirm"): stripe.params.PaymentIntentConfirmParams,
    ("POST", "/v1/payment_intents/*/cancel"): stripe.params.PaymentIntentCancelParams,
    ("POST", "/v1/setup_intents"): stripe.params.SetupIntentCreateParams,
    ("GET", "/v1/setup_intents"): stripe.params.SetupIntentListParams,
    ("GET", "/v1/setup_intents/*"): stripe.params.SetupIntentRetrieveParams,
    ("POST", "/v1/setup_intents/*"): stripe.params.SetupIntentUpdateParams,
    ("POST", "/v1/setup_intents/*/confirm"): stripe.params.SetupIntentConfirmParams,
    ("POST", "/v1/setup_intents/*/cancel"): stripe.params.SetupIntentCancelParams,
    ("POST", "/v1/checkout/sessions"): stripe.params.checkout.SessionCreateParams,
    ("GET", "/v1/checkout/sessions"): stripe.params.checkout.SessionListParams,
    ("GET", "/v1/checkout/sessions/*"): stripe.params.checkout.SessionRetrieveParams,
    ("POST", "/v1/checkout/sessions/*/expire"): stripe.params.checkout.SessionExpireParams,
    ("GET", "/v1/charges"): stripe.params.ChargeListParams,
    ("GET", "/v1/charges/*"): stripe.params.ChargeRetrieveParams,
    (
        "POST",
        "/v1/test_helpers/confirmation_tokens",
    ): stripe.params.test_helpers.ConfirmationTokenCreateParams,
    ("GET", "/v1/confirmation_tokens/*"): stripe.params.ConfirmationTokenRetrieveParams,
    ("POST", "/v1/customers"): stripe.params.CustomerCreateParams,
    ("GET", "/v1/customers"): stripe.params.CustomerListParams,
    ("GET", "/v1/customers/*"): stripe.params.CustomerRetrieveParams,
    ("POST", "/v1/customers/*"): stripe.params.CustomerUpdateParams,
    ("DELETE", "/v1/customers/*"): stripe.params.CustomerDeleteParams,
    ("POST", "/v1/payment_methods"): stripe.params.PaymentMethodCreateParams,
    ("GET", "/v1/payment_methods"): stripe.params.PaymentMethodListParams,
    ("GET", "/v1/payment_methods/*"): stripe.params.PaymentMethodRetrieveParams,
    ("POST", "/v1/payment_methods/*"): stripe.params.PaymentMethodUpdateParams,
    ("POST", "/v1/payment_methods/*/attach"): stripe.params.PaymentMethodAttachParams,
    ("POST", "/v1/payment_methods/*/detach"): stripe.params.PaymentMethodDetachParams,
    ("GET", "/v1/customers/*/payment_methods"): stripe.params.CustomerPaymentMethodListParams,
    (
        "GET",
        "/v1/customers/*/payment_methods/*",
    ): stripe.params.CustomerPaymentMethodRetrieveParams,
    ("GET", "/v1/mandates/*"): stripe.params.MandateRetrieveParams,
    ("POST", "/v1/refunds"): stripe.params.RefundCreateParams,
    ("GET", "/v1/refunds"): stripe.params.RefundListParams,
    ("GET", "/v1/refunds/*"): stripe.params.RefundRetrieveParams,
    ("GET", "/v1/disputes"): stripe.params.DisputeListParams,
    ("GET", "/v1/disputes/*"): stripe.params.DisputeRetrieveParams,
    ("POST", "/v1/disputes/*"): stripe.params.DisputeUpdateParams,
    ("POST", "/v1/disputes/*/close"): stripe.params.DisputeCloseParams,
    ("GET", "/v1/radar/early_fraud_warnings"): stripe.params.radar.EarlyFraudWarningListParams,
    (
        "GET",
        "/v1/radar/early_fraud_warnings/*",
    ): stripe.params.radar.EarlyFraudWarningRetrieveParams,
    ("GET", "/v1/balance_transactions/*"): stripe.params.BalanceTransactionRetrieveParams,
    ("GET", "/v1/events"): stripe.params.EventListParams,
    ("GET", "/v1/events/*"): stripe.params.EventRetrieveParams,
    ("POST", "/v1/webhook_endpoints"): stripe.params.WebhookEndpointCreateParams,
    ("GET", "/v1/webhook_endpoints"): stripe.params.WebhookEndpointListParams,
    ("GET", "/v1/webhook_endpoints/*"): stripe.params.WebhookEndpointRetrieveParams,
    ("DELETE", "/v1/webhook_endpoints/*"): stripe.params.WebhookEndpointDeleteParams,
    ("GET", "/v1/account"): stripe.params.AccountRetrieveCurrentParams,
}
#: What Stripe.js sends, which stripe-python does not declare.
_OF_BROWSERS = {"/v1/confirmation_tokens"}


def test_the_fake_speaks_the_version_that_the_library_sends() -> None:
    # Another train: read its changelog, then the fake's docstrings.
    assert stripe.api_version.endswith(TRAIN)
    assert API_VERSION.endswith(TRAIN)


def test_the_fake_takes_no_parameter_that_the_library_does_not_know(psp: SandboxPSP) -> None:
    played = [call for call in psp.stripe.api() if _is_of_the_library(call)]
    unknown = [
        f"{call.method} {call.path}: {name}"
        for call in played
        for name in call.takes
        if not takes(_PARAMS[call.method, _template(call.path)], name)
    ]
    assert sorted(unknown) == []
    assert {(call.method, _template(call.path)) for call in played} == set(_PARAMS)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("amount", True),
        ("payment_method_types", False),
        ("payment_method_data.card.number", False),
        ("payment_method_options.card.setup_future_usage", True),
        ("payment_method_options.card.nothing", False),
        ("metadata.*", True),
        ("amount.*", False),
    ],
)
def test_the_check_can_fail(name: str, known: bool) -> None:
    assert takes(stripe.params.PaymentIntentCreateParams, name) == known


def _is_of_the_library(call: ApiCall) -> bool:
    return call.operation is not None and _template(call.path) not in _OF_BROWSERS


def _template(path: str) -> str:
    return "/".join("*" if part.startswith("(") else part for part in path.split("/"))
