"""Card numbers, account numbers and secrets stay out of the books and of the log.

Answers of PSPs, reasons that people type and messages of exceptions are written by others.
What is recognised in them is replaced before it is stored, logged or mailed. References are
left alone: they are how money is found.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import Any

REMOVED = "[removed]"
#: A shorter secret would be found in harmless words.
_SHORTEST = 8

_CARD = re.compile(
    r"(?<![0-9A-Za-z_])(?<![0-9A-Za-z]-)(?<!RF\d\d )"
    r"(?:4|5[0-8]|2[2-7]|3[0-9]|6[0-9])"
    r"(?:[0-9]{11,18}"
    r"|[0-9]{2,3}(?:[ -][0-9]{4}){2,3}[ -][0-9]{1,4}"
    r"|[0-9]{2}[ -][0-9]{6}[ -][0-9]{4,5})"
    r"(?![0-9A-Za-z]|-[0-9A-Za-z])",
    re.ASCII,
)
_IBAN = re.compile(
    r"(?<![0-9A-Za-z])(?!RF)[A-Z]{2}[0-9]{2}"
    r"(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])",
    re.ASCII,
)
_KEY = re.compile(r"\b(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{6,}", re.ASCII)
_NAME = (
    r"(?:cvc|cvv2?|csc|cvn|pin|authorization|(?:card|security)[_-]?code"
    r"|\w*(?:secret|password|passphrase|api[_-]?key))"
)
_NAMED = re.compile(
    rf"\b({_NAME}\b[\"']?\s*[:=]\s*[\[('\"]*)(?:(?:Bearer|Basic) )?[^\s\[\](){{}}'\",;&]+", re.I
)
_ONLY_NAME = re.compile(_NAME, re.I)

_secrets: set[str] = set()


def keep_secret(*texts: object) -> None:
    """Say what must never be written down: keys and passphrases of the site's moochers.

    Short ones are not looked for.
    """
    _secrets.update(str(text) for text in texts if len(str(text)) >= _SHORTEST)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds what nobody may keep."""
    return _ONLY_NAME.fullmatch(name) is not None


def scrubbed(text: str) -> str:
    """The text without what must not be kept; of numbers the last four digits stay."""
    for secret in _secrets:
        text = text.replace(secret, REMOVED)
    text = _NAMED.sub(rf"\1{REMOVED}", text)
    text = _KEY.sub(REMOVED, text)
    text = _IBAN.sub(_without_iban, text)
    return _CARD.sub(_without_card, text)


def _without_card(found: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", found[0])
    return f"[card {digits[-4:]}]" if _is_luhn(digits) else found[0]


def _without_iban(found: re.Match[str]) -> str:
    text = found[0].replace(" ", "")
    number = "".join(str(int(char, 36)) for char in text[4:] + text[:4])
    return f"[account {text[-4:]}]" if int(number) % 97 == 1 else found[0]


def _is_luhn(digits: str) -> bool:
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


class Scrubber(logging.Filter):
    """Cleans what is logged, the traceback too, before any handler sees it."""

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass; one that tells too much is rewritten."""
        # A record whose arguments do not fit is its handlers' to complain of.
        with suppress(TypeError, ValueError):
            self._scrub_message(record)
        if record.exc_info and record.exc_info[0]:
            self._scrub_traceback(record, record.exc_info)
        return True

    def _scrub_message(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if (clean := scrubbed(said)) != said:
            record.msg, record.args = clean, ()

    def _scrub_traceback(self, record: logging.LogRecord, exc_info: Any) -> None:
        said = self._formatter.formatException(exc_info)
        if (clean := scrubbed(said)) != said:
            # The exception itself would bring the text back.
            record.exc_info, record.exc_text = None, clean


def watch_logs() -> None:
    """Clean what the kit logs from now on, and what Django logs of receivers that raise."""
    for name in ("payments_ui", "django.dispatch"):
        log = logging.getLogger(name)
        if not any(isinstance(known, Scrubber) for known in log.filters):
            log.addFilter(Scrubber())
