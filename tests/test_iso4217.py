"""Our table of currencies is list one of ISO 4217, whatever Babel and other packages say."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from babel import core as babel_core
from django.utils.translation import override
from iso4217 import raw_xml

from payments_ui import money
from payments_ui.core.checks import check_settings
from payments_ui.core.rules.currencies import by_minor_unit, codes
from payments_ui.exceptions import InvalidCurrencyError
from payments_ui.iso4217 import DECIMALS

#: Of list one, with decimals and not marked as a fund, and no money all the same.
UNITS_OF_ACCOUNT = {
    "UYW",  # Unidad Previsional
    "XAD",  # Arab Accounting Dinar
}


def list_one() -> dict[str, int]:
    """Return the decimals of each currency of list one that is money."""
    found = {}
    for entry in raw_xml.iter("CcyNtry"):
        code, decimals = entry.findtext("Ccy"), entry.findtext("CcyMnrUnts")
        name = entry.find("CcyNm")
        is_fund = name is not None and name.get("IsFund", "").strip().lower() == "true"
        if code and decimals and decimals.isdigit() and not is_fund:
            found[code] = int(decimals)
    return {code: decimals for code, decimals in found.items() if code not in UNITS_OF_ACCOUNT}


def test_each_currency_of_list_one_has_its_decimals() -> None:
    """Red with a new list one: see ``payments_ui/iso4217.py``, before anything is changed there."""
    ours = {code: DECIMALS.get(code) for code in list_one()}
    assert ours == list_one()


def test_codes_are_those_of_the_list_of_2026_and_never_fewer() -> None:
    """A code that was money once is in somebody's books."""
    assert len(DECIMALS) >= 155
    assert list(DECIMALS) == sorted(DECIMALS)
    assert set(DECIMALS.values()) == {0, 2, 3}


@pytest.mark.parametrize(
    "code",
    [
        *("XXX", "XTS"),  # no currency, and testing
        *("XAU", "XAG", "XPT", "XPD"),  # metals
        *("XDR", "XSU", "XUA", "XAD", "XBA", "XBB", "XBC", "XBD"),  # units of account, and bonds
        *("BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"),  # funds
        *("DEM", "HRK", "ZWL", "BTC"),  # withdrawn, and none of ISO's
    ],
)
def test_a_code_that_is_no_money_is_refused(code: str, settings: object) -> None:
    assert not money.is_currency(code)
    with pytest.raises(InvalidCurrencyError):
        money.minor_unit(code)
    settings.PAYMENTS_UI = {"CURRENCY": code}  # type: ignore[attr-defined]
    assert [problem.id for problem in check_settings()] == ["payments_ui.E004"]


#: Of which CLDR shows other decimals, or did.
SHOWN_OTHERWISE = (
    *("AFN", "ALL", "COP", "HUF", "IDR", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK"),
    *("PKR", "RSD", "SOS", "SYP", "TZS", "UZS", "YER"),
)


@pytest.mark.parametrize("code", SHOWN_OTHERWISE)
def test_decimals_are_isos_where_cldr_shows_others(code: str) -> None:
    decimals = list_one()[code]
    amount = Decimal("1234.5").quantize(Decimal(1).scaleb(-decimals))
    assert money.minor_unit(code) == decimals
    assert money.to_minor_units(amount, code) == 12345 * 10 ** (decimals - 1)
    with override("en"):
        assert money.format_amount(amount, code).endswith("1,234.50" + "0" * (decimals - 2))


@pytest.fixture
def another_cldr() -> Iterator[None]:
    """Babel knows one currency less, and each of the others has four decimals."""
    data: Any = babel_core.get_global("currency_fractions")
    known: Any = babel_core.get_global("all_currencies")
    before, names = copy.deepcopy(data), dict(known)
    data.update(dict.fromkeys(DECIMALS, (4, 0, 4, 0)))
    del known["CHF"]
    money._format.cache_clear()
    yield
    data.clear()
    data.update(before)
    known.update(names)
    money._format.cache_clear()


@pytest.mark.usefixtures("another_cldr")
@pytest.mark.parametrize(
    ("code", "amount", "units", "text"),
    [
        *(("CHF", "12.5", 1250, "CHF 12.50"), ("HUF", "12.5", 1250, "HUF 12.50")),
        *(("JPY", "500", 500, "¥500"), ("KWD", "1.5", 1500, "KWD 1.500")),
    ],
)
def test_another_babel_changes_no_amount(code: str, amount: str, units: int, text: str) -> None:
    assert money.to_minor_units(Decimal(amount), code) == units
    assert money.round_amount(Decimal(amount), code) == Decimal(amount)
    with override("en"):
        assert money.format_amount(Decimal(amount), code) == text.replace(" ", "\u00a0")


@pytest.mark.usefixtures("another_cldr")
def test_another_babel_changes_no_trigger_and_no_auditor() -> None:
    assert codes() == list(DECIMALS)
    by_minor_unit.cache_clear()
    assert "'CHF'" not in by_minor_unit("1", "0.001", "0.01")
    assert "'JPY'" in by_minor_unit("1", "0.001", "0.01")
