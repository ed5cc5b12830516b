"""Every rule finds what breaks it, and nothing else does."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import models, transaction
from django.utils import timezone

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.audit import RULES, audit
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
from payments_ui.core.verbs import JournalVerb as Verb
from tests.conftest import UserFactory
from tests.core.audit.support import Books, books, unprotected
from tests.core.support import bare, pending

Break = Callable[[Books], Any]
#: Users' names and addresses, and titles of line items.
PERSONAL = re.compile(r"@|user-|Use ")

NOW = timezone.now()
LONG_AGO = NOW - dt.timedelta(days=11)


def write(row: models.Model, **fields: Any) -> models.Model:
    """Overwrite a stored row."""
    assert bare(type(row)).filter(pk=row.pk).update(**fields) == 1
    return row


def again(row: models.Model, **fields: Any) -> models.Model:
    """Store a row once more, with another primary key."""
    copy = bare(type(row)).get(pk=row.pk)
    copy.pk = uuid.uuid4() if isinstance(copy.pk, uuid.UUID) else copy.pk + 1000
    for name, value in fields.items():
        setattr(copy, name, value)
    copy.save_base(raw=True, force_insert=True)
    stored: models.Model = copy
    return stored


def entry(payment: Payment, verb: Verb) -> JournalEntry:
    """Return a payment's journal entry."""
    return JournalEntry.objects.get(payment_id=payment.pk, verb=verb)


def items(payment: Payment) -> models.QuerySet[LineItem]:
    """Return a payment's line items."""
    return bare(LineItem).filter(payment_id=payment.pk)


def suspense(**fields: Any) -> SuspenseItem:
    """Store money to look at."""
    item = SuspenseItem(pk=1, **fields)
    item.save_base(raw=True, force_insert=True)
    return item


def event(books: Books) -> Event:
    """Store what a bank reported, and what it was for."""
    row = Event(
        pk=999_999,
        moocher="bank",
        event_id="1",
        state="processed",
        attempt=books.settled,
        amount=Decimal(5),
        currency="CHF",
    )
    row.save_base(raw=True, force_insert=True)
    return row


def unmatched(books: Books, **fields: Any) -> SuspenseItem:
    """Store money to look at that nobody knows."""
    facts = {"kind": "unmatched", "event": event(books), "amount": Decimal(5), "currency": "CHF"}
    return suspense(**{**facts, **fields})


def overdue(**fields: Any) -> SuspenseItem:
    """Store that a person has to ask the PSP."""
    return suspense(kind="overdue", **fields)


def refunded(books: Books, **fields: Any) -> Refund:
    """Store a refund, and reserve it."""
    facts = {"payment": books.charged, "attempt": books.settled, "amount": Decimal(1)}
    facts |= {"currency": "CHF", "idempotency_key": "refund-1", "reason": "broken", **fields}
    refund = Refund(**facts)
    refund.save_base(raw=True, force_insert=True)
    write(books.settled, refunded_amount=refund.amount)
    return refund


def told_of_refunds(books: Books, **fields: Any) -> Refund:
    """Store a refund of which the journal tells."""
    refund = refunded(books, **fields)
    again(entry(books.charged, Verb.PAYMENT_CHARGED), verb=Verb.REFUND_REQUESTED)
    again(entry(books.charged, Verb.PAYMENT_CREATED), verb=Verb.REFUND_CHANGED)
    return refund


def disputed(books: Books, *, is_told: bool = True, **fields: Any) -> Dispute:
    """Store a dispute that has taken one franc, of which the journal tells."""
    facts = {
        "payment": books.charged,
        "attempt": books.settled,
        "psp_reference": "dp_1",
        "state": "needs_response",
    }
    facts |= {"amount": Decimal(1), "currency": "CHF", "opened_at": NOW}
    dispute = Dispute(pk=1, **{**facts, "withdrawn": Decimal(1), **fields})
    dispute.save_base(raw=True, force_insert=True)
    write(books.settled, disputed_amount=dispute.withdrawn)
    if is_told:
        again(entry(books.charged, Verb.PAYMENT_CHARGED), verb=Verb.DISPUTE_OPENED)
    return dispute


def unjournalled(payment: Payment, verb: Verb) -> None:
    """Take an entry out of the journal."""
    bare(JournalEntry).filter(payment_id=payment.pk, verb=verb).delete()


def vanished(books: Books) -> None:
    for model in (LineItem, Attempt):
        bare(model).filter(payment_id=books.charged.pk).delete()
    bare(Payment).filter(pk=books.charged.pk).delete()


def twice(row: models.Model, **same: Any) -> None:
    """Store a row with these facts, and another one with the same."""
    write(row, **same)
    again(row)


def refunded_twice(books: Books, **fields: Any) -> None:
    failed = {"state": "failed", "ended_at": NOW}
    first = told_of_refunds(books, **{"psp_reference": "re_1", **failed})
    write(books.settled, refunded_amount=0)
    again(first, **fields)
    again(JournalEntry.objects.get(verb=Verb.REFUND_REQUESTED))
    again(JournalEntry.objects.get(verb=Verb.REFUND_CHANGED))


#: By rule: how to break it, and which other rules the same fact breaks.
BREAKS: dict[str, tuple[Break, set[str]]] = {
    "payment_sealed": (lambda b: write(b.pending, sealed_at=None), set()),
    "payment_amount": (lambda b: write(b.pending, amount="3.02"), {"journal_amount"}),
    "payment_items": (lambda b: items(b.charged).update(payment=None), {"journal_total"}),
    "payment_owner": (lambda b: items(b.pending).update(user=b.stranger), set()),
    "payment_currency": (lambda b: items(b.pending).update(currency="EUR"), set()),
    "payment_released": (lambda b: write(b.unbound, payment=b.gone), set()),
    "payment_state": (
        lambda b: write(b.charged, undone_at=NOW),
        {"payment_released", "journal_undone"},
    ),
    "payment_not_negative": (lambda b: write(b.gone, amount=-1), {"journal_amount"}),
    "payment_known_currency": (lambda b: write(b.gone, currency="ZZZ"), {"attempt_currency"}),
    "payment_settled": (lambda b: write(b.charged, charged_at=None), {"journal_charged"}),
    "payment_paid": (lambda b: write(b.settled, amount=11, received_amount=11), set()),
    "attempt_one_open": (lambda b: again(b.opened, idempotency_key="other"), set()),
    "attempt_one_settled": (
        lambda b: again(b.settled, idempotency_key="other", psp_reference="other"),
        {"payment_settled"},
    ),
    "payment_waits": (
        lambda b: write(b.failed, state="unknown", ended_at=None),
        set(),
    ),
    "journal_created": (lambda b: unjournalled(b.charged, Verb.PAYMENT_CREATED), set()),
    "journal_total": (
        lambda b: write(entry(b.charged, Verb.PAYMENT_CREATED), total="10.00404"),
        set(),
    ),
    "journal_amount": (
        lambda b: write(entry(b.gone, Verb.PAYMENT_CREATED), total="1.1051"),
        set(),
    ),
    "journal_charged": (lambda b: again(entry(b.charged, Verb.PAYMENT_CHARGED)), set()),
    "journal_cancelled": (lambda b: unjournalled(b.gone, Verb.PAYMENT_CANCELLED), set()),
    "journal_undone": (
        lambda b: again(entry(b.charged, Verb.PAYMENT_CHARGED), verb=Verb.PAYMENT_UNDONE),
        set(),
    ),
    "journal_vanished": (vanished, set()),
    "attempt_state": (lambda b: write(b.failed, state="lost"), set()),
    "attempt_payment": (
        lambda b: again(b.failed, payment_id=uuid.uuid4(), idempotency_key="other"),
        {"attempt_answered"},
    ),
    "attempt_not_negative": (lambda b: write(b.failed, amount=-1), set()),
    "attempt_currency": (lambda b: write(b.failed, currency="EUR"), set()),
    "attempt_method": (
        lambda b: [
            write(b.failed, payment_method=b.method),
            write(b.method, user=b.stranger),
            write(b.method.psp_customer, user=b.stranger),
        ],
        set(),
    ),
    "customer_forgotten": (
        lambda b: write(b.method.psp_customer, removed_at=LONG_AGO),
        set(),
    ),
    "customer_once": (
        lambda b: again(b.method.psp_customer, customer_id="2", idempotency_key="2"),
        set(),
    ),
    "customer_id_once": (
        lambda b: again(b.method.psp_customer, user=b.stranger, idempotency_key="2"),
        set(),
    ),
    "customer_key_once": (
        lambda b: again(b.method.psp_customer, user=b.stranger, customer_id="2"),
        set(),
    ),
    "method_state": (lambda b: write(b.method, state="lost", is_default=False), set()),
    "method_theirs": (lambda b: write(b.method, user=b.stranger), set()),
    "method_consent": (lambda b: write(b.method, consent_text=""), set()),
    "method_named": (lambda b: write(b.method, method_id=None), set()),
    "method_default": (lambda b: write(b.method, state="removed"), set()),
    "method_forgotten": (
        lambda b: write(b.method, state="removing", is_default=False, removed_at=LONG_AGO),
        set(),
    ),
    "method_one_default": (
        lambda b: again(b.method, method_id="2", idempotency_key="2"),
        set(),
    ),
    "method_id_once": (
        lambda b: again(b.method, is_default=False, idempotency_key="2"),
        set(),
    ),
    "method_key_once": (lambda b: again(b.method, is_default=False, method_id="2"), set()),
    "method_attempt_once": (
        lambda b: [
            write(b.method, attempt=b.settled, is_default=False),
            again(b.method, method_id="2", idempotency_key="2"),
        ],
        set(),
    ),
    "attempt_ended": (lambda b: write(b.failed, ended_at=None), set()),
    "attempt_received": (lambda b: write(b.failed, received_amount=1), set()),
    "attempt_part": (lambda b: write(b.partly, amount=3), set()),
    "attempt_arrivals": (lambda b: write(b.partly, received_amount=2), set()),
    "attempt_written_off": (lambda b: write(b.partly, written_off=1), set()),
    "attempt_refunded_ended": (
        lambda b: write(b.partly, refunded_amount=1),
        {"attempt_reserved"},
    ),
    "arrival_positive": (
        lambda b: write(b.arrival, amount=-3),
        {"attempt_arrivals", "event_money"},
    ),
    "arrival_taken": (lambda b: write(b.partly, manual=False), {"attempt_part", "event_money"}),
    "arrival_reported": (lambda b: write(Event.objects.get(), currency="EUR"), set()),
    "attempt_exact": (lambda b: write(b.settled, received_amount="9.99"), set()),
    "attempt_reserved": (
        lambda b: [told_of_refunds(b), write(b.settled, refunded_amount="1.01")],
        set(),
    ),
    "attempt_refunded_most": (lambda b: told_of_refunds(b, amount=Decimal("10.01")), set()),
    "attempt_disputed": (
        lambda b: [disputed(b), write(b.settled, disputed_amount=Decimal("1.01"))],
        set(),
    ),
    "dispute_state": (lambda b: disputed(b, state="odd", closed_at=NOW), set()),
    "dispute_not_negative": (lambda b: disputed(b, amount=Decimal(-1)), set()),
    "dispute_payment": (lambda b: disputed(b, payment=b.pending), set()),
    "dispute_closed": (lambda b: disputed(b, closed_at=NOW), set()),
    "dispute_signal_sent": (lambda b: disputed(b, recorded_at=LONG_AGO), set()),
    "journal_disputes": (lambda b: disputed(b, is_told=False), set()),
    "dispute_reference_once": (
        lambda b: again(disputed(b, withdrawn=Decimal(0))),
        {"journal_disputes"},
    ),
    "refund_one_open": (
        lambda b: [again(refunded(b), idempotency_key="2"), write(b.settled, refunded_amount=2)],
        {"journal_refunds"},
    ),
    "refund_state": (lambda b: told_of_refunds(b, state="lost", ended_at=NOW), set()),
    "refund_positive": (lambda b: told_of_refunds(b, amount=Decimal(0)), set()),
    "refund_payment": (lambda b: told_of_refunds(b, payment=b.pending), {"journal_refunds"}),
    "refund_currency": (lambda b: told_of_refunds(b, currency="EUR"), set()),
    "refund_ended": (lambda b: told_of_refunds(b, ended_at=NOW), set()),
    "suspense_state": (
        lambda b: unmatched(b, state="lost", closed_at=NOW, closed_by="user:1"),
        set(),
    ),
    "suspense_about": (lambda b: suspense(kind="surplus", attempt=b.failed), set()),
    "suspense_money": (lambda b: unmatched(b, amount=Decimal(6)), set()),
    "suspense_closed": (lambda b: unmatched(b, state="closed", closed_at=NOW), set()),
    "suspense_matched": (
        lambda b: unmatched(b, state="matched", closed_at=NOW, closed_by="user:1"),
        set(),
    ),
    "attempt_suspense": (
        lambda b: write(b.failed, state="surplus", received_amount=1, received_currency="CHF"),
        set(),
    ),
    "attempt_answered": (
        lambda b: write(b.opened, state="failed", ended_at=NOW),
        set(),
    ),
    "attempt_signal_sent": (
        lambda b: write(b.settled, signal_sent_at=None, ended_at=LONG_AGO),
        set(),
    ),
    "refund_signal_sent": (
        lambda b: told_of_refunds(b, state="succeeded", ended_at=LONG_AGO),
        set(),
    ),
    "event_processed": (lambda b: write(event(b), attempt=None), set()),
    "event_money": (lambda b: write(event(b), attempt=b.failed), set()),
    "journal_attempt": (
        lambda b: write(JournalEntry.objects.get(attempt_id=b.opened.pk), payment_id=b.charged.pk),
        set(),
    ),
    "journal_user": (
        lambda b: write(entry(b.gone, Verb.PAYMENT_CANCELLED), user=b.stranger),
        set(),
    ),
    "attempt_overdue": (lambda b: write(b.opened, started_at=LONG_AGO), set()),
    "refund_overdue": (lambda b: told_of_refunds(b, requested_at=LONG_AGO), set()),
    "event_state": (lambda b: write(event(b), state="lost"), set()),
    "event_suspense": (lambda b: write(event(b), state="unmatched"), set()),
    "journal_refunds": (lambda b: refunded(b), set()),
    "lineitem_currency": (lambda b: write(b.unbound, currency="ZZZ"), set()),
    "lineitem_product": (
        lambda b: write(b.unbound, quantity=3, unit="tiles", unit_price=Decimal("0.4")),
        set(),
    ),
    "lineitem_payment": (lambda b: write(b.unbound, payment_id=uuid.uuid4()), set()),
    "lineitem_once": (lambda b: twice(b.unbound, key="use-1"), set()),
    "attempt_reference_once": (
        lambda b: write(b.failed, psp_reference=b.settled.psp_reference),
        set(),
    ),
    "attempt_key_once": (
        lambda b: write(b.failed, idempotency_key=b.settled.idempotency_key),
        set(),
    ),
    "attempt_form_once": (
        lambda b: [write(b.failed, form_token="f"), write(b.opened, form_token="f")],
        set(),
    ),
    "refund_key_once": (lambda b: refunded_twice(b, psp_reference="re_2"), set()),
    "refund_reference_once": (lambda b: refunded_twice(b, idempotency_key="2"), set()),
    "event_once": (lambda b: again(event(b)), set()),
    "suspense_attempt_once": (lambda b: again(overdue(attempt=b.opened)), set()),
    "suspense_event_once": (lambda b: again(unmatched(b)), set()),
    "suspense_refund_once": (lambda b: again(overdue(refund=told_of_refunds(b))), set()),
}


@pytest.fixture
def right(make_user: UserFactory) -> Iterator[Books]:
    """Return books that are right, in tables that nothing protects."""
    found = books(make_user)
    with unprotected():
        yield found


def test_unprotected_books_are_right(right: Books) -> None:
    assert list(audit()) == []


def test_an_attempt_that_waits_for_its_customer_is_not_overdue(right: Books) -> None:
    write(right.opened, state="requires_action", started_at=LONG_AGO)
    assert list(audit()) == []


def test_every_rule_is_broken_below() -> None:
    assert sorted(BREAKS) == sorted(rule.name for rule in RULES)


def test_each_rule_finds_what_breaks_it_and_nothing_else_does(right: Books) -> None:
    wrong = {}
    for rule, (break_it, also) in BREAKS.items():
        with transaction.atomic():
            break_it(right)
            found = list(audit())
            of_the_rule = [finding for finding in found if finding.rule == rule]
            if {f.rule for f in found} != {rule, *also} or of_the_rule != list(audit(only=[rule])):
                wrong[rule] = found
            assert not PERSONAL.search(repr(found))
            transaction.set_rollback(True)
    assert wrong == {}


def test_what_was_matched_is_counted_once(make_user: UserFactory) -> None:
    books_of = books(make_user)
    facts = {"moocher": "bank", "psp_reference": "?", "amount": Decimal(5), "currency": "CHF"}
    for number, payment in enumerate((books_of.partly.payment, pending(books_of.stranger, "1"))):
        event = book_arrival(event_id=f"e{number}", **facts)  # type: ignore[arg-type]
        event.suspense_items.get().match(payment, by="user:1", reason="theirs")
    assert list(audit()) == []
    one, other = SuspenseItem.objects.filter(state="matched").order_by("pk")
    with unprotected():
        bare(Arrival).filter(suspense_item=one).update(suspense_item=other)
        assert {finding.rule for finding in audit()} == {"arrival_reported"}
