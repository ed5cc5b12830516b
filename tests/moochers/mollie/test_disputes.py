"""Chargebacks of Mollie."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.mollie import MollieMoocher, disputes
from payments_ui.testing.psp import SandboxPSP

from .conftest import the_charge

CHARGEBACK = {
    "id": "chb_1",
    "paymentId": "tr_1",
    "amount": {"currency": "CHF", "value": "12.00"},
    "reason": {"code": "AC01", "description": "Account identifier incorrect"},
    "createdAt": "2026-11-27T10:00:00+00:00",
    "reversedAt": None,
}


def report(**changes: Any) -> Any:
    return disputes.report({**CHARGEBACK, **changes})


def test_a_chargeback_is_money_that_is_gone() -> None:
    lost = report()
    assert lost.state == DisputeState.LOST
    assert (lost.withdrawn, lost.reinstated) == (Decimal("12.00"), Decimal(0))
    assert (lost.psp_reference, lost.charge_reference) == ("chb_1", "tr_1")
    assert lost.reason == "AC01 Account identifier incorrect"
    assert lost.evidence_due_by is None


def test_a_reversed_chargeback_is_money_that_is_back() -> None:
    won = report(reversedAt="2026-12-01T10:00:00+00:00", reason=None)
    assert won.state == DisputeState.WON
    assert won.withdrawn == won.reinstated == Decimal("12.00")
    assert won.reason == ""


@pytest.mark.parametrize("changes", [{"id": "x"}, {"createdAt": None}, {"amount": None}])
def test_a_chargeback_that_makes_no_sense_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(MoocherError):
        report(**changes)


def test_a_chargeback_is_news_and_so_is_its_end(
    psp: SandboxPSP, moocher: MollieMoocher, paid: Attempt
) -> None:
    assert not list(moocher.news(paid))
    dispute = psp.bank.open_dispute(the_charge(psp).id, 700, reason="fraudulent")
    (notice,) = moocher.news(paid)
    assert notice.attempt_id == paid.pk
    assert notice.dispute_reference is not None
    lost = moocher.report_dispute(notice.dispute_reference)
    assert lost is not None
    assert (lost.state, lost.amount) == (DisputeState.LOST, Decimal("7.00"))
    psp.bank.win_dispute(dispute.id)
    won = moocher.report_dispute(notice.dispute_reference)
    assert won is not None
    assert (won.state, won.reinstated) == (DisputeState.WON, Decimal("7.00"))


def test_a_chargeback_that_mollie_does_not_have_is_none(
    moocher: MollieMoocher, paid: Attempt
) -> None:
    assert moocher.report_dispute(f"{paid.psp_reference}/chb_unknown") is None
