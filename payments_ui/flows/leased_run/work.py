"""What a worker does: take a batch, charge its payers one after the other, take the next."""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from payments_ui.conf import settings
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.processing import Outcome, Processor, StopProcessingError
from payments_ui.core.runs import claims, leases, steering
from payments_ui.core.runs.counting import recounted
from payments_ui.flows import look_ahead, processors
from payments_ui.flows.charge_payers import Options, charge, each_payer, next_payment
from payments_ui.flows.look_ahead import Payer

from .plan import LAST_CURRENCY, key

logger = logging.getLogger("payments_ui")

#: Seconds between two looks at whether the run was stopped, or whether a batch is free again; so
#: often a worker writes down what it did.
LOOK = 2.0
# Of the first batches that are free workers choose by chance, so that they seldom want the same.
_CHOICE = 16


def work(run: Run, *, tell: Callable[[], None] = lambda: None) -> None:
    """Work on the run until it is done, or stands still. Any number of processes may, at once.

    A batch whose worker died is taken when its lease runs out. ``tell`` is called now and then.
    """
    listed = processors.listed()
    while steering.is_running(run):
        batch = _next(run)
        if batch is not None:
            work_on(batch, listed, tell=tell)
        elif not steering.finish(run):
            time.sleep(LOOK * random.uniform(0.5, 1))  # noqa: S311 - so that they do not meet
        tell()


def work_on(
    batch: RunBatch,
    listed: Sequence[Processor],
    *,
    seconds: float = float("inf"),
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Charge the payers of a leased batch, for so many seconds; then it is free for the next."""
    begun = kept = time.monotonic()
    done = leases.Done()
    for user_id, currency, payer in look_ahead.each(_payers(batch), listed):
        now = time.monotonic()
        # By time and not by payer it holds the batch for longer, and writes down what it did.
        if now - kept > min(LOOK, settings.RUN_LEASE / 3):
            kept = now
            tell()
            if not leases.keep(batch, done, seconds=settings.RUN_LEASE):
                logger.warning("Batch %s of the run of %s is another's", batch.number, batch.run)
                return
            if not steering.is_running(batch.run):
                break
        if now - begun > seconds:
            break
        try:
            counted = _charge(batch, listed, user_id, currency, payer)
        except StopProcessingError as error:
            logger.error("The run of %s is interrupted: %s", batch.run, error)
            steering.interrupt(batch.run, why=str(error))
            break
        done.add(user_id, currency, *counted)
        if "errors" in counted:
            # At once: where it was the database's, this fails, too, and the payer has another turn.
            kept = float("-inf")
        failpoints.hit(Point.BULK_BETWEEN_USERS)
    else:
        _end(batch, done)
        return
    leases.give_back(batch, done)


def _end(batch: RunBatch, done: leases.Done) -> None:
    if leases.end(batch, done, recounted(batch)):
        steering.finish(batch.run)


def _charge(
    batch: RunBatch,
    listed: Sequence[Processor],
    user_id: Any,
    currency: str,
    payer: Payer | None,
) -> Sequence[str]:
    """Charge one payer; return what to count of them."""
    try:
        with claims.in_the_name_of(batch):
            found = next_payment(user_id, currency, processors=listed, payer=payer)
            outcome = found if isinstance(found, Outcome) else charge(found, processors=listed)
    except StopProcessingError:
        raise
    except Exception:
        logger.exception("Charging user %s failed; the run goes on with the next one", user_id)
        return ["errors"]
    return [] if outcome is Outcome.SKIPPED else [str(outcome)]


def take(batch_pk: Any) -> RunBatch | None:
    """Lease a batch to this process, if it is free."""
    by = f"{socket.gethostname()} {os.getpid()}"
    return leases.take(batch_pk, seconds=settings.RUN_LEASE, by=by)


def _next(run: Run) -> RunBatch | None:
    free = RunBatch.objects.free().filter(run=run).order_by("number")
    found = list(free.values_list("pk", flat=True)[:_CHOICE])
    return take(random.choice(found)) if found else None  # noqa: S311


def _payers(batch: RunBatch) -> Iterator[tuple[Any, str]]:
    after: tuple[Any, str] | None = None
    if batch.cursor:
        after = (key(batch.cursor), batch.cursor_currency)
    elif batch.after:
        # After all currencies of that user.
        after = (key(batch.after), LAST_CURRENCY)
    return each_payer(options=Options(), after=after, upto=key(batch.upto))
