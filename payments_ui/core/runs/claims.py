"""At most one payment of a payer is charged in a run.

While a worker charges in the name of a run, whatever begins to charge a payment claims it, in the
transaction that begins. Elsewhere nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.db import IntegrityError

from payments_ui.exceptions import AlreadyTriedError

from .model import RunBatch, RunClaim

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment

_batch: ContextVar[RunBatch | None] = ContextVar("payments_ui_batch", default=None)


@contextmanager
def in_the_name_of(batch: RunBatch) -> Iterator[None]:
    """Charge in the name of this batch's run, in this thread, within the block."""
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)


def claim(payment: Payment) -> None:
    """Make this locked payment the one of its user and currency that the run charges.

    Raises ``AlreadyTriedError`` where another one is; the transaction has to be rolled back then.
    """
    batch = _batch.get()
    if batch is None:
        return
    whose = {"run_id": batch.run_id, "user_id": payment.user_id, "currency": payment.currency}
    claimed = RunClaim.objects.filter(**whose).values_list("payment", flat=True).first()
    if claimed is None:
        try:
            RunClaim.objects.create(**whose, batch_id=batch.pk, payment=payment.pk)
        except IntegrityError as error:
            # Whoever was faster had another payment, since this one is locked.
            raise _refusal(payment) from error
    elif claimed != payment.pk:
        raise _refusal(payment)


def _refusal(payment: Payment) -> AlreadyTriedError:
    return AlreadyTriedError(f"Another payment than {payment.pk} is charged in this run")
