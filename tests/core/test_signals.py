"""Signals: each change of a payment is reported once, after the commit, and again after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.dispatch import Signal
from django.utils import timezone
from mooch.signals import post_charge

from payments_ui.core import signals
from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.models import Payment
from tests.core.support import money_of, pending, started, stored

pytestmark = pytest.mark.django_db

NAMES = ("payment_charged", "payment_cancelled", "payment_undone")


@pytest.fixture
def received() -> Iterator[list[tuple[str, str]]]:
    """Return the names of the signals that were sent, each with its payment's state then."""
    received: list[tuple[str, str]] = []
    every: dict[str, Signal] = {name: getattr(signals, name) for name in NAMES}
    every["post_charge"] = post_charge
    listeners: list[tuple[Signal, Callable[..., None]]] = []
    for name, signal in every.items():

        def listen(payment: Payment, name: str = name, **kwargs: Any) -> None:
            received.append((name, str(stored(payment).state)))

        signal.connect(listen)
        listeners.append((signal, listen))
    yield received
    for signal, listener in listeners:
        signal.disconnect(listener)


def charge(payment: Payment) -> None:
    attempt = started(payment)
    attempt.record(money_of(attempt))


def save(payment: Payment) -> None:
    payment.charged_at = timezone.now()
    payment.save()


def cancel(payment: Payment) -> None:
    payment.cancel_pending()


def cancel_asked(payment: Payment) -> None:
    started(payment).record(Cancelled())
    payment.cancel_pending()


def undo(payment: Payment) -> None:
    payment.undo(force=True, reason="wrong person")


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (charge, [("post_charge", "charged"), ("payment_charged", "charged")]),
        (save, [("payment_charged", "charged")]),
        (cancel, [("payment_cancelled", "cancelled")]),
        (cancel_asked, [("payment_cancelled", "cancelled")]),
    ],
)
def test_each_change_is_reported_once_after_the_commit(
    change: Callable[[Payment], None],
    sent: list[tuple[str, str]],
    user: User,
    received: list[tuple[str, str]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    payment = pending(user, "5")
    with django_capture_on_commit_callbacks(execute=True):
        change(payment)
        assert received == []
    assert received == sent


def test_undoing_is_reported(
    user: User, received: list[tuple[str, str]], django_capture_on_commit_callbacks: Any
) -> None:
    payment = pending(user, "5")
    charge(payment)
    with django_capture_on_commit_callbacks(execute=True):
        undo(stored(payment))
    assert received == [("payment_undone", "undone")]


def test_a_receiver_that_raises_keeps_no_payment_from_being_forgotten(
    user: User, django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no mail server")

    payment = pending(user, "5")
    signals.payment_cancelled.connect(broken)
    with django_capture_on_commit_callbacks(execute=True):
        payment.cancel_pending()
    signals.payment_cancelled.disconnect(broken)
    assert not Payment.all_objects.exists()
    assert str(payment.pk) in caplog.text
