"""Random histories of somebody who owes: every verb, a PSP that misbehaves, crashes, time."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.test import RequestFactory
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from payments_ui import money
from payments_ui.core import triggers
from payments_ui.core.attempts.outcomes import CameBack, Succeeded
from payments_ui.core.db.failpoints import Point
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.models import (
    Arrival,
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import LineItemBoundError, PaymentsUIError
from payments_ui.flows import cancel, checkout, pay, return_from_psp, tokens
from payments_ui.flows.expire import expire
from payments_ui.flows.reconcile import reconcile
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.psp import SandboxPSP, sign
from payments_ui.testing.psp.bank import RefusedError
from payments_ui.testing.psp.ledger.disputes import Dispute as BankDispute
from payments_ui.testing.psp.ledger.refunds import Refund as BankRefund
from payments_ui.testing.psp.ledger.refunds import RefundOrder, RefundStatus
from payments_ui.testing.psp.scenarios import AS_USUAL

from . import site
from .frame import Trial, differences, findings
from .support import people

CURRENCIES = ("JPY", "CHF", "KWD")
ANSWERS = (
    *("approve", "approve", "declined", "3ds", "processing", "lost_reply", "lost_request"),
    *("error_before", "error_after", "garbled", "rate_limited"),
)
#: Of money that moves; the commands' own points are crash.py's.
POINTS = [point for point in Point if not point.startswith(("import", "bulk"))]
#: Runs after which the tables are emptied, as the auditor reads all of them after each run.
EPOCH = 50
amounts = st.decimals(min_value=-20, max_value=100, places=8)


class CrashError(BaseException):
    """The process ends here: nothing catches this, and no code behind it runs."""


def told_of_dispute(dispute: BankDispute) -> DisputeReport:
    """What an adapter says of a dispute."""

    def amount(units: int) -> Decimal:
        return money.from_minor_units(units, dispute.currency)

    return DisputeReport(
        psp_reference=dispute.id,
        charge_reference=dispute.charge,
        state=DisputeState(dispute.status),
        amount=amount(dispute.amount),
        currency=dispute.currency,
        opened_at=dt.datetime.fromtimestamp(dispute.created_at, dt.UTC),
        withdrawn=amount(dispute.withdrawn),
        reinstated=amount(dispute.reinstated),
    )


def told_of_refund(refund: BankRefund) -> RefundReport | None:
    """What an adapter says of a refund that was made in the dashboard, or has come back."""
    amount = money.from_minor_units(refund.amount, refund.currency)
    given = Succeeded(psp_reference=refund.id, amount=amount, currency=refund.currency)
    if refund.status == RefundStatus.RETURNED:
        outcome: Succeeded | CameBack = CameBack(psp_reference=refund.id)
    elif refund.reference.startswith("dashboard-"):
        outcome = given
    else:
        return None
    return RefundReport(
        psp_reference=refund.id,
        charge_reference=refund.charge,
        refund_id=None,
        amount=amount,
        currency=refund.currency,
        outcome=outcome,
    )


class World:
    """The PSP and the tables, which several runs share; and how many there were."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        #: How often something really happened: a history in which nothing does proves nothing.
        self.seen: Counter[str] = Counter()
        self.psp = site.new_psp()
        self.psp.start()

    def run_begins(self) -> None:
        self.trial.tried()
        if self.trial.trials % EPOCH == 0:
            self.end()
            self.psp = site.new_psp()
            self.psp.start()

    def end(self) -> None:
        taken = [
            charge for charge in self.psp.ledger.charges.newest() if charge.status == "succeeded"
        ]
        self.seen["charges"] += len(taken)
        self.seen["refunds"] += len(self.psp.ledger.refunds.all())
        self.seen["disputes"] += len(self.psp.ledger.disputes.all())
        self.psp.stop()
        with triggers.disabled():
            for model in (
                Arrival,
                SuspenseItem,
                Dispute,
                Refund,
                Event,
                LineItem,
                Attempt,
                JournalEntry,
                Payment,
            ):
                models.QuerySet(model)._raw_delete("default")


def if_pending(machine: Books) -> bool:
    return machine.pending() is not None


def if_charged(machine: Books) -> bool:
    return bool(Payment.objects.charged().filter(user=machine.user).exists())


def if_asked(machine: Books) -> bool:
    return bool(machine.attempts().exclude(action_url="").exists())


def if_sent(machine: Books) -> bool:
    return bool(machine.attempts().exclude(moocher__in=("balance", "manual")).exists())


def if_owing(machine: Books) -> bool:
    return bool(machine.items().unbound().exists())


class Books(RuleBasedStateMachine):
    """One customer, from the first use on. Each step may end in a crash that was armed before."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.run_begins()
        (self.user,) = people(1)
        self.ahead = 0.0
        self.recorded: dict[str, Decimal] = defaultdict(Decimal)
        self.crash: Point | None = None
        self.back = ""
        self.psp.plan.clear()
        self._site = ExitStack()
        self._site.enter_context(site.at(self.psp.url, lambda: self.ahead))

    @property
    def psp(self) -> SandboxPSP:
        return self.world.psp

    def does(self, verb: Callable[[], Any]) -> Any:
        """Do it; a refusal, and the crash that was armed, are part of life."""
        point, self.crash = self.crash, None
        try:
            with ExitStack() as stack:
                if point:
                    stack.enter_context(at(point, raise_(CrashError)))
                return verb()
        except PaymentsUIError:
            self.world.seen["refusals"] += 1
        except CrashError:
            self.world.seen["crashes"] += 1
        return None

    # What is owed.

    @rule(amount=amounts, currency=st.sampled_from(CURRENCIES))
    def record(self, amount: Decimal, currency: str) -> None:
        LineItem.objects.record(user=self.user, title="Use", amount=amount, currency=currency)
        self.recorded[currency] += amount

    @initialize(bills=st.lists(st.sampled_from(CURRENCIES), min_size=1, max_size=3))
    def owes(self, bills: list[str]) -> None:
        for currency in bills:
            self.record(Decimal("12.345"), currency)
            self.begin(currency)

    @rule(amount=amounts)
    def edit(self, amount: Decimal) -> None:
        item = LineItem.objects.filter(user=self.user).order_by("pk").last()
        if item is None:
            return
        before, item.amount = item.amount, amount
        try:
            item.save()
        except LineItemBoundError:
            assert item.payment_id, "An unbound line item could not be changed"
        else:
            assert not item.payment_id, "A bound line item was changed"
            self.recorded[item.currency] += amount - before

    @rule()
    def delete(self) -> None:
        item = LineItem.objects.filter(user=self.user).order_by("pk").first()
        if item is None:
            return
        bound, currency, amount = item.payment_id, item.currency, item.amount
        try:
            item.delete()
        except LineItemBoundError:
            assert bound, "An unbound line item could not be deleted"
        else:
            assert not bound, "A bound line item was deleted"
            self.recorded[currency] -= amount

    # Paying.

    @precondition(if_owing)
    @rule(currency=st.sampled_from(CURRENCIES))
    def begin(self, currency: str) -> None:
        self.does(lambda: checkout.begin(self.user, currency=currency))

    @precondition(if_pending)
    @rule(answer=st.sampled_from(ANSWERS))
    def pay(self, answer: str) -> None:
        payment = self.pending()
        if payment is not None:
            self.psp.plan.clear()
            self.psp.plan.add(answer)
            form = {**tokens.FormToken.fields(payment), "card": "card_approve"}
            request = RequestFactory(**site.NOWHERE).post("/")
            request.user = self.user
            self.does(lambda: pay.pay(request, payment, site.card, form))

    @precondition(if_asked)
    @rule(decision=st.sampled_from(["approve", "refuse"]))
    def decide(self, decision: str) -> None:
        waiting = self.attempts().filter(state=Attempt.State.REQUIRES_ACTION).first()
        if waiting is not None:
            self.back = site.approve(waiting.action_url, decision)

    @precondition(if_asked)
    @rule()
    def come_back(self) -> None:
        attempt = self.attempts().exclude(action_url="").order_by("-started_at").first()
        if attempt is not None:
            self.does(lambda: return_from_psp.come_back(attempt, RequestFactory().get("/")))

    @precondition(if_sent)
    @rule(number=st.integers(0, 5), copies=st.integers(1, 2))
    def webhook(self, number: int, copies: int) -> None:
        """Any event of any charge, once or twice; the others are dropped."""
        events = [event for charge in self.charges() for event in self.events(charge)]
        for event in events[number : number + 1] * copies:
            signature = sign(site.SECRET, event.encode(), int(time.time()))
            self.does(lambda: site.post_webhook(event.encode(), signature))  # noqa: B023 - at once

    @precondition(if_pending)
    @rule()
    def cancel(self) -> None:
        payment = self.pending()
        if payment is not None:
            self.does(lambda: cancel.cancel(payment, by="customer"))

    @precondition(if_pending)
    @rule()
    def take_in(self) -> None:
        payment = self.pending()
        if payment is not None:
            self.does(lambda: checkout.add_new_charges(payment))

    @precondition(if_pending)
    @rule()
    def book_by_hand(self) -> None:
        payment = self.pending()
        if payment is not None:
            self.does(lambda: payment.book_by_hand(by="clerk", reason="was seen"))

    @precondition(if_pending)
    @rule(share=st.sampled_from([1, 2, 3]))
    def a_part_of_a_transfer_arrives(self, share: int) -> None:
        payment = self.pending()
        if payment is not None:
            self.does(lambda: self._part(payment, share))

    def _part(self, payment: Payment, share: int) -> None:
        transfer = payment.open_attempt or payment.start_attempt(moocher="bank", manual=True)
        part = money.round_amount(transfer.missing / share, payment.currency)
        payment.book_by_hand(by="clerk", reason="was seen", amount=part)

    # Taking back.

    @precondition(if_charged)
    @rule(share=st.sampled_from([1, 2, 3]))
    def refund(self, share: int) -> None:
        payment = Payment.objects.charged().filter(user=self.user).first()
        if payment is not None:
            part = money.round_amount(payment.amount / share, payment.currency)
            self.does(lambda: payment.refund(part, reason="broken"))

    @precondition(if_charged)
    @rule()
    def undo(self) -> None:
        payment = Payment.objects.charged().filter(user=self.user).first()
        if payment is not None:
            self.does(lambda: payment.undo(reason="booked by mistake"))

    # What happens at the PSP, and is heard of later.

    @precondition(if_charged)
    @rule(share=st.sampled_from([1, 2]), is_dispute=st.booleans())
    def money_leaves(self, share: int, is_dispute: bool) -> None:
        """The bank takes it back, or somebody refunds it in the PSP's dashboard."""
        for charge in self.charges():
            left = charge.amount - self.psp.ledger.refunds.reserved(charge.id) - charge.disputed
            if charge.status != "succeeded" or not left // share:
                continue
            if is_dispute:
                self.psp.bank.open_dispute(charge.id, left // share, reason="fraudulent")
            else:
                name = f"dashboard-{len(self.psp.ledger.refunds.all())}"
                order = RefundOrder(charge=charge.id, amount=left // share, reference=name)
                self.psp.bank.refund(order, AS_USUAL)
            return

    @precondition(if_charged)
    @rule(step=st.sampled_from(["review", "lose", "win"]))
    def bank_decides(self, step: str) -> None:
        for charge in self.charges():
            for dispute in self.psp.ledger.disputes.of(charge.id):
                with suppress(RefusedError):
                    getattr(self.psp.bank, f"{step}_dispute")(dispute.id)

    @precondition(if_charged)
    @rule()
    def refund_comes_back(self) -> None:
        rows = Refund.objects.filter(payment__user=self.user, state=Refund.State.SUCCEEDED)
        refund = rows.exclude(psp_reference=None).first()
        if refund is not None:
            self.psp.bank.return_refund(refund.psp_reference or "", "account_closed")

    @precondition(if_charged)
    @rule()
    def hear(self) -> None:
        """What an adapter tells of the PSP's disputes and refunds, each as it is now."""
        for attempt in self.attempts().filter(state__in=Attempt.ARRIVED, manual=False):
            for charge in self.psp.ledger.charges.by_reference(attempt.idempotency_key):
                for dispute in self.psp.ledger.disputes.of(charge.id):
                    self.does(lambda: attempt.record_dispute(told_of_dispute(dispute)))  # noqa: B023 - at once
                for refund in self.psp.ledger.refunds.of(charge.id):
                    report = told_of_refund(refund)
                    if report is not None:
                        self.does(lambda: attempt.record_refund_report(report))  # noqa: B023 - at once

    @precondition(if_charged)
    @rule()
    def reopen(self) -> None:
        payment = Payment.objects.charged().filter(user=self.user).first()
        if payment is None:
            return
        before = self.items().count()
        self.does(lambda: payment.reopen_charges(reason="they still use it"))
        for item in self.items().order_by("pk")[before:]:
            self.recorded[item.currency] += item.amount
            self.world.seen["parts owed again"] += 1

    # What happens anyway.

    @rule(seconds=st.sampled_from([70, 600, 26 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.ahead += seconds
        self.psp.advance(seconds)

    @rule()
    def reconcile(self) -> None:
        self.does(lambda: reconcile(everything=True))

    @rule()
    def expire(self) -> None:
        self.does(lambda: expire(user=self.user, days=1))

    @precondition(lambda self: self.crash is None)
    @rule(point=st.sampled_from(POINTS))
    def crash_at(self, point: Point) -> None:
        """The next process that comes by this point ends there."""
        self.crash = point

    # What is always true.

    @invariant()
    def nothing_is_lost(self) -> None:
        stored: dict[str, Decimal] = defaultdict(Decimal)
        for currency, amount in self.items().values_list("currency", "amount"):
            stored[currency] += amount
        wrong = {c for c in CURRENCIES if stored[c] != self.recorded[c]}
        assert not wrong, f"recorded {dict(self.recorded)}, stored {dict(stored)}"

    @invariant()
    def payments_are_the_sum_of_their_items(self) -> None:
        for payment in Payment.objects.filter(user=self.user, undone_at=None):
            amounts = payment.lineitems.values_list("amount", flat=True)
            total = money.round_amount(sum(amounts, Decimal(0)), payment.currency)
            assert total == payment.amount, f"{payment.amount} for items of {total}"

    @invariant()
    def at_most_one_is_open(self) -> None:
        payments = list(self.attempts().open().values_list("payment", flat=True))
        assert len(payments) == len(set(payments)), "Two attempts are open"

    def teardown(self) -> None:
        try:
            # After the last turn of an attempt, and of its refunds, everything is asked once more.
            for _turn in range(2):
                self.time_passes(3600)
                report = reconcile(everything=True)
                assert report.is_clean, report
                self.hear()
            still_open = [attempt for attempt in self.attempts().open() if not attempt.manual]
            assert not [a for a in still_open if a.state == Attempt.State.UNKNOWN], still_open
            assert not (found := findings()), found
            assert not (found := differences(self.psp)), found
        finally:
            self._site.close()

    # What the rules look at.

    def pending(self) -> Payment | None:
        found: Payment | None = Payment.objects.pending().filter(user=self.user).first()
        return found

    def items(self) -> Any:
        return LineItem.objects.filter(user=self.user)

    def attempts(self) -> Any:
        return Attempt.objects.filter(payment__user=self.user)

    def charges(self) -> list[Any]:
        keys = self.attempts().values_list("idempotency_key", flat=True)
        return [charge for key in keys for charge in self.psp.ledger.charges.by_reference(key)]

    def events(self, charge: Any) -> list[str]:
        return [delivery["body"] for delivery in self.psp.outbox.deliveries(charge.id)]
