"""What a payment of Mollie means for the attempt that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
)
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.mollie import charges

PAYMENT: Mapping[str, Any] = {
    "id": "tr_1",
    "mode": "test",
    "profileId": "pfl_shop",
    "status": "open",
    "amount": {"currency": "CHF", "value": "12.00"},
    "_links": {"checkout": {"href": "https://www.mollie.com/checkout/1"}},
}


def outcome(account: str = "pfl_shop", **changes: Any) -> Any:
    return charges.outcome({**PAYMENT, **changes}, account=account, origin="https://")


def test_an_open_payment_leads_to_its_page() -> None:
    url = "https://www.mollie.com/checkout/1"
    assert outcome() == ActionRequired(url=url, psp_reference="tr_1")


@pytest.mark.parametrize("url", ["http://www.mollie.com/checkout/1", "javascript:alert(1)"])
def test_a_page_that_is_not_safe_is_no_answer(url: str) -> None:
    with pytest.raises(MoocherError, match="no safe page"):
        outcome(_links={"checkout": {"href": url}})


@pytest.mark.parametrize("links", [None, {}, {"checkout": None}, {"checkout": {"href": 1}}])
def test_an_open_payment_without_a_page_is_on_its_way(links: Any) -> None:
    assert outcome(_links=links) == Pending(psp_reference="tr_1")


@pytest.mark.parametrize("status", ["pending", "authorized"])
def test_what_is_not_paid_yet_is_on_its_way(status: str) -> None:
    assert outcome(status=status) == Pending(psp_reference="tr_1")


def test_paid_means_paid_with_the_money_as_mollie_has_it() -> None:
    details = {"cardLabel": "Visa", "cardNumber": "4242", "cardHolder": "A. Customer"}
    paid = outcome(status="paid", method="creditcard", details=details)
    assert isinstance(paid, Succeeded)
    assert (paid.amount, paid.currency) == (Decimal("12.00"), "CHF")
    assert (paid.account, paid.live) == ("pfl_shop", False)
    assert paid.evidence["cardLabel"] == "Visa"
    assert not {"cardNumber", "cardHolder"} & set(paid.evidence)


def test_an_account_that_is_not_configured_is_not_compared() -> None:
    assert outcome(account="", status="paid", mode="live").account == ""
    assert outcome(status="paid", profileId="pfl_other").account == "pfl_other"


def test_cancelled_and_expired_are_told_apart() -> None:
    assert outcome(status="canceled") == Cancelled(psp_reference="tr_1")
    assert outcome(status="expired").code == DeclineCode.ABANDONED


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("insufficient_funds", DeclineCode.INSUFFICIENT_FUNDS),
        ("authentication_required", DeclineCode.AUTHENTICATION_REQUIRED),
        ("possible_fraud", DeclineCode.GENERIC),
        ("something_new", DeclineCode.GENERIC),
        (None, DeclineCode.GENERIC),
    ],
)
def test_a_failure_is_a_sentence_and_fraud_is_not_told(reason: Any, code: DeclineCode) -> None:
    failed = outcome(status="failed", details={"failureReason": reason})
    assert isinstance(failed, Declined)
    assert failed.code == code


def test_what_mollie_says_is_kept_as_it_said_it() -> None:
    failed = outcome(status="failed", details={"failureReason": "possible_fraud"})
    assert failed.evidence["failureReason"] == "possible_fraud"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "resting"},
        {"status": None},
        {"id": "tr_1/../2"},
        {"id": None, "status": "paid"},
        {"status": "paid", "mode": "dry"},
        {"status": "paid", "amount": None},
        {"status": "paid", "amount": {"currency": "chf", "value": "12.00"}},
        {"status": "paid", "amount": {"currency": "CHF", "value": 12.0}},
        {"status": "paid", "amount": {"currency": "CHF", "value": "12,00"}},
    ],
)
def test_what_is_not_in_mollies_vocabulary_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(MoocherError):
        outcome(**changes)


@pytest.mark.parametrize("metadata", [None, "attempt", {}, {"attempt": "other"}, ["attempt"]])
def test_a_payment_of_somebody_else_is_no_answer(metadata: Any) -> None:
    with pytest.raises(MoocherError, match="another"):
        charges.require_ours({"metadata": metadata}, attempt="ours")
    charges.require_ours({"metadata": {"attempt": "ours", "more": 1}}, attempt="ours")


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [("12", "CHF", "12.00"), ("1200.000", "JPY", "1200"), ("0", "EUR", "0.00")],
)
def test_amounts_are_sent_with_the_currencys_decimals(
    amount: str, currency: str, value: str
) -> None:
    assert charges.value_of(Decimal(amount), currency) == {"currency": currency, "value": value}
