"""Giving back at Stripe: once, also where an answer or a key is gone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from unittest import mock

import pytest
from django.utils import timezone

from payments_ui.core.attempts.outcomes import (
    CameBack,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Refund
from payments_ui.exceptions import MoocherError, RequestRefusedError
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.contracts.probes import requested_refund
from payments_ui.testing.psp import SandboxPSP, Total

from . import answers
from .conftest import asking, entered, moocher_at, pay


def returned(psp: SandboxPSP) -> int:
    total = psp.ledger.totals().get("CHF", Total())
    return total.taken - total.kept


@pytest.fixture
def settled(psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt) -> Attempt:
    return settle(psp, moocher, attempt)


def settle(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt, card: str = "pm_card_visa"
) -> Attempt:
    return attempt.record(pay(moocher, attempt, entered(psp, card)))


def refund_of(attempt: Attempt, amount: str = "5.00") -> Refund:
    return requested_refund(attempt, Decimal(amount))


def test_what_was_asked_for_is_given_back(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    refund = refund_of(settled)
    outcome = moocher.refund(refund)
    assert isinstance(outcome, Succeeded)
    assert (outcome.amount, outcome.currency) == (Decimal("5.00"), "CHF")
    assert returned(psp) == 500


def test_a_refund_whose_key_may_be_forgotten_is_not_sent_again(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    refund = refund_of(settled)
    psp.plan.add("lost_reply", on="refund")
    with pytest.raises(MoocherError):
        moocher.refund(refund)
    refund.requested_at = timezone.now() - dt.timedelta(hours=25)
    psp.advance(25 * 3600)
    assert isinstance(moocher.refund(refund), Succeeded)
    assert returned(psp) == 500


def test_a_refund_that_waits_is_pending_until_it_is_there(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    refund = refund_of(settle(psp, moocher, attempt, "pm_card_pendingRefund"))
    pending = moocher.refund(refund)
    assert isinstance(pending, Pending)
    refund = refund.record(pending)
    assert refund.evidence["status"] == "pending"
    assert refund.evidence["pending_reason"]
    assert moocher.ask_refund(refund) == pending
    psp.advance(10)
    assert isinstance(moocher.ask_refund(refund), Succeeded)


def test_a_refund_that_comes_back_says_so(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    refund = refund_of(settle(psp, moocher, attempt, "pm_card_refundFail"))
    refund = refund.record(moocher.refund(refund))
    assert refund.state == Refund.State.SUCCEEDED
    psp.advance(10)
    came_back = moocher.ask_refund(refund)
    assert isinstance(came_back, CameBack)
    assert came_back.evidence["failure_reason"]
    report = moocher.report_refund(refund.psp_reference or "")
    assert report is not None
    assert isinstance(report.outcome, CameBack)
    assert report.refund_id == refund.pk


def test_more_than_is_left_is_declined_or_for_the_admins(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    refund = refund_of(settled, "11.00")
    refund.record(moocher.refund(refund))
    other = refund_of(settled, "1.00")
    assert isinstance(moocher.refund(other), Succeeded)
    other.idempotency_key = "another"
    declined = moocher.refund(other)
    assert isinstance(declined, Declined)
    assert declined.evidence["code"] == "charge_already_refunded"
    assert returned(psp) == 1200


def test_a_refund_that_stripe_does_not_understand_is_for_the_admins(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    refund = refund_of(settled)
    refund.attempt.psp_reference = "pi_0000000000"
    with pytest.raises(RequestRefusedError, match="resource_missing"):
        moocher.refund(refund)


def test_a_refund_of_which_stripe_knows_nothing_never_happened(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    refund = refund_of(settled)
    assert isinstance(moocher.ask_refund(refund), Unknown)
    refund.requested_at = timezone.now() - dt.timedelta(seconds=91)
    assert moocher.ask_refund(refund) == Declined(code=DeclineCode.NEVER_HAPPENED)


def test_several_refunds_for_one_of_ours_are_no_answer(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = refund_of(settled)
    for key in ("a", "b"):
        monkeypatch.setattr(refund, "idempotency_key", key)
        moocher.refund(refund)
    with pytest.raises(MoocherError, match="several"):
        moocher.ask_refund(refund)


def test_an_answer_about_another_refund_is_no_answer(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    first = refund_of(settled)
    first = first.record(moocher.refund(first))
    second = refund_of(settled)
    second.psp_reference = first.psp_reference
    with pytest.raises(MoocherError, match="does not name our refund"):
        moocher.ask_refund(second)


def test_refunds_of_the_dashboard_are_reported(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    client = asking(psp)
    made = client.v1.refunds.create(
        {"payment_intent": settled.psp_reference or "", "amount": 300, "reason": "duplicate"}
    )
    report = moocher.report_refund(made.id)
    assert report is not None
    assert (report.refund_id, report.amount, report.reason) == (None, Decimal("3.00"), "duplicate")
    assert report.charge_reference == settled.psp_reference
    assert moocher.report_refund("re_0000000000") is None


def test_disputes_are_reported(psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt) -> None:
    settled = settle(psp, moocher, attempt, "pm_card_createDispute")
    (notice,) = [
        notice
        for notice in moocher.events(timezone.now() - dt.timedelta(hours=1))
        if notice.kind == "charge.dispute.created"
    ]
    report = moocher.report_dispute(notice.dispute_reference or "")
    assert report is not None
    assert report.charge_reference == settled.psp_reference
    assert (report.amount, report.currency) == (Decimal("12.00"), "CHF")
    assert moocher.report_dispute("du_0000000000") is None


def test_what_is_of_a_charge_that_no_intent_made_is_not_ours(moocher: StripeMoocher) -> None:
    # Another program of the merchant makes such charges; Stripe would repeat its webhook for days.
    of_others = {
        "report_refund": answers.refund(payment_intent=None),
        "report_dispute": answers.dispute(payment_intent=None),
    }
    for name, answer in of_others.items():
        with mock.patch.object(moocher._client, "ask", return_value=answer):
            assert getattr(moocher, name)(answer["id"]) is None


def test_events_are_listed_oldest_first_and_name_our_rows(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt
) -> None:
    moocher.refund(refund_of(settled))
    notices = moocher.events(timezone.now() - dt.timedelta(hours=1))
    kinds = [notice.kind for notice in notices]
    assert kinds.index("payment_intent.succeeded") < kinds.index("refund.created")
    assert notices[kinds.index("payment_intent.succeeded")].attempt_id == settled.pk
    assert moocher.events(timezone.now() + dt.timedelta(hours=1)) == []


def test_the_ledger_is_read_to_its_end(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = asking(psp)
    for _payment in range(3):
        client.v1.payment_intents.create({"amount": 100, "currency": "chf"})
    monkeypatch.setattr("payments_ui.moochers.stripe.client.PAGE", 2)
    moocher.refund(refund_of(settled))
    (line,) = moocher.ledger()
    assert (line.psp_reference, line.reference) == (settled.psp_reference, settled.idempotency_key)
    assert (line.amount, line.refunded) == (Decimal("12.00"), Decimal("5.00"))
    assert line.disputed == 0
    # Another option of the same account has a ledger of its own.
    assert not list(moocher_at(psp, identifier="stripe-page").ledger())


@pytest.mark.parametrize(("won", "disputed"), [(True, "0.00"), (False, "12.00")])
def test_the_ledger_says_what_disputes_have_taken(
    psp: SandboxPSP, moocher: StripeMoocher, settled: Attempt, won: bool, disputed: str
) -> None:
    dispute = psp.bank.open_dispute(psp.ledger.charges.newest()[0].id, reason="fraudulent")
    (psp.bank.win_dispute if won else psp.bank.lose_dispute)(dispute.id)
    (line,) = moocher.ledger()
    assert line.disputed == Decimal(disputed)
