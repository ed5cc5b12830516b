"""The codes are tested as customers use them: drawn, then read by a scanner we did not write."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
import resvg_py
import zxingcpp
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import translation
from PIL import Image

from payments_ui.moochers.banktransfer import Account, Creditor, qr_codes

CREDITOR = Creditor(
    name="Rechenwerk Genève AG",
    street="Gießereistrasse",
    house_number="12a",
    postal_code="8005",
    town="Zürich",
)
QR_ACCOUNT = Account("CH44 3199 9123 0008 8901 2")
SWISS_ACCOUNT = Account("CH93 0076 2011 6238 5295 7")
GERMAN_ACCOUNT = Account("DE89 3704 0044 0532 0130 00")
QR_REFERENCE = "210000000003139471430009017"
CREDITOR_REFERENCE = "RF18539007547034"
SVG = "{http://www.w3.org/2000/svg}"


def make(
    account: Account,
    amount: str = "199.95",
    currency: str = "CHF",
    reference: str = CREDITOR_REFERENCE,
    creditor: Creditor = CREDITOR,
) -> qr_codes.Code:
    return qr_codes.make(
        account=account,
        creditor=creditor,
        amount=Decimal(amount),
        currency=currency,
        reference=reference,
    )


def draw(code: qr_codes.Code) -> str:
    return render_to_string("payments_ui/moochers/banktransfer_code.html", {"code": code})


def picture(svg: str, dpi: int) -> Image.Image:
    return Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, dpi=dpi)))


def scan(code: qr_codes.Code, dpi: int = 96) -> zxingcpp.Barcode:
    [barcode] = zxingcpp.read_barcodes(picture(draw(code), dpi))
    return barcode


def test_swiss_code_is_a_qr_bill_with_structured_address_and_qr_reference() -> None:
    """Element by element as in the Swiss Implementation Guidelines QR-bill 2.3."""
    payload = scan(make(QR_ACCOUNT, reference=QR_REFERENCE)).text.split("\r\n")
    header, account, creditor = payload[:3], payload[3], payload[4:11]
    final_creditor, amount, debtor = payload[11:18], payload[18:20], payload[20:27]
    assert header == ["SPC", "0200", "1"]
    assert account == "CH4431999123000889012"
    assert creditor == [
        *("S", "Rechenwerk Genève AG", "Gießereistrasse", "12a", "8005", "Zürich", "CH")
    ]
    assert final_creditor == [""] * 7
    assert amount == ["199.95", "CHF"]
    assert debtor == [""] * 7
    assert payload[27:] == ["QRR", QR_REFERENCE, "", "EPD"]


def test_swiss_account_that_is_no_qr_iban_takes_a_creditor_reference() -> None:
    payload = scan(make(SWISS_ACCOUNT)).text.split("\r\n")
    assert payload[3] == "CH9300762011623852957"
    assert payload[27:] == ["SCOR", CREDITOR_REFERENCE, "", "EPD"]


def test_euros_to_a_swiss_account_are_a_qr_bill_too() -> None:
    payload = scan(make(SWISS_ACCOUNT, currency="EUR")).text.split("\r\n")
    assert payload[0] == "SPC"
    assert payload[18:20] == ["199.95", "EUR"]


def test_euro_code_is_an_epc_code_version_002() -> None:
    """Line by line as in EPC069-12: no BIC inside of the EEA, structured reference, no text."""
    payload = scan(make(GERMAN_ACCOUNT, currency="EUR")).text
    assert payload.split("\n") == [
        *("BCD", "002", "1", "SCT", "", "Rechenwerk Genève AG", "DE89370400440532013000"),
        *("EUR199.95", "", CREDITOR_REFERENCE),
    ]
    assert len(payload.encode()) <= 331


def test_epc_code_names_the_bank_where_it_has_to() -> None:
    account = Account("GB29 NWBK 6016 1331 9268 19", bic="NWBKGB2L")
    assert scan(make(account, currency="EUR")).text.split("\n")[4] == "NWBKGB2L"


@pytest.mark.parametrize(("account", "currency"), [(SWISS_ACCOUNT, "CHF"), (GERMAN_ACCOUNT, "EUR")])
@pytest.mark.parametrize("amount", ["0.01", "0.10", "12.00", "100.00", "1234567.5", "999999999.99"])
def test_scanned_amount_is_the_amount_to_the_cent(
    account: Account, currency: str, amount: str
) -> None:
    text = scan(make(account, amount, currency)).text
    [scanned] = re.findall(r"^(?:EUR)?([0-9]+(?:\.[0-9]{1,2})?)\r?$", text, re.M)[-1:]
    if currency == "CHF":
        scanned = text.split("\r\n")[18]
        assert re.fullmatch(r"[0-9]+\.[0-9]{2}", scanned)
    assert Decimal(scanned) == Decimal(amount)


@pytest.mark.parametrize(("account", "currency"), [(SWISS_ACCOUNT, "CHF"), (GERMAN_ACCOUNT, "EUR")])
def test_error_correction_is_m_as_both_standards_want(account: Account, currency: str) -> None:
    assert scan(make(account, currency=currency)).ec_level == "M"


def test_longest_creditor_with_letters_of_all_neighbours_is_read_on_a_plain_screen() -> None:
    creditor = Creditor(
        name="Ștefan Çelik Łódź Ångström Ünal Œuvre Ñandú Đorđe Ţară & Žižka S.à.r.l."[:70],
        street="ÄÖÜäöüéèêàâçñßøåæœ" * 3,
        house_number="1234567890abcdef",
        postal_code="1234567890",
        town="Saint-Légier-La Chiésaz-Préverenges",
        country="CH",
    )
    payload = scan(make(QR_ACCOUNT, reference=QR_REFERENCE, creditor=creditor)).text
    assert payload.split("\r\n")[5:7] == [creditor.name, creditor.street]


def test_only_the_swiss_code_wears_the_swiss_cross() -> None:
    swiss, euro = make(SWISS_ACCOUNT), make(GERMAN_ACCOUNT, currency="EUR")
    assert swiss.cross
    assert not euro.cross
    assert len(ElementTree.fromstring(draw(swiss)).findall(f"{SVG}g/{SVG}path")) == 3  # noqa: S314
    assert ElementTree.fromstring(draw(euro)).find(f"{SVG}g") is None  # noqa: S314


def test_cross_is_7_mm_in_the_middle_of_46_mm_in_5_mm_of_white() -> None:
    """Measured on the picture, at 100 dots a millimetre."""
    image = picture(draw(make(QR_ACCOUNT, reference=QR_REFERENCE)), dpi=2540).convert("L")
    middle = image.width // 2
    row = [image.getpixel((x, middle)) for x in range(image.width)]
    assert row[middle] == 255
    arm = next(x for x in range(middle, image.width) if row[x] == 0) - middle
    assert arm == pytest.approx(3.889 / 2 * 100, abs=3)
    edge = next(x for x in range(middle + arm, image.width) if row[x] == 255) - middle
    assert edge == pytest.approx(300, abs=3)
    corner = image.crop((middle - 350, middle - 350, middle + 350, middle + 350))
    border = [corner.getpixel((x, 20)) for x in range(5, 695)]
    assert set(border) == {255}
    left, top, right, bottom = image.point(lambda p: 255 - p).getbbox() or (0, 0, 0, 0)
    assert right - left == pytest.approx(4600, abs=4)
    assert bottom - top == pytest.approx(4600, abs=4)
    assert min(left, top, image.width - right, image.height - bottom) >= 500


def test_picture_needs_no_style_and_no_script_so_that_a_strict_csp_holds() -> None:
    root = ElementTree.fromstring(draw(make(SWISS_ACCOUNT)))  # noqa: S314 - our own template
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert tags == {"svg", "rect", "path", "g"}
    assert "style" not in attributes
    assert not any(name.startswith("on") or "href" in name for name in attributes)


def test_picture_has_a_name_for_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(draw(make(SWISS_ACCOUNT)))  # noqa: S314 - our own template
    assert root.get("role") == "img"
    assert "QR code" in root.get("aria-label", "")


def test_white_reaches_every_edge_so_that_dark_pages_do_no_harm() -> None:
    image = picture(draw(make(GERMAN_ACCOUNT, currency="EUR")), dpi=96).convert("RGBA")
    last = image.width - 1
    corners = {image.getpixel((x, y)) for x in (0, last) for y in (0, last)}
    assert corners == {(255, 255, 255, 255)}


@override_settings(USE_THOUSAND_SEPARATOR=True)
def test_numbers_in_the_picture_ignore_the_language() -> None:
    code = make(SWISS_ACCOUNT)
    with translation.override("en"):
        english = draw(code)
    with translation.override("de"):
        german = draw(code)
    label = re.compile(r'aria-label="[^"]*"')
    assert label.sub("", german) == label.sub("", english)


@pytest.mark.parametrize("amount", ["0", "0.001", "-1", "1000000000"])
def test_amounts_beyond_the_standards_have_no_code(amount: str) -> None:
    with pytest.raises(ValueError, match=r"is not between 0\.01 and 999999999\.99"):
        make(SWISS_ACCOUNT, amount)


@pytest.mark.parametrize("name", ["株式会社", "Rechen\nwerk", "Rechenwerk 🧮"])
def test_letters_that_banks_do_not_take_have_no_code(name: str) -> None:
    with pytest.raises(ValueError, match="characters that banks do not take"):
        make(SWISS_ACCOUNT, creditor=Creditor(name=name, postal_code="8005", town="Zürich"))


def test_francs_need_an_account_in_switzerland_or_liechtenstein() -> None:
    with pytest.raises(ValueError, match="CHF needs an account in CH or LI"):
        make(GERMAN_ACCOUNT)


def test_account_outside_of_the_eea_needs_a_bic_for_its_code() -> None:
    with pytest.raises(ValueError, match="name the bank by its bic"):
        make(Account("GB29 NWBK 6016 1331 9268 19"), currency="EUR")


def test_swiss_code_needs_the_address() -> None:
    with pytest.raises(ValueError, match="creditor address"):
        make(SWISS_ACCOUNT, creditor=Creditor(name="Rechenwerk AG"))
