"""Signals of payments that a process could not send before it died."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core import signals
from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.reconcile import reconcile
from payments_ui.testing.failpoints import at, raise_
from tests.core.support import bare, pending, started, stored


@pytest.fixture
def received() -> Iterator[list[tuple[str, str]]]:
    """Return the names of the signals that were sent, each with its payment's state then."""
    received: list[tuple[str, str]] = []
    listeners: dict[str, Callable[..., None]] = {}
    for name in ("payment_charged", "payment_cancelled", "payment_undone"):

        def listen(payment: Payment, name: str = name, **kwargs: Any) -> None:
            received.append((name, str(stored(payment).state)))

        listeners[name] = listen
        getattr(signals, name).connect(listen)
    yield received
    for name, listener in listeners.items():
        getattr(signals, name).disconnect(listener)


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "before", "sent", "is_kept"),
    [
        (cancel, None, ("payment_cancelled", "cancelled"), False),
        (cancel_asked, None, ("payment_cancelled", "cancelled"), True),
        (undo, save, ("payment_undone", "undone"), True),
        (save, None, ("payment_charged", "charged"), True),
    ],
)
def test_where_a_process_dies_the_signal_is_sent_again(
    change: Callable[[Payment], None],
    before: Callable[[Payment], None] | None,
    sent: tuple[str, str],
    is_kept: bool,
    user: User,
    received: list[tuple[str, str]],
) -> None:
    payment = pending(user, "5")
    if before is not None:
        before(payment)
    received.clear()
    died = at(Point.ANNOUNCE_AFTER_RECEIVER, raise_(KeyboardInterrupt))
    with died, pytest.raises(KeyboardInterrupt):
        change(stored(payment))
    assert reconcile().signals_sent == 0, "the process may be about to send"
    long_ago = timezone.now() - dt.timedelta(hours=1)
    bare(Payment).filter(signal_due_at__isnull=False).update(signal_due_at=long_ago)
    bare(Attempt).update(updated_at=long_ago)
    assert [reconcile().signals_sent for _time in range(2)] == [1, 0]
    assert received.count(sent) == 2
    assert Payment.all_objects.filter(pk=payment.pk).exists() == is_kept
