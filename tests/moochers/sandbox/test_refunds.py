"""Money given back at the sandbox, and its books as the audit reads them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

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
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import LedgerLine, LedgerStatus, Notice
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.sandbox.refunds import outcome
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import KEY, NO_ANSWER, SECRET, URLS, pay, signed

MakeRefund = Callable[..., Refund]


@pytest.fixture
def charged(moocher: SandboxMoocher, attempt: Attempt) -> Attempt:
    return attempt.record(pay(moocher, attempt))


@pytest.fixture
def make_refund(charged: Attempt) -> MakeRefund:
    """Refunds as the kit writes them down before the PSP is asked."""

    def make(amount: str = "12.00", **fields: Any) -> Refund:
        return Refund(
            attempt=charged,
            payment=charged.payment,
            amount=Decimal(amount),
            currency="CHF",
            idempotency_key=f"back-{uuid4()}",
            **fields,
        )

    return make


def given_back(psp: SandboxPSP) -> int:
    return psp.ledger.totals()["CHF"].refunded


def test_money_is_given_back(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    refund = make_refund("5.00")
    answer = moocher.refund(refund)
    [stored] = psp.ledger.refunds.all()
    assert answer == Succeeded(
        psp_reference=stored.id,
        amount=Decimal("5.00"),
        currency="CHF",
        account="acct_sandbox",
        live=False,
        evidence={
            "id": stored.id,
            "charge": refund.attempt.psp_reference,
            "status": "succeeded",
            "amount": 500,
            "currency": "CHF",
            "failure_code": "",
        },
    )
    assert (stored.reference, stored.metadata) == (
        refund.idempotency_key,
        {"refund": str(refund.pk)},
    )
    assert moocher.ask_refund(refund) == answer


def test_the_same_refund_is_given_back_once(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    refund = make_refund("5.00")
    assert moocher.refund(refund) == moocher.refund(refund)
    assert given_back(psp) == 500


@pytest.mark.parametrize("key_lives", [True, False])
def test_what_was_given_back_is_found_however_late(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund, key_lives: bool
) -> None:
    refund = make_refund()
    psp.plan.add("lost_reply", on="refund")
    with pytest.raises(NO_ANSWER):
        moocher.refund(refund)
    psp.advance(0 if key_lives else 86400)
    assert isinstance(moocher.refund(refund), Succeeded)
    assert isinstance(moocher.ask_refund(refund), Succeeded)
    assert given_back(psp) == 1200


@pytest.mark.parametrize("fault", ["error_before", "error_after", "garbled", "lost_request"])
def test_no_answer_is_no_answer(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund, fault: str
) -> None:
    psp.plan.add(fault, on="refund")
    with pytest.raises(NO_ANSWER):
        moocher.refund(make_refund())


def test_a_pending_refund_comes_later(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    psp.plan.add("pending")
    refund = make_refund()
    answer = moocher.refund(refund)
    assert isinstance(answer, Pending)
    refund.psp_reference = answer.psp_reference
    psp.advance(60)
    assert isinstance(moocher.ask_refund(refund), Succeeded)


def test_a_refund_that_fails_says_so(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    psp.plan.add("failed")
    answer = moocher.refund(make_refund())
    assert isinstance(answer, Declined)
    assert (answer.code, answer.evidence["failure_code"]) == (
        DeclineCode.GENERIC,
        "account_closed",
    )


def test_a_refund_that_comes_back_says_so(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    psp.plan.add("returned")
    refund = make_refund()
    answer = moocher.refund(refund)
    assert isinstance(answer, Succeeded)
    refund.psp_reference = answer.psp_reference
    psp.advance(60)
    answer = moocher.ask_refund(refund)
    assert isinstance(answer, CameBack)
    assert answer.evidence["failure_code"] == "declined"
    assert given_back(psp) == 0


def test_more_than_is_left_is_refused_for_good(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    assert isinstance(moocher.refund(make_refund("7.00")), Succeeded)
    too_much = make_refund("7.00")
    answer = moocher.refund(too_much)
    assert answer == Declined(code=DeclineCode.GENERIC, evidence={"refusal": "refund_too_large"})
    assert psp.ledger.refunds.is_closed(too_much.idempotency_key)
    assert given_back(psp) == 700


def test_what_never_arrived_is_final_only_when_nothing_can_arrive_any_more(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    young = make_refund()
    assert isinstance(moocher.ask_refund(young), Unknown)
    assert not psp.ledger.refunds.is_closed(young.idempotency_key)
    old = make_refund(requested_at=timezone.now() - dt.timedelta(seconds=61))
    assert moocher.ask_refund(old) == Declined(code=DeclineCode.NEVER_HAPPENED)
    with pytest.raises(MoocherError, match="reference_closed"):
        moocher.refund(old)
    assert given_back(psp) == 0


def test_closing_finds_what_arrived_at_the_last_moment(
    psp: SandboxPSP,
    moocher: SandboxMoocher,
    make_refund: MakeRefund,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refund = make_refund(requested_at=timezone.now() - dt.timedelta(seconds=61))
    moocher.refund(refund)
    monkeypatch.setattr(moocher._client, "find_refund", lambda reference: None)
    assert isinstance(moocher.ask_refund(refund), Succeeded)


@pytest.mark.parametrize("reference", [None, "re_1", "../charges"])
def test_a_charge_of_another_psp_is_not_given_back(
    moocher: SandboxMoocher, make_refund: MakeRefund, reference: str | None
) -> None:
    refund = make_refund()
    refund.attempt.psp_reference = reference
    with pytest.raises(MoocherError, match="not one of the sandbox"):
        moocher.refund(refund)
    refund.psp_reference = reference or "x"
    with pytest.raises(MoocherError, match="not one of the sandbox"):
        moocher.ask_refund(refund)


def test_where_the_sandbox_is_not_allowed_it_gives_nothing_back(
    moocher: SandboxMoocher, make_refund: MakeRefund, settings: Any
) -> None:
    settings.PAYMENTS_UI = {"ALLOW_SANDBOX": False}
    for call in (moocher.refund, moocher.ask_refund):
        with pytest.raises(MoocherError):
            call(make_refund())
    with pytest.raises(MoocherError):
        moocher.ledger()


REFUND: dict[str, Any] = {
    "id": f"re_{'0' * 32}",
    "account": "acct_sandbox",
    "live": False,
    "charge": f"ch_{'0' * 32}",
    "reference": "r",
    "amount": 500,
    "currency": "CHF",
    "status": "pending",
    "failure_code": "",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "re_0"},
        {"id": None},
        {"amount": True},
        {"amount": "500"},
        {"reference": "other"},
        {"charge": "other"},
        {"status": "nonsense"},
        {"live": 0},
    ],
)
def test_an_answer_that_makes_no_sense_is_none(changes: dict[str, Any]) -> None:
    asked = {"reference": "r", "charge": REFUND["charge"]}
    assert outcome(REFUND, **asked) == Pending(psp_reference=REFUND["id"])
    answers: list[object] = [REFUND | changes, None, []]
    for nonsense in answers:
        with pytest.raises(MoocherError):
            outcome(nonsense, **asked)


def test_a_webhook_about_a_refund_names_it(
    psp: SandboxPSP, moocher: SandboxMoocher, make_refund: MakeRefund
) -> None:
    refund = make_refund()
    moocher.refund(refund)
    charge = refund.attempt.psp_reference
    assert charge
    body = psp.outbox.deliveries(charge)[-1]["body"]
    assert json.loads(body)["type"] == "refund.succeeded"
    assert moocher.webhook(signed(body.encode())) == Notice(
        event_id=json.loads(body)["id"], psp_reference=charge, refund_id=refund.pk
    )


def test_the_books_are_listed_line_by_line(
    psp: SandboxPSP, moocher: SandboxMoocher, charged: Attempt, make_refund: MakeRefund
) -> None:
    moocher.refund(make_refund("5.00"))
    assert list(moocher.ledger()) == [
        LedgerLine(
            psp_reference=charged.psp_reference or "",
            reference=charged.idempotency_key,
            amount=Decimal("12.00"),
            refunded=Decimal("5.00"),
            currency="CHF",
            status=LedgerStatus.TAKEN,
        )
    ]


def test_the_books_have_every_charge_of_the_kind_whatever_became_of_it(
    moocher: SandboxMoocher,
    page_moocher: SandboxMoocher,
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments_ui.moochers.sandbox.client.PAGE", 2)
    for number, card in enumerate(("approve", "3ds", "processing", "declined")):
        attempt.idempotency_key = f"key-{number}"
        pay(moocher, attempt, f"card_{card}")
    attempt.idempotency_key = "key-page"
    page_moocher.charge(attempt, data={}, urls=URLS)
    taken, still_open = LedgerStatus.TAKEN, LedgerStatus.OPEN
    statuses = [line.status for line in moocher.ledger()]
    assert statuses == [taken, still_open, still_open, LedgerStatus.FAILED]
    assert [line.reference for line in page_moocher.ledger()] == ["key-page"]


def test_the_books_of_another_account_are_not_ours(psp: SandboxPSP, charged: Attempt) -> None:
    options = {"psp_url": psp.url, "api_key": KEY, "webhook_secret": SECRET}
    other = SandboxMoocher(account="other", **options)  # type: ignore[arg-type]
    assert list(other.ledger()) == []


@pytest.mark.parametrize("nonsense", [{"refunded": None}, {"status": "x"}, {"amount": "1"}])
def test_a_line_that_cannot_be_read_is_not_left_out(
    moocher: SandboxMoocher,
    charged: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    nonsense: dict[str, Any],
) -> None:
    page = moocher._client.page
    lines = [one | nonsense for one in page("")]
    monkeypatch.setattr(moocher._client, "page", lambda after: lines)
    with pytest.raises(MoocherError):
        list(moocher.ledger())
