"""A bank statement is booked: each arrival once, however often its file comes."""

from __future__ import annotations

import io
import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings

from payments_ui.core.attempts.arrivals import NAME
from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.models import Arrival, Attempt, Event, JournalEntry, LineItem, Payment
from payments_ui.exceptions import ReferenceTakenError
from payments_ui.flows import import_statement
from tests.moochers.banktransfer.statements.files import camt, details, entry, mt940

from .test_book_transfer import BANK, NO_BANK, wait_for_transfer

pytestmark = pytest.mark.django_db
State = Attempt.State


@pytest.fixture(autouse=True)
def _one_bank() -> object:
    with override_settings(PAYMENTS_UI={"MOOCHERS": [NO_BANK, BANK]}):
        yield


def run(folder: Path, data: bytes) -> str:
    file, out = folder / "statement", StringIO()
    file.write_bytes(data)
    try:
        call_command("import_statement", str(file), stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_an_arrival_charges_its_payment_once(user: User, tmp_path: Path) -> None:
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}"
    part = details(amount, structured=attempt.psp_reference or "")
    statement = camt(entry(amount, [part]))
    assert re.search("^booked: CHF..* from Ada Lovelace", run(tmp_path, statement), re.MULTILINE)
    assert Attempt.objects.get().state == State.SETTLED
    notification = camt(entry(amount, [part]), kind="054")
    for again in (statement, notification):
        assert "1 booked before" in run(tmp_path, again)
    assert Event.objects.exclude(kind=NAME).get().payer == "Ada Lovelace"
    reasons = JournalEntry.objects.values_list("reason", flat=True)
    assert not any("Ada Lovelace" in reason for reason in reasons)


def test_account_numbers_of_payers_are_not_reported(user: User, tmp_path: Path) -> None:
    payer = "Ada Lovelace, DE89 3704 0044 0532 0130 00"
    shown = run(tmp_path, camt(entry("12.00", [details("12.00", payer=payer)])))
    assert "Ada Lovelace, [account 3000]" in shown
    assert "3704 0044" not in shown


def test_the_reference_that_is_ours_is_taken(user: User, tmp_path: Path) -> None:
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}"
    text = f"RF18 5390 0754 7034 and {attempt.psp_reference}"
    assert "1 booked" in run(tmp_path, camt(entry(amount, [details(amount, text=text)])))


def test_money_that_fits_nothing_needs_a_review(user: User, tmp_path: Path) -> None:
    attempt = wait_for_transfer(user)
    short = details("0.05", structured=attempt.psp_reference or "")
    data = camt(entry("1.05", [short, details("1.00")]), entry(kind="DBIT", reference="E2"))
    shown = run(tmp_path, data)
    assert "1 part, 1 unexpected, 1 ignored" in shown
    assert "CHF\u00a011.95 is missing" in shown
    assert "reference none" in shown
    assert "needs a review" in shown


def test_parts_of_two_statements_charge_and_what_is_more_is_said(
    user: User, tmp_path: Path
) -> None:
    reference = wait_for_transfer(user).psp_reference or ""
    first = camt(entry("5.00", [details("5.00", structured=reference)], reference="E1"))
    assert "1 part" in run(tmp_path, first)
    last = camt(entry("8.00", [details("8.00", structured=reference)], reference="E2"))
    assert "CHF\u00a01.00 is surplus" in run(tmp_path, last)
    for again in (first, last):
        assert "1 booked before" in run(tmp_path, again)
    assert sorted(Arrival.objects.values_list("amount", flat=True)) == [1, 5, 7]


def test_what_a_person_booked_by_the_banks_reference_is_known(user: User, tmp_path: Path) -> None:
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}"
    attempt.payment.book_by_hand(by="user:1", reason="seen", reference="E9")
    part = details(amount, structured=attempt.psp_reference or "")
    assert "1 booked before" in run(tmp_path, camt(entry(amount, [part], reference="E9")))
    assert Event.objects.count() == 1


def test_what_a_person_booked_where_no_transfer_was_awaited_is_known_too(
    user: User, tmp_path: Path
) -> None:
    attempt = wait_for_transfer(user)
    attempt.record(Cancelled(psp_reference=attempt.psp_reference or ""))
    attempt.payment.book_by_hand(by="user:1", reason="seen", reference="E9")
    part = details("12.00", structured=attempt.psp_reference or "")
    assert "1 booked before" in run(tmp_path, camt(entry("12.00", [part], reference="E9")))
    assert Arrival.objects.count() == 1


@pytest.mark.parametrize("awaited_first", [True, False])
def test_a_reference_of_the_bank_is_booked_once_with_or_without_a_transfer(
    user: User, awaited_first: bool
) -> None:
    awaited = wait_for_transfer(user).payment
    LineItem.objects.record(user=user, title="Rendering", amount=9, currency="CHF")
    other = Payment.objects.create_pending(user=user)
    assert other is not None
    first, second = (awaited, other) if awaited_first else (other, awaited)
    first.book_by_hand(by="user:1", reason="seen", reference="E9")
    with pytest.raises(ReferenceTakenError):
        second.book_by_hand(by="user:1", reason="seen", reference="E9")
    assert Arrival.objects.get().attempt.payment == first


@pytest.mark.parametrize("name", ["E9", "B1"])
@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize("again", ["by hand", "book_transfer"])
def test_what_a_statement_brought_is_known_by_each_id_that_the_bank_gave_it(
    user: User, tmp_path: Path, name: str, awaited: bool, again: str
) -> None:
    attempt = wait_for_transfer(user)
    if not awaited:
        attempt.record(Cancelled(psp_reference=attempt.psp_reference or ""))
    # With a reference that nobody knows: a person is tempted to book it.
    unknown = "RF18539007547034"
    parts = [details("7.00", name="B1", structured=unknown), details("5.00", name="B2")]
    assert "2 unexpected" in run(tmp_path, camt(entry("12.00", parts, reference="E9")))
    if again == "by hand":
        with pytest.raises(ReferenceTakenError):
            attempt.payment.book_by_hand(by="user:1", reason="seen", reference=name)
        assert not Arrival.objects.exists()
    else:
        arguments = {"amount": "7.00", "currency": "CHF", "bank_reference": name}
        with pytest.raises(CommandError, match="is not known"):
            call_command("book_transfer", unknown, **arguments)
    assert Event.objects.exclude(kind=NAME).count() == 2


def test_who_books_what_a_statement_brought_by_command_changes_nothing(
    user: User, tmp_path: Path
) -> None:
    reference = wait_for_transfer(user).psp_reference or ""
    part = details("12.00", structured=reference)
    assert "1 booked" in run(tmp_path, camt(entry("12.00", [part], reference="E9")))
    out = StringIO()
    arguments = {"amount": "12.00", "currency": "CHF", "bank_reference": "E9"}
    call_command("book_transfer", reference, stdout=out, **arguments)
    assert out.getvalue() == "E9 was booked before. Nothing changed.\n"
    with pytest.raises(CommandError, match=r"E9 was booked before, as CHF.*12\.00"):
        call_command("book_transfer", reference, **arguments | {"amount": "7.00"})
    assert Arrival.objects.count() == 1


def test_what_a_person_books_while_a_statement_is_imported_is_booked_once(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = wait_for_transfer(user)
    # The person is quicker, by so little that the import did not see it.
    attempt.payment.book_by_hand(by="user:1", reason="seen", reference="E9")
    monkeypatch.setattr(import_statement, "_is_known", lambda *_told: False)
    part = details("12.00", structured=attempt.psp_reference or "")
    assert "1 booked before" in run(tmp_path, camt(entry("12.00", [part], reference="E9")))
    assert Event.objects.count() == Arrival.objects.count() == 1


def test_a_batch_that_a_person_booked_a_part_of_is_not_taken_for_it(
    user: User, tmp_path: Path
) -> None:
    attempt = wait_for_transfer(user)
    attempt.payment.book_by_hand(by="user:1", reason="seen", reference="E9")
    parts = [details("12.00", text=f"Invoice {number}") for number in range(2)]
    assert "2 unexpected" in run(tmp_path, camt(entry("24.00", parts, reference="E9")))


def test_what_is_no_money_is_said_and_booked_nowhere(user: User, tmp_path: Path) -> None:
    assert "ignored: " in run(tmp_path, camt(entry("0.00")))
    assert not Event.objects.exists()


def test_an_amount_in_what_is_no_currency_is_kept(user: User, tmp_path: Path) -> None:
    shown = run(tmp_path, camt(entry("12.00", currency="XTS")))
    assert "XTS\u00a012.00" in shown


def test_mt940_is_booked_too_also_from_a_pipe(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}".replace(".", ",")
    data = mt940(
        f":61:2611271127CR{amount}NTRFNONREF//BANK123", f":86:?20SVWZ+{attempt.psp_reference}"
    )
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    out = StringIO()
    call_command("import_statement", "-", stdout=out)
    assert "1 booked" in out.getvalue()


def test_a_file_that_cannot_be_read_books_nothing(user: User, tmp_path: Path) -> None:
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}"
    good = entry(amount, [details(amount, structured=attempt.psp_reference or "")])
    assert "is no amount" in run(tmp_path, camt(good, entry("twelve")))
    assert not Event.objects.exists()
    with pytest.raises(CommandError):
        call_command("import_statement", str(tmp_path / "none"))


def test_an_empty_statement_is_said_to_be_empty(tmp_path: Path) -> None:
    assert "no entries" in run(tmp_path, camt())
