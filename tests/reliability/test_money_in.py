"""Money that is not what was asked for, or comes when nobody waits for it: kept, told, not lost."""

from __future__ import annotations

from decimal import Decimal

from django.core import mail

from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import Cancelled, Pending
from payments_ui.core.models import Attempt, Event, Payment, SuspenseItem
from payments_ui.testing.psp import SandboxPSP

from . import site
from .frame import Trial, scenario
from .support import owe, people

#: The PSP takes it, and its books say something else.
WRONG = ("one more", "one less", "wrong_currency", "wrong_account", "wrong_mode")


def told_of(attempt: Attempt) -> int:
    """Mails about this attempt's money."""
    return sum(attempt.reference in one.body for one in mail.outbox)


@scenario(
    26,
    "Wrong money",
    provoked="the PSP reports one minor unit more or less, another currency, account or mode",
    promised="mismatch, one item to look at, one mail; the payment stays pending, nothing is lost",
)
def test_wrong_money_never_pays(trial: Trial, psp: SandboxPSP) -> None:
    with site.at(psp.url):
        for number in trial.repeat(small=len(WRONG), full=100):
            kind = WRONG[number % len(WRONG)]
            attempt = pay_wrong(psp, kind)
            items = SuspenseItem.objects.filter(attempt=attempt)
            kept = list(items.values_list("kind", "state"))
            trial.check(attempt.state == "mismatch", f"{kind}: the attempt is {attempt.state}")
            pending = Payment.objects.pending().filter(pk=attempt.payment_id).exists()
            trial.check(pending, f"{kind}: the payment is not pending")
            trial.check(kept == [("mismatch", "open")], f"{kind}: to look at: {kept}")
            trial.check(told_of(attempt) == 1, f"{kind}: {told_of(attempt)} mails")
            charge = psp.ledger.charges.get(str(attempt.psp_reference))
            assert charge is not None
            same = charge.amount == (attempt.received_amount or 0) * 100
            trial.check(same, f"{kind}: {attempt.received_amount} of {charge.amount} kept")


def pay_wrong(psp: SandboxPSP, kind: str) -> Attempt:
    (user,) = people(1)
    owe(user, "12.00")
    browser = site.Browser(user.pk)
    payment = browser.proceed()
    assert payment is not None
    if kind.startswith("one"):
        # Accepted, and only then taken: in between, the books are changed.
        psp.plan.add("processing")
        browser.pay(payment)
        by = 1 if kind == "one more" else -1
        reference = payment.attempts.get().psp_reference
        sql = "UPDATE charges SET amount = amount + ? WHERE id = ?"
        psp.ledger.store.change(sql, by, reference)
        psp.advance(60)
        browser.look(payment)
    else:
        psp.plan.add(kind)
        browser.pay(payment)
    attempt: Attempt = payment.attempts.get()
    return attempt


class Transfer:
    """A payment that waits for a transfer, and what the bank reports of it."""

    def __init__(self) -> None:
        (self.user,) = people(1)
        owe(self.user, "50.00")
        payment = Payment.objects.create_pending(user=self.user)
        assert payment is not None
        self.payment: Payment = payment
        started = payment.start_attempt(moocher="transfer", manual=True)
        self.reference = f"transfer-{started.pk}"
        started.record(Pending(psp_reference=self.reference))
        self.attempt = Attempt.objects.get(pk=started.pk)
        self.arrived = Decimal(0)
        self._lines = iter(range(100))

    def arrives(self, amount: str, times: int = 1) -> None:
        """The bank's statement has this line; it may be read several times."""
        self.arrived += Decimal(amount)
        line = f"{self.reference}-{next(self._lines)}"
        for _ in range(times):
            arrivals.book_arrival(
                moocher="transfer",
                psp_reference=self.reference,
                amount=Decimal(amount),
                currency="CHF",
                event_id=line,
            )

    @property
    def kept(self) -> Decimal:
        """What our books say arrived."""
        ours = Attempt.objects.filter(payment=self.payment)
        amounts = ours.values_list("received_amount", flat=True)
        return sum((amount for amount in amounts if amount), Decimal(0))

    def to_look_at(self) -> list[str]:
        items = SuspenseItem.objects.filter(attempt__payment=self.payment, state="open")
        return sorted(items.values_list("kind", flat=True))

    @property
    def is_charged(self) -> bool:
        return Payment.all_objects.get(pk=self.payment.pk).charged_at is not None


def exact(transfer: Transfer) -> list[str]:
    transfer.arrives("50.00", times=3)
    return []


def cancelled(transfer: Transfer) -> list[str]:
    transfer.attempt.record(Cancelled())
    transfer.payment.refresh_from_db()
    transfer.payment.cancel_pending()
    transfer.arrives("50.00", times=2)
    return ["surplus"]


def charged(transfer: Transfer) -> list[str]:
    transfer.arrives("50.00")
    transfer.arrives("50.00")
    return ["surplus"]


def short(transfer: Transfer) -> list[str]:
    transfer.arrives("49.95", times=2)
    return []


def short_and_cancelled(transfer: Transfer) -> list[str]:
    transfer.arrives("49.95", times=2)
    transfer.attempt.record(Cancelled())
    transfer.payment.refresh_from_db()
    transfer.payment.cancel_pending()
    transfer.arrives("0.05")
    return ["mismatch", "surplus"]


def parts(transfer: Transfer) -> list[str]:
    transfer.arrives("20.00", times=2)
    transfer.arrives("30.00", times=2)
    return []


def parts_in_excess(transfer: Transfer) -> list[str]:
    transfer.arrives("20.00")
    transfer.arrives("40.00", times=2)
    return ["surplus"]


def excess(transfer: Transfer) -> list[str]:
    transfer.arrives("50.05", times=2)
    return ["surplus"]


def excess_and_twice(transfer: Transfer) -> list[str]:
    transfer.arrives("60.00")
    transfer.arrives("50.00", times=2)
    return ["surplus", "surplus"]


KINDS = (
    *(exact, cancelled, charged, short, short_and_cancelled),
    *(parts, parts_in_excess, excess, excess_and_twice),
)
CHARGED = (exact, charged, parts, parts_in_excess, excess, excess_and_twice)


@scenario(
    29,
    "Late bank money",
    provoked="transfers on a cancelled and on a charged payment, short, in parts, in excess, "
    "twice; each line of the statement read several times; one that nobody knows",
    promised="what makes the amount charges; all else is a part, surplus, mismatch or "
    "unmatched with one item and one mail; what arrived is in the books to the cent",
)
def test_bank_money_is_never_lost(trial: Trial) -> None:
    for number in trial.repeat(small=len(KINDS), full=300):
        kind = KINDS[number % len(KINDS)]
        transfer, before = Transfer(), len(mail.outbox)
        wanted = kind(transfer)
        name = kind.__name__
        got = transfer.to_look_at()
        trial.check(got == wanted, f"{name}: {got} to look at, not {wanted}")
        mails = len(mail.outbox) - before
        trial.check(mails == len(wanted), f"{name}: {mails} mails")
        trial.check(transfer.is_charged is (kind in CHARGED), f"{name}: charged or not")
        lost = transfer.arrived - transfer.kept
        trial.check(not lost, f"{name}: {lost} of {transfer.arrived} is not in the books")
    nobodys(trial)


def nobodys(trial: Trial) -> None:
    """Money with a reference that nobody gave out."""
    before = len(mail.outbox)
    for _ in range(2):
        trial.tried()
        arrivals.book_arrival(
            moocher="transfer",
            psp_reference="nobody's",
            amount=Decimal(7),
            currency="CHF",
            event_id="a line",
        )
    event = Event.objects.get(event_id="a line")
    kinds = list(event.suspense_items.values_list("kind", "amount"))
    trial.check(kinds == [("unmatched", Decimal(7))], f"unmatched: {kinds}")
    trial.check(len(mail.outbox) == before + 1, "unmatched: not one mail")
