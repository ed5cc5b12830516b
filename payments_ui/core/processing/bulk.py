"""Charging many payments without their users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Attempt, LineItem, Payment

from .payment import process_payment
from .result import Processor, StopProcessingError


def process_unbound_items(*, processors: Sequence[Processor]) -> None:
    """Create and process a payment for each user and currency with unbound items.

    One user's error does not stop the run: all errors are raised together at the end, as an
    ``ExceptionGroup``. A processor's ``StopProcessingError`` ends the run and is raised in
    that group, too. What a run leaves pending, because it was stopped or killed, is for
    ``process_pending_payments``. Queries per payment are constant.
    """

    def rows() -> Iterator[tuple[Any, Any, str]]:
        unbound = LineItem.objects.unbound().values_list("user_id", "currency", named=True)
        users = get_user_model()._default_manager
        for owed in batches(unbound.distinct(), "user_id", "currency"):
            found = users.in_bulk({row.user_id for row in owed})
            for row in owed:
                yield row.user_id, found.get(row.user_id), row.currency

    def process(user_id: Any, user: Any, currency: str) -> None:
        if user is None:
            raise ObjectDoesNotExist(f"User {user_id} is hidden by the user model's manager")
        payment = Payment.objects.create_pending(user=user, currency=currency)
        if payment is not None:
            process_payment(payment, processors=processors)

    _each("Processing of unbound line items", process, rows())


def process_pending_payments(*, processors: Sequence[Processor]) -> None:
    """Process all pending payments that no PSP is busy with, without cancelling them.

    Those with an open attempt are left to ``manage.py reconcile_payments``. Errors are
    raised together at the end, as an ``ExceptionGroup``; ``StopProcessingError`` as above.
    """
    idle = Payment.objects.pending().exclude(attempts__state__in=Attempt.OPEN)

    def process(pk: Any) -> None:
        # Read again: another process may have charged it or given it up by now.
        payment = idle.filter(pk=pk).first()
        if payment is not None:
            process_payment(payment, processors=processors, cancel_on_failure=False)

    keys = idle.values_list("created_at", "pk", named=True)
    found = batches(keys, "created_at", "pk")
    _each("Processing of pending payments", process, ((row.pk,) for rows in found for row in rows))


def _each(what: str, function: Callable[..., None], rows: Iterable[tuple[object, ...]]) -> None:
    errors: list[Exception] = []
    for row in rows:
        try:
            function(*row)
        except StopProcessingError as error:
            errors.append(error)
            break
        except Exception as error:  # noqa: BLE001 - collected, and raised below
            errors.append(error)
        failpoints.hit(Point.BULK_BETWEEN_USERS)
    if errors:
        raise ExceptionGroup(what, errors)
