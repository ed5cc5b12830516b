"""What must not be kept is recognised in whatever others write, and nothing else is touched."""

from __future__ import annotations

import json
import logging

import pytest

from payments_ui.core.db.json_safe import storable
from payments_ui.core.privacy import redaction
from payments_ui.core.privacy.redaction import redact

CARDS = (
    *("4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "5555555555554444"),
    *("2223003122003222", "378282246310005", "3782 822463 10005", "30569309025904"),
    *("6011111111111117", "6304000000000000"),
)


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    # Those of the moochers of other tests.
    monkeypatch.setattr(redaction, "_secrets", set())


@pytest.mark.parametrize("number", CARDS)
def test_card_number_keeps_its_last_four_digits(number: str) -> None:
    gone = f"[card {number[-4:]}]"
    for text in ("{}", "paid with {}.", '{{"card": "{}"}}', "card={}&x=1", "{},", "exp 12 {}"):
        assert redact(text.format(number)) == text.format(gone)


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # a digit is wrong
        "ch_4242424242424242",
        "a4242424-2424-4242-4242-424242424242",
        "1234567812345670",  # no card begins so
        "42424242424242424242424242",
        "RF18 5390 0754 7034",
        "21 00000 00003 13947 14300 09017",
        "CHF 4242.42",
        "CH44 3199 9123 0008 8901 3",  # its check digits are wrong
        "cvc_check: pass",
        "the pins: 3",
    ],
)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("number", ["CH4431999123000889012", "DE89 3704 0044 0532 0130 00"])
def test_account_number_keeps_its_last_four_characters(number: str) -> None:
    end = number.replace(" ", "")[-4:]
    assert redact(f"from {number}, thanks") == f"from [account {end}], thanks"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("{'cvc': ['123'], 'id': ['9']}", "{'cvc': ['[removed]'], 'id': ['9']}"),
        ('{"CVV2": "123"}', '{"CVV2": "[removed]"}'),
        ("client_secret=pi_1_secret_x&b=2", "client_secret=[removed]&b=2"),
        ("Authorization: Bearer abc.def", "Authorization: [removed]"),
        ("my password: hunter22", "my password: [removed]"),
        ("sk_live_51HabcDEF failed", "[removed] failed"),
        ("whsec_abcdef123", "[removed]"),
    ],
)
def test_secrets_are_known_by_name_and_by_shape(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_secrets_of_moochers_are_known_by_heart() -> None:
    redaction.keep_secret("the key of the shop", "short")
    assert redact("the key of the shop is short") == "[removed] is short"


def test_evidence_loses_secrets_by_name_and_numbers_by_value() -> None:
    kept = storable({"id": "ch_1", "cvc": 123, "card": {"number": CARDS[0], "last4": 4242}})
    assert kept == {
        "id": "ch_1",
        "cvc": "[removed]",
        "card": {"number": "[card 4242]", "last4": 4242},
    }
    assert storable([int(CARDS[0]), True, -1]) == ["[card 4242]", True, -1]
    assert json.dumps(storable({CARDS[0]: None})) == '{"[card 4242]": null}'


def test_log_and_traceback_are_clean(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("payments_ui")
    log.error("Card %s for %s", CARDS[0], "Ada")
    try:
        raise RuntimeError(f"declined {CARDS[0]}")
    except RuntimeError:
        log.exception("It failed")
    assert "4242424" not in caplog.text
    assert "Card [card 4242] for Ada" in caplog.text
    assert "RuntimeError: declined [card 4242]" in caplog.text


def test_harmless_records_stay_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("nothing")
    logging.getLogger("payments_ui").error("%s failed", "It", exc_info=error)
    record = caplog.records[-1]
    assert record.args == ("It",)
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_record_that_cannot_be_formatted_harms_nobody() -> None:
    record = logging.LogRecord("payments_ui", logging.ERROR, "", 1, "%d %s", ("x",), None)
    assert redaction.RedactionFilter().filter(record)


def test_the_log_is_watched_once() -> None:
    log = logging.getLogger("payments_ui")
    redaction.watch_logs()
    assert [type(one) for one in log.filters].count(redaction.RedactionFilter) == 1
