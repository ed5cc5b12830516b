"""Mollie's moocher keeps the contract, at the fake PSP's Mollie, by Mollie's own library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import Moocher, Notice
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.testing.contracts import (
    DisputeContract,
    LedgerContract,
    MoocherContract,
    RefundContract,
)
from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.ledger.refunds import RefundOrder
from payments_ui.testing.psp.scenarios import AS_USUAL
from tests import fakes


class TestMollie(MoocherContract, RefundContract, LedgerContract, DisputeContract):
    psp: SandboxPSP
    signs_webhooks = False

    @pytest.fixture
    def moocher(self) -> Iterator[Moocher]:
        with SandboxPSP(api_key="key", webhook_secret="secret", account="pfl_shop") as self.psp:
            yield MollieMoocher(
                api_key=self.psp.mollie.api_key, endpoint=self.psp.url, account="pfl_shop"
            )

    def taken(self, attempt: Attempt) -> Decimal:
        return fakes.taken(self.psp)

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.psp.plan.outage(3600)
        yield
        self.psp.plan.clear()

    def finish(self, attempt: Attempt) -> None:
        self.psp.decide(Attempt.objects.get(pk=attempt.pk).action_url, "approve")

    def webhook_request(self, attempt: Attempt) -> HttpRequest:
        self.finish(attempt)
        delivery = self.psp.outbox.deliveries(self.psp.ledger.charges.newest()[0].id)[-1]
        return RequestFactory().post(
            delivery["url"], delivery["body"], content_type="application/x-www-form-urlencoded"
        )

    def refunded(self, refund: Refund) -> Decimal:
        refunds = self.psp.ledger.refunds.by_reference(refund.idempotency_key)
        return sum((Decimal(refund.amount) / 100 for refund in refunds), Decimal(0))

    def lost_reply(self) -> AbstractContextManager[Any]:
        self.psp.plan.add("lost_reply", on="refund")
        return nullcontext()

    def refund_elsewhere(self, attempt: Attempt, amount: Decimal) -> str:
        charge = self.psp.ledger.charges.newest()[0]
        order = RefundOrder(charge=charge.id, amount=int(amount * 100), reference="dashboard")
        return f"{attempt.psp_reference}/{self.psp.bank.refund(order, AS_USUAL).id}"

    def fail_later(self, refund: Refund) -> bool:
        (given_back,) = self.psp.ledger.refunds.by_reference(refund.idempotency_key)
        self.psp.bank.return_refund(given_back.id, "account_closed")
        return True

    def open_dispute(self, attempt: Attempt) -> str:
        charge = self.psp.ledger.charges.newest()[0]
        self.dispute = self.psp.bank.open_dispute(charge.id, reason="fraudulent")
        (notice,) = self.news_of(attempt)
        assert notice.dispute_reference is not None
        return notice.dispute_reference

    def win(self) -> None:
        self.psp.bank.win_dispute(self.dispute.id)

    def news_of(self, attempt: Attempt) -> list[Notice]:
        mollie = MollieMoocher(
            api_key=self.psp.mollie.api_key, endpoint=self.psp.url, account="pfl_shop"
        )
        return list(mollie.news(attempt))
