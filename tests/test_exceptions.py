"""Errors: a type, a code, and a sentence a customer can act on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from payments_ui import exceptions
from payments_ui.exceptions import (
    AlreadyChargedError,
    InvalidAmountError,
    MoocherError,
    MoocherRefusedError,
    PaymentGoneError,
    PaymentStateError,
    PaymentsUIError,
)


def family(root: type[PaymentsUIError]) -> Iterator[type[PaymentsUIError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


OURS = [error for error in family(PaymentsUIError) if error.__module__ == exceptions.__name__]


@pytest.mark.parametrize("error", OURS)
def test_each_has_a_sentence_a_description_and_a_code(error: type[PaymentsUIError]) -> None:
    assert error.__doc__
    assert error.code.replace("_", "").islower()
    assert str(error.message).endswith(".")


def test_each_code_means_one_error() -> None:
    codes = [error.code for error in OURS]
    assert len(codes) == len(set(codes))


def test_the_detail_is_for_developers_and_the_message_for_customers() -> None:
    error = AlreadyChargedError("payment 7")
    assert (str(error), error.detail) == ("payment 7", "payment 7")
    assert "already paid" in str(error.message)
    assert "already paid" in str(AlreadyChargedError())


def test_a_moocher_says_itself_why_it_refuses() -> None:
    error = MoocherRefusedError("Available from CHF 5.00.")
    assert error.message == str(error) == "Available from CHF 5.00."
    assert MoocherError.message != error.message


def test_they_are_caught_by_kind() -> None:
    assert issubclass(PaymentGoneError, PaymentStateError)
    assert issubclass(InvalidAmountError, ValueError)
