from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from stdnum import iso11649
from stdnum.ch import esr

from payments_ui.moochers.banktransfer import Account, references

QR_ACCOUNT = Account("CH44 3199 9123 0008 8901 2")
SWISS_ACCOUNT = Account("CH93 0076 2011 6238 5295 7")
GERMAN_ACCOUNT = Account("DE89 3704 0044 0532 0130 00")


def test_qr_iban_gets_27_digits_whose_check_digit_agrees() -> None:
    reference = references.make(uuid4(), QR_ACCOUNT)
    assert len(reference) == 27
    assert reference.isdigit()
    assert esr.is_valid(reference)


def test_check_digit_is_that_of_the_standards_own_example() -> None:
    """Swiss Implementation Guidelines QR-bill: 21 00000 00003 13947 14300 09017."""
    account = Account(QR_ACCOUNT.iban, reference_prefix="21000000000")
    number = int("313947143000901")
    assert references.make(UUID(int=number), account) == "210000000003139471430009017"


def test_other_accounts_get_a_creditor_reference() -> None:
    for account in (SWISS_ACCOUNT, GERMAN_ACCOUNT):
        reference = references.make(uuid4(), account)
        assert reference.startswith("RF")
        assert len(reference) == 16
        assert iso11649.is_valid(reference)


def test_a_typing_error_is_noticed_by_the_bank() -> None:
    reference = references.make(UUID(int=2026), GERMAN_ACCOUNT)
    for position, letter in enumerate(reference[4:], start=4):
        other = "7" if letter != "7" else "8"
        assert not iso11649.is_valid(reference[:position] + other + reference[position + 1 :])


def test_an_attempt_asked_twice_has_one_reference() -> None:
    attempt_id = uuid4()
    for account in (QR_ACCOUNT, GERMAN_ACCOUNT):
        assert references.make(attempt_id, account) == references.make(attempt_id, account)


@pytest.mark.parametrize("account", [QR_ACCOUNT, GERMAN_ACCOUNT])
def test_thousands_of_attempts_have_different_references(account: Account) -> None:
    assert len({references.make(uuid4(), account) for _ in range(5000)}) == 5000


def test_creditor_reference_never_begins_with_a_zero_that_a_bank_could_drop() -> None:
    least = 32**11
    for number in (0, 1, least - 1, least, 31 * least - 1, 31 * least, 2**128 - 1):
        body = references.make(UUID(int=number), GERMAN_ACCOUNT)[4:]
        assert len(body) == 12
        assert not body.startswith("0")


def test_banks_own_digits_come_first() -> None:
    account = Account(QR_ACCOUNT.iban, reference_prefix="123456")
    reference = references.make(uuid4(), account)
    assert reference.startswith("123456")
    assert len(reference) == 27
    assert esr.is_valid(reference)


@pytest.mark.parametrize("account", [QR_ACCOUNT, GERMAN_ACCOUNT])
def test_reference_is_recognised_however_it_is_written(account: Account) -> None:
    reference = references.make(uuid4(), account)
    for text in (reference, references.display(reference), f" {reference.lower()}\n"):
        assert references.normalise(text) == reference


def test_zeros_that_a_bank_dropped_in_front_come_back() -> None:
    reference = references.make(UUID(int=42), QR_ACCOUNT)
    assert reference.startswith("0000")
    assert references.normalise(reference.lstrip("0")) == reference


def test_what_is_no_reference_is_left_to_be_not_found() -> None:
    assert references.normalise("") == ""
    assert references.normalise(" thanks for the fish! ") == "THANKSFORTHEFISH"


def test_references_are_shown_in_the_groups_that_banks_print() -> None:
    assert references.display("210000000003139471430009017") == "21 00000 00003 13947 14300 09017"
    assert references.display("RF18539007547034") == "RF18 5390 0754 7034"


def test_a_qr_reference_belongs_to_a_qr_iban_and_to_no_other() -> None:
    digits = references.make(uuid4(), QR_ACCOUNT)
    letters = references.make(uuid4(), SWISS_ACCOUNT)
    assert references.fits(digits, QR_ACCOUNT)
    assert references.fits(letters, SWISS_ACCOUNT)
    assert not references.fits(letters, QR_ACCOUNT)
    assert not references.fits(digits, SWISS_ACCOUNT)
