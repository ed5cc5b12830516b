"""Texts that no column holds: refused where they are ours, kept as evidence where they are not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui import money
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Pending
from payments_ui.core.db.fields import fitting
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, SuspenseItem
from payments_ui.exceptions import InvalidAmountError, LineItemError, PaymentsUIError
from tests.core.support import charged, money_of, pending, started

pytestmark = pytest.mark.django_db

HOSTILE = ["a\x00b", "a\ud800b", "\udfff", "x" * 300 + "\x00"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["title", "key", "unit"])
def test_a_line_items_texts_are_refused(user: User, text: str, field: str) -> None:
    facts: dict[str, Any] = {"title": "Use", "quantity": 1, "unit_price": 1} | {field: text}
    with pytest.raises(LineItemError):
        LineItem.objects.record(user=user, **facts)
    assert not LineItem.objects.exists()


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_psp_reports_is_kept(user: User, text: str) -> None:
    attempt = started(pending(user, "5"))
    attempt.record(Pending(psp_reference=text))
    found = Attempt.objects.get(psp_reference=text)
    assert found == attempt
    attempt.record(money_of(attempt, psp_reference=text, evidence={text: [text, {"a": text}]}))
    assert Attempt.objects.get(psp_reference=text).state == Attempt.State.SETTLED
    book_arrival(
        moocher="cards", psp_reference=text, amount=Decimal(7), currency="CHF", event_id=text
    )
    assert SuspenseItem.objects.get().amount == 7


@pytest.mark.parametrize("text", HOSTILE)
def test_reasons_and_actors_are_kept(user: User, text: str) -> None:
    payment = charged(user, "5")
    refund = payment.refund("1", reason=text, by=text)
    refund.record(Declined(code=DeclineCode.GENERIC, evidence={"text": text}), reason=text, by=text)
    payment.undo(force=True, reason=text, by=text)
    pending(user).cancel_pending(reason=text, by=text)
    book_arrival(moocher="bank", psp_reference="?", amount=Decimal(7), currency="CHF", event_id="e")
    SuspenseItem.objects.get().close(by=text, reason=text)
    assert JournalEntry.objects.filter(actor=text).count() == 5


def test_two_long_references_that_begin_alike_are_two(user: User) -> None:
    longer = "x" * 300
    assert fitting(longer, 255) != fitting(longer + "y", 255)
    assert len(fitting(longer, 255)) == 255
    assert fitting("x" * 255, 255) == "x" * 255
    assert fitting("a\\x00b", 255) != fitting("a\x00b", 255)


@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [
        (Decimal("NaN"), "CHF", (Decimal(0), "CHF")),
        (Decimal("1E+999999"), "CHF", (Decimal(0), "CHF")),
        (Decimal("4.00049"), "CHF", (Decimal("4"), "CHF")),
        (Decimal(5), "Swiss Francs", (Decimal(5), "???")),
    ],
)
def test_money_that_no_column_holds_is_evidence_for_a_person(
    user: User, amount: Decimal, currency: str, kept: tuple[Decimal, str]
) -> None:
    attempt = started(pending(user, "5"))
    stored = attempt.record(money_of(attempt, amount=amount, currency=currency))
    assert stored.state == Attempt.State.MISMATCH
    assert (stored.received_amount, stored.received_currency) == kept
    assert stored.evidence["reported"] == f"{amount} {currency}"
    assert SuspenseItem.objects.get().attempt == attempt


@pytest.mark.parametrize(
    "text", ["1_2.00", "\u0661\u0662", "\uff11\uff12.00", "1E+999999", "NaN", "0x1", "", "1,5"]
)
def test_what_is_no_plain_decimal_is_refused(user: User, text: str) -> None:
    with pytest.raises(InvalidAmountError):
        money.exact_amount(text)
    payment = charged(user, "5")
    with pytest.raises(InvalidAmountError):
        payment.refund(text, reason="broken")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_no_number_is_no_amount(amount: str) -> None:
    for function in (money.round_amount, money.to_minor_units):
        with pytest.raises(InvalidAmountError):
            function(Decimal(amount), "CHF")


def test_an_email_address_that_no_column_holds_is_refused(user: User) -> None:
    pending(user, "1")
    LineItem.objects.record(user=user, title="Use", amount=1)
    for email in ("a\x00@example.com", "a" * 300):
        with pytest.raises(PaymentsUIError):
            Payment.objects.create_pending(user=user, email=email)
    assert Payment.objects.create_pending(user=user, transaction="a\x00\ud800")
