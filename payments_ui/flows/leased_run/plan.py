"""Cutting a run into batches: ranges of payers' keys."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from payments_ui.conf import settings
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from payments_ui.core.runs.states import RunState
from payments_ui.exceptions import RunStoppedError
from payments_ui.flows.charge_payers import Options, payers_due

#: It comes after the code of every currency.
LAST_CURRENCY = "~"
# So many batches are planned with one query.
_AHEAD = 20


def start(*, rings: bool = False, resume: bool = False) -> Run:
    """The run that is open, or a new one, planned and running.

    Commands on several machines may call it at once: they get the same run. One that was
    interrupted goes on. ``rings``, whether the site's task queue tells workers of it, stays so
    once it is said. Raises ``RunStoppedError`` where a person has stopped the open run, unless
    told to ``resume`` it.
    """
    run = steering.begin(rings=rings)
    if rings and not run.rings:
        Run.objects.filter(pk=run.pk).update(rings=True)
    if resume:
        steering.resume(run)
    if run.state == RunState.STOPPED:
        raise RunStoppedError(f"The run of {run} was stopped: {run.note}")
    if run.state == RunState.PLANNING:
        _plan(run)
        steering.go(run, RunState.PLANNING)
        steering.finish(run)
    elif run.state == RunState.INTERRUPTED:
        steering.resume(run)
    run.refresh_from_db()
    return run


def key(text: str) -> Any:
    """A payer's key of its text, as batches store it; ``None`` for no text."""
    return get_user_model()._meta.pk.to_python(text) if text else None


def _plan(run: Run) -> None:
    """Add the batches that are missing; a second process that plans the same run does no harm."""
    while True:
        last = run.batches.order_by("-number").first()
        number, upto = (last.number + 1, last.upto) if last else (1, "")
        new = _batches(run, number, upto)
        if not new:
            return
        try:
            with transaction.atomic():
                RunBatch.objects.bulk_create(new)
        except IntegrityError:
            # Another process plans it, too: go on after what it has planned.
            continue


def _batches(run: Run, number: int, upto: str) -> list[RunBatch]:
    """The next batches: each ends with a user, and has all currencies of theirs."""
    size = settings.RUN_BATCH
    after = (key(upto), LAST_CURRENCY) if upto else None
    page = payers_due(options=Options(), after=after, size=size * _AHEAD)
    users = Counter(str(user_id) for user_id, _currency in page)
    new: list[RunBatch] = []
    for user, payers in users.items():
        if not new or new[-1].payers >= size:
            new.append(RunBatch(run=run, number=number + len(new), after=upto, payers=0))
        new[-1].payers += payers
        new[-1].upto = upto = user
    return new
