"""Card numbers, account numbers and secrets stay out of the books and of the log.

Answers of PSPs, reasons that people type and messages of exceptions may hold them. What is
recognised is replaced before it is stored, logged or mailed. References are left alone: they
are how money is found.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress

from django.utils.regex_helper import _lazy_re_compile

REMOVED = "[removed]"
#: Stands where something personal stood, once a user is anonymized.
ANONYMIZED = "anonymized"
#: A shorter secret would be found in harmless words.
_SHORTEST = 8

_CARD = _lazy_re_compile(
    r"(?<![0-9A-Za-z_])(?<![0-9A-Za-z]-)(?<!RF\d\d )"
    r"(?:4|5[0-8]|2[2-7]|3[0-9]|6[0-9])"
    r"(?:[0-9]{11,18}"
    r"|[0-9]{2,3}(?:[ -][0-9]{4}){2,3}[ -][0-9]{1,4}"
    r"|[0-9]{2}[ -][0-9]{6}[ -][0-9]{4,5})"
    r"(?![0-9A-Za-z]|-[0-9A-Za-z])",
    re.ASCII,
)
_IBAN = _lazy_re_compile(
    r"(?<![0-9A-Za-z])(?!RF)[A-Z]{2}[0-9]{2}"
    r"(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])",
    re.ASCII,
)
_KEY = _lazy_re_compile(r"\b(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{6,}", re.ASCII)
_NAME = (
    r"(?:cvc|cvv2?|csc|cvn|pin|authorization|(?:card|security)[_-]?code"
    r"|\w*(?:secret|password|passphrase|api[_-]?key))"
)
_NAMED = _lazy_re_compile(
    rf"\b({_NAME}\b[\"']?\s*[:=]\s*[\[('\"]*)(?:(?:Bearer|Basic) )?[^\s\[\](){{}}'\",;&]+", re.I
)
_ONLY_NAME = _lazy_re_compile(_NAME, re.I)

_EMAIL = _lazy_re_compile(r"[^\s\"'<>]+@[^\s\"'<>]+")

_secrets: set[str] = set()


def keep_secret(*texts: object) -> None:
    """Register what must never be written down: keys and passphrases of the site's moochers.

    Texts of less than eight characters are ignored.
    """
    _secrets.update(str(text) for text in texts if len(str(text)) >= _SHORTEST)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds what may not be kept."""
    return _ONLY_NAME.fullmatch(name) is not None


def redact(text: str) -> str:
    """Return the text without what must not be kept; of numbers the last four digits stay."""
    for secret in _secrets:
        text = text.replace(secret, REMOVED)
    text = _NAMED.sub(rf"\1{REMOVED}", text)
    text = _KEY.sub(REMOVED, text)
    text = _IBAN.sub(_without_iban, text)
    return _CARD.sub(_without_card, text)


def without_addresses(text: str) -> str:
    """Return the text without addresses of e-mail."""
    return _EMAIL.sub(ANONYMIZED, text)


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


class RedactionFilter(logging.Filter):
    """Redacts what is logged, the traceback too, before any handler sees it."""

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass; rewrite a record that holds what must not be kept."""
        # A record whose arguments do not fit is its handlers' to complain of.
        with suppress(TypeError, ValueError):
            message = record.getMessage()
            if (clean := redact(message)) != message:
                record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0]:
            traceback = self._formatter.formatException(record.exc_info)
            if (clean := redact(traceback)) != traceback:
                # The exception itself would bring the text back.
                record.exc_info, record.exc_text = None, clean
        return True


def watch_logs() -> None:
    """Redact what the kit logs from now on, and what Django logs of receivers that raise."""
    for name in ("payments_ui", "django.dispatch"):
        log = logging.getLogger(name)
        if not any(isinstance(known, RedactionFilter) for known in log.filters):
            log.addFilter(RedactionFilter())
