"""What refunds and disputes of Stripe mean."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from stripe import Dispute

from payments_ui.core.attempts.outcomes import CameBack, Declined, Pending, Succeeded
from payments_ui.core.disputes.states import DisputeState
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.stripe import disputes, refunds

from . import answers


def report_of(**changes: Any) -> Any:
    return refunds.report(answers.refund(**changes), account="acct_1", live=False)


def test_a_refund_from_the_dashboard_is_reported_whole() -> None:
    report = report_of(reason="requested_by_customer")
    assert (report.psp_reference, report.charge_reference) == (answers.REFUND, answers.PAYMENT)
    assert (report.amount, report.currency) == (Decimal("5.00"), "CHF")
    assert (report.refund_id, report.reason) == (None, "requested_by_customer")
    assert isinstance(report.outcome, Succeeded)
    assert (report.outcome.amount, report.outcome.account) == (Decimal("5.00"), "acct_1")


def test_ours_is_named() -> None:
    ours = uuid4()
    assert report_of(ours=ours).refund_id == ours


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        (
            {"status": "pending", "pending_reason": "insufficient_funds"},
            Pending,
            "insufficient_funds",
        ),
        ({"status": "requires_action"}, Pending, ""),
        (
            {"status": "failed", "failure_reason": "lost_or_stolen_card"},
            Declined,
            "lost_or_stolen_card",
        ),
        ({"status": "canceled"}, Declined, ""),
        (
            {
                "status": "failed",
                "failure_reason": "expired_or_canceled_card",
                "failure_balance_transaction": "txn_1",
            },
            CameBack,
            "expired_or_canceled_card",
        ),
    ],
)
def test_other_states_of_a_refund(changes: Any, outcome: type, reason: str) -> None:
    report = report_of(**changes)
    assert isinstance(report.outcome, outcome)
    assert report.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "invented"},
        {"status": None},
        {"payment_intent": None},
        {"amount": "500"},
        {"currency": 7},
        {"id": "ch_1234"},
        {"object": "charge"},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_report(changes: Any) -> None:
    with pytest.raises(MoocherError):
        report_of(**changes)


def test_a_dispute_is_reported_whole() -> None:
    report = disputes.report(answers.dispute(), live=False)
    assert (report.psp_reference, report.charge_reference) == (answers.DISPUTE, answers.PAYMENT)
    assert (report.state, report.reason) == (DisputeState.NEEDS_RESPONSE, "fraudulent")
    assert (report.amount, report.currency) == (Decimal("12.00"), "CHF")
    assert (report.withdrawn, report.reinstated) == (Decimal("12.00"), Decimal(0))
    assert report.opened_at == dt.datetime.fromtimestamp(1_790_000_000, dt.UTC)
    assert report.evidence_due_by == dt.datetime.fromtimestamp(1_790_600_000, dt.UTC)
    assert report.evidence["is_charge_refundable"] is False


@pytest.mark.parametrize(("status", "state"), disputes.STATES.items())
def test_every_state_is_known(status: str, state: DisputeState) -> None:
    assert disputes.report(answers.dispute(status=status), live=False).state == state


def test_the_library_knows_no_other_state() -> None:
    known = re.findall(r"'([a-z_]+)'", str(Dispute.__annotations__["status"]))
    assert set(disputes.STATES) == set(known)


def test_a_state_that_is_new_at_stripe_is_open_and_its_money_counts() -> None:
    report = disputes.report(answers.dispute(status="invented"), live=False)
    assert (report.state, report.withdrawn) == (DisputeState.UNDER_REVIEW, Decimal("12.00"))
    assert report.evidence["status"] == "invented"


def test_money_that_was_put_back_is_told_apart() -> None:
    lines = [
        {"amount": -1200, "currency": "chf"},
        {"amount": 1200, "currency": "chf"},
        {"amount": 0, "currency": "chf"},
    ]
    report = disputes.report(answers.dispute(status="won", balance_transactions=lines), live=False)
    assert (report.withdrawn, report.reinstated) == (Decimal("12.00"), Decimal("12.00"))


def test_an_account_in_another_currency_says_that_all_was_taken() -> None:
    lines = [{"amount": -1300, "currency": "eur"}]
    report = disputes.report(answers.dispute(balance_transactions=lines), live=False)
    assert report.withdrawn == Decimal("12.00")


def test_an_inquiry_has_taken_nothing() -> None:
    dispute = answers.dispute(
        status="warning_needs_response", balance_transactions=None, evidence_details=None
    )
    report = disputes.report(dispute, live=False)
    assert (report.withdrawn, report.evidence_due_by) == (Decimal(0), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": ""},
        {"payment_intent": None},
        {"livemode": True},
        {"created": 10**20},
        {"created": None},
        {"amount": None},
        {"id": "ch_1234"},
    ],
)
def test_a_dispute_that_makes_no_sense_is_no_report(changes: Any) -> None:
    with pytest.raises(MoocherError):
        disputes.report(answers.dispute(**changes), live=False)
