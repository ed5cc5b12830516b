"""The contracts about refunds and ledgers find a moocher that breaks them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Succeeded
from payments_ui.core.models import LineItem, Refund
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import LedgerLine, Moocher
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.contracts import LedgerContract, MoocherContract, RefundContract
from payments_ui.testing.contracts.probes import requested_refund
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import pending
from tests.moochers.test_contract import KEY, SECRET, SandboxContract


class Contract(SandboxContract):
    kind = "card"
    form_data = {"card": "card_approve"}


class AnotherKeyEachTime(SandboxMoocher):
    def refund(self, refund: Refund) -> Outcome:
        refund.idempotency_key = f"refund-{uuid4()}"
        return super().refund(refund)


class OneKeyForAll(SandboxMoocher):
    def refund(self, refund: Refund) -> Outcome:
        key, refund.idempotency_key = refund.idempotency_key, "refund"
        answer = super().refund(refund)
        refund.idempotency_key = key
        return answer


class RefundsLess(SandboxMoocher):
    def refund(self, refund: Refund) -> Outcome:
        asked = refund.amount
        refund.amount = asked - 1
        try:
            return super().refund(refund)
        finally:
            refund.amount = asked


class Boasts(SandboxMoocher):
    def ask_refund(self, refund: Refund) -> Outcome:
        return Succeeded(psp_reference="re", amount=refund.amount, currency=refund.currency)

    refund = ask_refund


class SendsWhenAsked(SandboxMoocher):
    def ask_refund(self, refund: Refund) -> Outcome:
        refund.idempotency_key = f"refund-{uuid4()}"
        return self.refund(refund)


class SaysNoWhenAway(SandboxMoocher):
    def refund(self, refund: Refund) -> Outcome:
        try:
            return super().refund(refund)
        except (OSError, MoocherError):
            return Declined(code=DeclineCode.GENERIC)


class Writes(SandboxMoocher):
    def refund(self, refund: Refund) -> Outcome:
        LineItem.objects.record(user=refund.payment.user, title="Fee", amount=1)
        return super().refund(refund)


class EmptyLines(SandboxMoocher):
    def ledger(self) -> Iterator[LedgerLine]:
        for line in super().ledger():
            yield replace(line, amount=Decimal(0), refunded=Decimal(0))


class EmptyLedger(SandboxMoocher):
    def ledger(self) -> Iterator[LedgerLine]:
        return iter(())


class Silent(SandboxMoocher):
    can_refund = has_ledger = False


@pytest.fixture
def psp(settings: Settings) -> Iterator[SandboxPSP]:
    settings.PAYMENTS_UI = {"ALLOW_SANDBOX": True}
    with SandboxPSP(api_key=KEY, webhook_secret=SECRET, sender=lambda *sent: 200) as psp:
        yield psp


def broken(kind: type[SandboxMoocher], psp: SandboxPSP, user: User) -> dict[str, Any]:
    moocher = kind(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, timeout=2)
    attempt = pending(user, "12.00").start_attempt(moocher="sandbox", account=moocher.account)
    attempt = Contract().charge(moocher, attempt)
    refund = requested_refund(attempt, Decimal("4.00"))
    return {"moocher": moocher, "settled_attempt": attempt, "refund": refund}


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (AnotherKeyEachTime, "the_same_refund_is_paid_once"),
        (OneKeyForAll, "two_refunds_are_two"),
        (RefundsLess, "it_refunds_what_was_asked_for"),
        (Boasts, "it_refunds_what_was_asked_for"),
        (Boasts, "more_than_arrived_is_not_refunded"),
        (Boasts, "a_refund_that_was_never_sent_is_not_said_to_be_paid"),
        (SendsWhenAsked, "asking_about_a_refund_moves_no_money_and_answers_the_same"),
        (SaysNoWhenAway, "an_outage_gives_no_definite_outcome_of_a_refund"),
        (SaysNoWhenAway, "a_refund_whose_reply_is_lost_is_unknown_and_found_by_asking"),
        (Writes, "it_reports_refunds_and_never_writes"),
        (EmptyLines, "its_ledger_if_any_has_what_was_refunded"),
        (EmptyLines, "its_ledger_has_what_was_taken"),
        (EmptyLedger, "its_ledger_has_what_was_taken"),
        (EmptyLedger, "a_ledger_that_cannot_be_read_is_not_said_to_be_empty"),
        (Silent, "it_says_that_it_can_refund"),
        (Silent, "it_says_that_it_has_a_ledger"),
    ],
)
def test_a_broken_promise_is_found(
    kind: type[SandboxMoocher], promise: str, psp: SandboxPSP, user: User
) -> None:
    contract = Contract()
    contract.psp = psp
    test = getattr(contract, f"test_{promise}")
    facts = broken(kind, psp, user)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test(**{name: facts[name] for name in inspect.signature(test).parameters})


class Half(MoocherContract):
    pass


@pytest.mark.parametrize("promise", ["refunds", "lists_its_ledger"])
def test_a_contract_cannot_be_forgotten(promise: str, psp: SandboxPSP) -> None:
    test = getattr(Half(), f"test_a_moocher_{promise}_by_contract_or_says_that_it_cannot")
    moocher = SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET)
    with pytest.raises(AssertionError, match="Keep the"):
        test(moocher)
    test(Moocher(identifier="x"))


def test_a_lost_reply_need_not_be_possible(psp: SandboxPSP) -> None:
    contract = RefundContract()
    assert contract.lost_reply() is None
    with pytest.raises(pytest.skip.Exception):
        contract.test_a_refund_whose_reply_is_lost_is_unknown_and_found_by_asking(
            Moocher(identifier="x"), Refund()
        )
    with pytest.raises(NotImplementedError):
        contract.refunded(Refund())


def test_a_moocher_without_a_ledger_need_not_list_refunds(psp: SandboxPSP, user: User) -> None:
    class WithoutLedger(SandboxMoocher):
        has_ledger = False

    facts = broken(WithoutLedger, psp, user)
    Contract().test_its_ledger_if_any_has_what_was_refunded(facts["moocher"], facts["refund"])
    assert isinstance(Contract(), LedgerContract)
    assert psp.ledger.totals()["CHF"].refunded == 400
