"""What is read of payers before one is charged: of many at once, and never long ago.

It says who is worth a payment, and which. What decides about money is asked again where it is
locked: whether line items are unbound, whether the payment is pending, whether its user is active,
their payment method in use, and what was declined.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db import router
from django.db.models import Exists, OuterRef

from payments_ui.core import clock
from payments_ui.core.billing import owed
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.processing import Processor

from . import processors as processor_room

logger = logging.getLogger("payments_ui")

#: So many payers are read at once.
AHEAD = 50
#: Seconds after which what was read of a payer is read again.
FRESH = 10.0
#: For so long a payment that a person began is theirs: they may be about to pay it.
TIME_TO_PAY = dt.timedelta(hours=1)

#: A user's key and a currency.
Key = tuple[Any, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """What was read of a user and a currency."""

    user_id: Any
    currency: str
    #: ``None`` where the user model's manager hides them.
    found: Any
    #: Of their pending payments that new charges wait for: an open one, else the oldest.
    payment: Any
    unbound: owed.Unbound | None

    @property
    def user(self) -> Any:
        """The user; raises ``ObjectDoesNotExist`` where they are hidden, and nothing is begun."""
        if self.payment is not None:
            return self.payment.user
        if self.found is None:
            raise ObjectDoesNotExist(f"User {self.user_id} is hidden by the user model's manager")
        return self.found


def each(
    keys: Iterable[Key], processors: Sequence[Processor]
) -> Iterator[tuple[Any, str, Payer | None]]:
    """Each user and currency, with what was read of them a moment ago.

    ``None`` where that failed: then each is to be read by itself, so that it is known whose error
    it is.
    """
    waiting = iter(keys)
    while page := list(islice(waiting, AHEAD)):
        known: Mapping[Key, Payer] = {}
        until = float("-inf")
        for at, (user_id, currency) in enumerate(page):
            if time.monotonic() > until:
                known = _try_to_read(page[at:], processors)
                until = time.monotonic() + FRESH
            yield user_id, currency, known.get((user_id, currency))


def read(keys: Sequence[Key], processors: Sequence[Processor]) -> dict[Key, Payer]:
    """What is to be known of these, for all of them at once. Four queries."""
    users = {user_id for user_id, _currency in keys}
    pending = _pending(users)
    unbound = owed.unbound(users)
    model = get_user_model()
    # Not by a replica, which may not know yet who has left.
    found = model._default_manager.using(router.db_for_write(model)).in_bulk(users)
    processor_room.look_at(processors, found)
    return {
        key: Payer(
            user_id=key[0],
            currency=key[1],
            found=found.get(key[0]),
            payment=pending.get(key),
            unbound=unbound.get(key),
        )
        for key in keys
    }


def _try_to_read(keys: Sequence[Key], processors: Sequence[Processor]) -> Mapping[Key, Payer]:
    try:
        return read(keys, processors)
    except Exception:
        logger.exception("%s payers could not be read at once: each is by itself", len(keys))
        return {}


def _pending(users: Collection[Any]) -> Mapping[Key, Payment]:
    """The pending payment of each user and currency that is charged, or waited for, if any."""
    attempts = Attempt.objects.filter(payment=OuterRef("pk"))
    rows = Payment.objects.pending().filter(user__in=users)
    rows = rows.annotate(is_open=Exists(attempts.open()), is_asked=Exists(attempts))
    # Those with an open attempt first: then all of the user's wait.
    rows = rows.select_related("user", "recovery").order_by("-is_open", "created_at", "pk")
    first: dict[Key, Payment] = {}
    left_at = clock.now() - TIME_TO_PAY
    payment: Any
    for payment in rows:
        # Below the least that is billed, and its user has not asked to pay it.
        is_too_little = 0 < payment.amount < owed.least(payment.currency) and not payment.is_asked
        payment.is_too_little = is_too_little
        # What a customer has begun and left at that keeps no charges waiting.
        if not is_too_little or payment.created_at >= left_at:
            first.setdefault((payment.user_id, payment.currency), payment)
    return first
