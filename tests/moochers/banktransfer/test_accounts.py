from __future__ import annotations

import runpy
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from payments_ui.moochers.banktransfer import Account, Creditor, libraries

QR_IBAN = "CH44 3199 9123 0008 8901 2"


def test_iban_may_be_written_with_spaces_and_is_shown_in_groups() -> None:
    account = Account("ch93 0076 2011 6238 5295 7")
    assert account.iban == "CH9300762011623852957"
    assert account.formatted == "CH93 0076 2011 6238 5295 7"


def test_typing_error_in_the_iban_is_found_when_the_site_starts() -> None:
    with pytest.raises(ImproperlyConfigured, match="'CH93 0076 2011 6238 5295 8' is not a valid"):
        Account("CH93 0076 2011 6238 5295 8")


def test_typing_error_in_the_bic_is_found_when_the_site_starts() -> None:
    with pytest.raises(ImproperlyConfigured, match="'NWBK' is not a valid BIC"):
        Account("GB29 NWBK 6016 1331 9268 19", bic="NWBK")


@pytest.mark.parametrize(
    ("iban", "is_swiss", "is_qr_iban"),
    [
        (QR_IBAN, True, True),
        ("LI21 0881 0000 2324 013A A", True, False),
        ("CH93 0076 2011 6238 5295 7", True, False),
        ("DE89 3704 0044 0532 0130 00", False, False),
    ],
)
def test_kind_of_account_follows_from_the_iban(iban: str, is_swiss: bool, is_qr_iban: bool) -> None:
    account = Account(iban)
    assert (account.is_swiss, account.is_qr_iban) == (is_swiss, is_qr_iban)


def test_bic_is_needed_outside_of_the_european_economic_area() -> None:
    assert Account("GB29 NWBK 6016 1331 9268 19", bic="NWBKGB2L").needs_bic
    assert not Account("DE89 3704 0044 0532 0130 00").needs_bic


@pytest.mark.parametrize(
    ("iban", "prefix"),
    [
        ("CH93 0076 2011 6238 5295 7", "123456"),
        (QR_IBAN, "12345A"),
        (QR_IBAN, "١٢٣"),
        (QR_IBAN, "123456789012"),
    ],
)
def test_prefix_that_no_qr_reference_can_have_is_refused(iban: str, prefix: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="at most 11 digits, for QR-IBANs only"):
        Account(iban, reference_prefix=prefix)


def test_address_has_no_empty_lines() -> None:
    creditor = Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich")
    assert creditor.address == ["CH-8005 Zürich"]
    assert Creditor(name="Rechenwerk AG").address == []
    assert Creditor(
        name="A", street="Quai", house_number="1", postal_code="1201", town="Genève"
    ).address == ["Quai 1", "CH-1201 Genève"]


@pytest.mark.parametrize("library", ["qrbill", "segno", "stdnum"])
def test_without_the_extra_the_error_names_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImproperlyConfigured) as info:
        runpy.run_path(libraries.__file__)
    assert str(info.value) == (
        f"Bank transfers need the library {library}: pip install 'django-payments-ui[qr]'"
    )
