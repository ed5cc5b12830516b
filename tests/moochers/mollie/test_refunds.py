"""Refunds of Mollie: asked for, asked about, made in its dashboard, failed later."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from payments_ui.core.attempts.outcomes import (
    CameBack,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Refund
from payments_ui.exceptions import MoocherError, RequestRefusedError
from payments_ui.moochers.base import Notice
from payments_ui.moochers.mollie import MollieMoocher, refunds
from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.ledger.refunds import RefundOrder
from payments_ui.testing.psp.scenarios import AS_USUAL

from .conftest import age, the_charge

REFUND = {
    "id": "re_1",
    "mode": "live",
    "paymentId": "tr_1",
    "status": "refunded",
    "amount": {"currency": "CHF", "value": "5.00"},
    "metadata": {"refund": "b3f2c1d0-0000-4000-8000-000000000000"},
    "description": "Returned",
}


def outcome(**changes: Any) -> Any:
    return refunds.outcome({**REFUND, **changes}, account="pfl_shop")


@pytest.mark.parametrize("status", ["queued", "pending", "processing"])
def test_what_is_on_its_way_is_pending(status: str) -> None:
    assert outcome(status=status) == Pending(psp_reference="re_1")


def test_refunded_failed_and_canceled_are_final() -> None:
    done = outcome()
    assert isinstance(done, Succeeded)
    assert (done.amount, done.currency, done.live) == (Decimal("5.00"), "CHF", True)
    assert isinstance(outcome(status="failed"), Declined)
    assert isinstance(outcome(status="canceled"), Cancelled)


def test_a_refund_that_had_succeeded_came_back() -> None:
    back = refunds.outcome({**REFUND, "status": "failed"}, account="", had_succeeded=True)
    assert isinstance(back, CameBack)
    assert back.psp_reference == "re_1"


def test_an_unknown_status_is_no_answer() -> None:
    with pytest.raises(MoocherError, match="unknown status"):
        outcome(status="resting")


def test_a_report_names_our_refund_or_that_it_is_not_ours() -> None:
    ours = refunds.report(REFUND, account="pfl_shop")
    assert str(ours.refund_id) == REFUND["metadata"]["refund"]  # type: ignore[index]
    assert (ours.charge_reference, ours.psp_reference) == ("tr_1", "re_1")
    for metadata in (None, {}, {"refund": "x"}, {"refund": 1}):
        assert refunds.report({**REFUND, "metadata": metadata}, account="").refund_id is None


def test_a_refund_is_paid_and_asked_about(
    psp: SandboxPSP, moocher: MollieMoocher, refund: Refund
) -> None:
    psp.plan.add("pending")
    first = moocher.refund(refund)
    assert isinstance(first, Pending)
    refund.psp_reference = first.psp_reference
    psp.advance(60)
    assert isinstance(moocher.ask_refund(refund), Succeeded)
    assert the_charge(psp).refunded == 500


def test_more_than_is_left_is_declined(moocher: MollieMoocher, refund: Refund) -> None:
    refund.amount = Decimal(13)
    declined = moocher.refund(refund)
    assert isinstance(declined, Declined)
    assert declined.code == DeclineCode.AMOUNT_REFUSED


def test_another_refusal_is_left_to_the_kit(moocher: MollieMoocher, refund: Refund) -> None:
    refund.attempt.psp_reference = "tr_unknown"
    with pytest.raises(RequestRefusedError):
        moocher.refund(refund)


def test_a_lost_reply_is_found_by_our_name(
    psp: SandboxPSP, moocher: MollieMoocher, refund: Refund
) -> None:
    psp.plan.add("lost_reply", on="refund")
    with pytest.raises(MoocherError):
        moocher.refund(refund)
    assert isinstance(moocher.ask_refund(refund), Succeeded)


def test_a_refund_that_never_arrived_is_final_when_it_cannot_arrive_any_more(
    moocher: MollieMoocher, refund: Refund
) -> None:
    assert isinstance(moocher.ask_refund(refund), Unknown)
    age(refund, minutes=3)
    never = moocher.ask_refund(refund)
    assert isinstance(never, Declined)
    assert never.code == DeclineCode.NEVER_HAPPENED


def test_after_an_hour_mollie_is_asked_before_a_refund_is_sent_again(
    psp: SandboxPSP, moocher: MollieMoocher, refund: Refund
) -> None:
    psp.plan.add("lost_reply", on="refund")
    with pytest.raises(MoocherError):
        moocher.refund(refund)
    psp.advance(3700)
    age(refund, seconds=3700)
    assert isinstance(moocher.refund(refund), Succeeded)
    assert the_charge(psp).refunded == 500


def test_an_old_refund_that_mollie_does_not_know_is_sent(
    psp: SandboxPSP, moocher: MollieMoocher, refund: Refund
) -> None:
    age(refund, seconds=3700)
    assert isinstance(moocher.refund(refund), Succeeded)
    assert the_charge(psp).refunded == 500


def test_a_refund_that_comes_back_later_is_told(
    psp: SandboxPSP, moocher: MollieMoocher, refund: Refund
) -> None:
    psp.plan.add("returned")
    refund = refund.record(moocher.refund(refund))
    psp.advance(60)
    assert isinstance(moocher.ask_refund(refund), CameBack)


def test_a_refund_of_the_dashboard_is_news(
    psp: SandboxPSP, moocher: MollieMoocher, paid: Attempt
) -> None:
    charge = the_charge(psp)
    made = psp.bank.refund(RefundOrder(charge=charge.id, amount=300, reference="d"), AS_USUAL)
    (notice,) = moocher.news(paid)
    reference = f"{paid.psp_reference}/{made.id}"
    assert notice == Notice(
        event_id="",
        attempt_id=paid.pk,
        psp_reference=paid.psp_reference,
        refund_reference=reference,
    )
    report = moocher.report_refund(reference)
    assert report is not None
    assert (report.amount, report.currency) == (Decimal("3.00"), "CHF")
    assert (report.refund_id, report.charge_reference) == (None, paid.psp_reference)
    assert isinstance(report.outcome, Succeeded)


def test_a_refund_that_mollie_does_not_have_is_none(moocher: MollieMoocher, paid: Attempt) -> None:
    assert moocher.report_refund(f"{paid.psp_reference}/re_unknown") is None


def test_a_refund_that_mollie_cannot_be_asked_about_raises(psp: SandboxPSP, paid: Attempt) -> None:
    other = MollieMoocher(api_key="test_other", endpoint=psp.url)
    with pytest.raises(RequestRefusedError, match="401"):
        other.report_refund(f"{paid.psp_reference}/re_{uuid4().hex}")
