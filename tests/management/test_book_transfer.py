"""Arrivals as a bank reports them: on time, short, excess, twice, late, and unknown."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings
from mooch.base import BaseMoocher

from payments_ui.core.models import Attempt, Event, JournalEntry, LineItem, Payment
from payments_ui.moochers.banktransfer import Account, BankTransferMoocher, Creditor, references
from payments_ui.moochers.base import AttemptUrls
from payments_ui.testing.moochers import listed

CREDITOR = Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich")
URLS = AttemptUrls(return_url="https://shop.example/return", webhook_url="https://shop.example/w")
State = Attempt.State

bank = BankTransferMoocher(
    creditor=CREDITOR,
    accounts={
        "CHF": Account("CH44 3199 9123 0008 8901 2"),
        "EUR": Account("DE89 3704 0044 0532 0130 00"),
    },
)
other_bank = BankTransferMoocher(
    creditor=CREDITOR,
    accounts={"CHF": Account("CH93 0076 2011 6238 5295 7")},
    identifier="other-bank",
    account="CH9300762011623852957",
)
no_bank = BaseMoocher(identifier="card")

BANK, OTHER_BANK, NO_BANK = listed(bank, other_bank, no_bank)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_bank() -> object:
    with override_settings(PAYMENTS_UI={"MOOCHERS": [NO_BANK, BANK]}):
        yield


def wait_for_transfer(user: User, moocher: BankTransferMoocher = bank) -> Attempt:
    LineItem.objects.record(user=user, title="Rendering", amount=12, currency="CHF")
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    return ask_for_details(payment, moocher)


def ask_for_details(payment: Payment, moocher: BankTransferMoocher = bank) -> Attempt:
    attempt = payment.start_attempt(
        moocher=moocher.identifier,
        account=moocher.account,
        live=moocher.live,
        manual=moocher.manual,
    )
    return attempt.record(moocher.charge(attempt, data={}, urls=URLS))


def book(reference: str | None, amount: str = "12.00", **options: str) -> str:
    out = StringIO()
    options.setdefault("currency", "CHF")
    call_command("book_transfer", reference, amount=amount, stdout=out, no_color=True, **options)
    return out.getvalue()


def money_of(payment_id: UUID) -> dict[str, Decimal]:
    """Return what arrived for a payment, by what became of it."""
    closed = Attempt.objects.filter(payment=payment_id, received_amount__isnull=False)
    return {str(attempt.state): attempt.received for attempt in closed}


def test_exact_amount_charges_the_payment(user: User) -> None:
    attempt = wait_for_transfer(user)
    text = book(attempt.psp_reference)
    payment = Payment.objects.get(pk=attempt.payment_id)
    assert payment.state == Payment.State.CHARGED
    assert payment.payment_service_provider == "banktransfer"
    assert payment.transaction == attempt.psp_reference
    assert text == f"CHF\u00a012.00 settled, payment {payment.pk}\n"


def test_reference_may_be_typed_in_the_groups_on_paper(user: User) -> None:
    attempt = wait_for_transfer(user)
    assert "settled" in book(references.display(attempt.psp_reference or ""))


def test_short_transfer_is_a_part_and_the_rest_charges_the_payment(user: User) -> None:
    attempt = wait_for_transfer(user)
    text = book(attempt.psp_reference, "11.99", date="2026-11-27", payer="Ada Lovelace")
    assert Payment.objects.get(pk=attempt.payment_id).charged_at is None
    assert money_of(attempt.payment_id) == {State.PROCESSING: Decimal("11.99")}
    missing = "part (CHF\u00a00.01 is missing)"
    assert text == f"CHF\u00a011.99 {missing}, payment {attempt.payment_id}\n"
    event = Event.objects.get()
    assert (event.arrived_on, event.payer) == (dt.date(2026, 11, 27), "Ada Lovelace")
    text = book(attempt.psp_reference, "0.01")
    assert text == f"CHF\u00a00.01 settled, payment {attempt.payment_id}\n"


def test_excess_charges_the_payment_and_the_rest_is_surplus(user: User) -> None:
    attempt = wait_for_transfer(user)
    text = book(attempt.psp_reference, "15.00")
    assert Payment.objects.get(pk=attempt.payment_id).state == Payment.State.CHARGED
    assert money_of(attempt.payment_id) == {
        State.SETTLED: Decimal("12.00"),
        State.SURPLUS: Decimal("3.00"),
    }
    assert "CHF\u00a012.00 settled" in text
    assert "CHF\u00a03.00 surplus" in text


def test_second_transfer_is_surplus(user: User) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference, bank_reference="day-1")
    charged_at = Payment.objects.get(pk=attempt.payment_id).charged_at
    text = book(attempt.psp_reference, bank_reference="day-2")
    assert text == f"CHF\u00a012.00 surplus, payment {attempt.payment_id}\n"
    assert Payment.objects.get(pk=attempt.payment_id).charged_at == charged_at
    assert money_of(attempt.payment_id) == {
        State.SETTLED: Decimal("12.00"),
        State.SURPLUS: Decimal("12.00"),
    }


def test_other_currency_is_surplus_however_much_it_is(user: User) -> None:
    attempt = wait_for_transfer(user)
    text = book(attempt.psp_reference, "99.00", currency="EUR")
    assert text == f"€99.00 surplus, payment {attempt.payment_id}\n"
    assert Payment.objects.get(pk=attempt.payment_id).charged_at is None


def test_transfer_after_the_payment_was_given_up_is_surplus(user: User) -> None:
    attempt = wait_for_transfer(user)
    attempt.record(bank.cancel(attempt))
    Payment.objects.get(pk=attempt.payment_id).cancel_pending()
    text = book(attempt.psp_reference)
    assert text == f"CHF\u00a012.00 surplus, payment {attempt.payment_id}\n"
    assert LineItem.objects.unbound().count() == 1


def test_unknown_reference_fails_and_keeps_the_money_as_unmatched() -> None:
    with pytest.raises(CommandError, match="The reference 'RF18539007547034' is not known") as info:
        book("RF18 5390 0754 7034", "7.50", bank_reference="stray")
    assert "CHF\u00a07.50 is kept as unmatched, for a review" in str(info.value)
    assert info.value.returncode == 1
    event = Event.objects.get(event_id="stray")
    assert (event.state, event.amount, event.currency) == ("unmatched", Decimal("7.50"), "CHF")
    assert JournalEntry.objects.filter(verb="money_unmatched").count() == 1


def test_transfer_without_any_reference_is_kept_too() -> None:
    with pytest.raises(CommandError, match="The reference '' is not known"):
        book("", bank_reference="no reference")
    assert Event.objects.get(event_id="no reference").state == "unmatched"


def test_reference_of_another_account_is_unmatched_here(user: User) -> None:
    attempt = wait_for_transfer(user, other_bank)
    with pytest.raises(CommandError, match="is not known"):
        book(attempt.psp_reference)
    assert Payment.objects.get(pk=attempt.payment_id).charged_at is None


def test_same_arrival_reported_again_changes_nothing(user: User) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference, bank_reference="2026-11-23/17")
    before = list(Attempt.objects.values()), JournalEntry.objects.count()
    text = book(attempt.psp_reference, bank_reference="2026-11-23/17")
    assert text == "2026-11-23/17 was booked before. Nothing changed.\n"
    assert (list(Attempt.objects.values()), JournalEntry.objects.count()) == before


def test_same_unknown_arrival_reported_again_fails_again_and_is_stored_once() -> None:
    for _ in range(2):
        with pytest.raises(CommandError, match="is not known"):
            book("RF18539007547034", bank_reference="stray")
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "changed", [{"amount": "13.00"}, {"currency": "EUR"}, {"reference": "RF18539007547034"}]
)
def test_same_bank_reference_with_other_facts_is_an_error_that_names_the_first(
    user: User, changed: dict[str, str]
) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference, bank_reference="17")
    facts = {"reference": attempt.psp_reference or "", "amount": "12.00"} | changed
    with pytest.raises(CommandError, match=r"17 was booked before, as CHF.12\.00 with") as info:
        book(**facts, bank_reference="17")
    assert str(attempt.psp_reference) in str(info.value)
    assert "is kept as unmatched" in str(info.value)
    assert Event.objects.filter(state=Event.State.UNMATCHED).count() == 1
    assert money_of(attempt.payment_id) == {State.SETTLED: Decimal("12.00")}


def test_without_a_bank_reference_every_call_is_another_arrival(user: User) -> None:
    attempt = wait_for_transfer(user)
    assert "settled" in book(attempt.psp_reference)
    assert "surplus" in book(attempt.psp_reference)


def test_journal_says_who_booked_it_and_why(user: User) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference, by="clerk Meier", reason="statement of 23 November")
    entry = JournalEntry.objects.get(verb="payment_charged")
    assert (entry.actor, entry.reason) == ("clerk Meier", "statement of 23 November")


def test_journal_names_the_command_where_nobody_is_named(user: User) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference)
    assert JournalEntry.objects.get(verb="payment_charged").actor == "command:book_transfer"


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("twelve", "CHF", "'twelve' is not a decimal number"),
        ("12,00", "CHF", "'12,00' is not a decimal number"),
        ("1_2.00", "CHF", "'1_2.00' is not a decimal number"),
        ("\u0661\u0662", "CHF", "is not a decimal number"),
        ("\uff11\uff12.00", "CHF", "is not a decimal number"),
        ("1E+999999", "CHF", "more than 11 digits"),
        ("NaN", "CHF", "'NaN' is not a decimal number"),
        ("12.005", "CHF", "not a whole number of CHF minor units"),
        ("0", "CHF", "above zero"),
        ("-12.00", "CHF", "above zero"),
        ("12.00", "XQZ", "'XQZ' is not the ISO 4217 code"),
        ("12.00", "XXX", "'XXX' is not the ISO 4217 code"),
    ],
)
def test_arrivals_that_cannot_be_are_refused_and_nothing_is_stored(
    user: User, amount: str, currency: str, problem: str
) -> None:
    attempt = wait_for_transfer(user)
    with pytest.raises(CommandError, match=problem):
        book(attempt.psp_reference, amount, currency=currency)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("reference", "bank_reference"), [("9" * 256, "17"), ("RF18539007547034", "9" * 256)]
)
def test_texts_longer_than_the_books_can_hold_are_refused(
    reference: str, bank_reference: str
) -> None:
    with pytest.raises(CommandError, match="more than 255 characters"):
        book(reference, bank_reference=bank_reference)


@override_settings(PAYMENTS_UI={"MOOCHERS": [NO_BANK]})
def test_site_without_bank_transfer_is_told_so() -> None:
    with pytest.raises(CommandError, match=r"Name one bank transfer moocher .*found: none"):
        book("RF18539007547034")


@override_settings(PAYMENTS_UI={"MOOCHERS": [BANK, OTHER_BANK]})
def test_site_with_two_accounts_names_the_one_that_got_the_money(user: User) -> None:
    attempt = wait_for_transfer(user, other_bank)
    with pytest.raises(CommandError, match="found: banktransfer, other-bank"):
        book(attempt.psp_reference)
    assert "settled" in book(attempt.psp_reference, moocher="other-bank")


@override_settings(PAYMENTS_UI={"MOOCHERS": [BANK, NO_BANK]})
def test_a_moocher_that_is_no_bank_transfer_cannot_be_named() -> None:
    with pytest.raises(CommandError, match="found: none"):
        book("RF18539007547034", moocher="card")


def test_rest_of_a_short_transfer_is_kept_while_the_customer_pays_again(user: User) -> None:
    attempt = wait_for_transfer(user)
    book(attempt.psp_reference, "10.00")
    attempt.record(bank.cancel(attempt))
    again = ask_for_details(Payment.objects.get(pk=attempt.payment_id))
    assert "surplus" in book(attempt.psp_reference, "2.00")
    assert "settled" in book(again.psp_reference, "12.00")
