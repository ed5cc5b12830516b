"""Charging everybody who agreed to it, one payer after the other: what a night is made of.

Anything here may be killed, repeated and run twice at once: payments are made by claiming line
items, and tried through attempts, of which the database lets one be open.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.utils import timezone

from payments_ui import money
from payments_ui.core import clock
from payments_ui.core.billing import owed
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.models import JournalEntry, Mail, Payment
from payments_ui.core.processing import Outcome, Processor, StopProcessingError, process_payment
from payments_ui.core.recoveries import due

from . import look_ahead
from . import processors as processor_room
from .charge_unattended import may_be_charged
from .command_result import CommandResult
from .look_ahead import TIME_TO_PAY, Payer

logger = logging.getLogger("payments_ui")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is restricted to; JSON."""

    currency: str = ""
    #: The primary key of the one user, as text.
    user: str = ""

    def as_dict(self) -> dict[str, str]:
        """For storing: ``Options(**options.as_dict())`` is the same."""
        return asdict(self)


@dataclass
class NightResult(CommandResult):
    """What a night did: payers, by currency; those with a payment to charge; what became of it."""

    payers: int = 0
    due: int = 0
    charged: int = 0
    declined: int = 0
    open: int = 0
    asked: int = 0
    #: Payers who are tried again, but not at this hour of their day.
    later: int = 0
    #: Payers who owe, and whose user is not active.
    inactive: int = 0
    skipped: int = 0
    #: Mails to customers.
    mails: int = 0
    #: Why it ended before its time, or empty.
    stopped: str = ""

    @property
    def problems(self) -> list[str]:
        """What could not be done, for people."""
        return [*([self.stopped] if self.stopped else []), *super().problems]

    def count(self, outcome: Outcome) -> None:
        """Count what became of one payment."""
        setattr(self, str(outcome), getattr(self, str(outcome)) + 1)


def payers_due(
    *, options: Options, after: tuple[Any, str] | None = None, upto: Any = None, size: int = 500
) -> list[tuple[Any, str]]:
    """Users and currencies that are worth a look; see ``owed.payers``."""
    user = options.user or None
    return owed.payers(user=user, currency=options.currency, after=after, upto=upto, size=size)


def each_payer(
    *, options: Options, after: tuple[Any, str] | None = None, upto: Any = None
) -> Iterator[tuple[Any, str]]:
    """All of ``payers_due``, read a page at a time."""
    while page := payers_due(options=options, after=after, upto=upto):
        yield from page
        after = page[-1]


def next_payment(
    user_id: Any,
    currency: str,
    *,
    processors: Sequence[Processor],
    dry_run: bool = False,
    payer: Payer | None = None,
) -> Payment | Outcome:
    """The payment of this user to charge now: one that is pending, or a new one.

    Or what becomes of the user without one. While a payment is not paid, the user's new charges
    wait. A new one is made if a processor ``serves`` the user, and it is their day. May run in the
    caller's transaction. ``payer`` is what was read of them a moment ago; else they are read now.
    With ``dry_run`` a new one is not stored.
    """
    if payer is None:
        payer = look_ahead.read([(user_id, currency)], processors)[user_id, currency]
    payment, user = payer.payment, payer.user
    if payment is not None and payment.is_open:
        return Outcome.SKIPPED
    if not may_be_charged(user):
        return Outcome.INACTIVE
    if payment is not None:
        waits = Outcome.SKIPPED if payment.is_too_little else _not_now(payment)
        return waits or payment
    if not owed.is_billed(user, currency, payer.unbound):
        return Outcome.SKIPPED
    if not processor_room.serves(processors, user_id):
        return Outcome.SKIPPED
    if dry_run:
        return Payment(user_id=user_id, currency=currency)
    return _bill(user, currency, payer.unbound)


def _bill(user: Any, currency: str, read: Any) -> Payment | Outcome:
    """Make a payment of what the user owes, if that is to be billed, whatever was read before."""
    # As they are now: who has left meanwhile leaves no address in a new payment.
    user = BooksQuerySet(type(user)).get(pk=user.pk)
    if not may_be_charged(user):
        return Outcome.INACTIVE
    payment: Payment | None = Payment.objects.create_pending(user=user, currency=currency)
    if payment is None:
        return Outcome.SKIPPED
    is_as_read = payment.amount == money.round_amount(read.amount, currency)
    # Else they have paid, or used the site, since.
    if is_as_read or owed.is_billed(user, currency, replace(read, amount=payment.amount)):
        return payment
    payment.cancel_pending(reason="what is owed has changed, and is not billed now")
    return Outcome.SKIPPED


def _not_now(payment: Payment) -> Outcome | None:
    """What becomes of a pending payment that is not to be charged now; ``None``: it is.

    One that was declined waits for its next try, or for its customer.
    """
    if _is_somebodys(payment):
        return Outcome.SKIPPED
    if not hasattr(payment, "recovery"):
        return None
    method = processor_room.chargeable(payment.user_id)
    if method is None:
        return Outcome.SKIPPED
    why = due.refusal(payment.user_id, method)
    if why == due.NOT_THEIR_HOUR:
        return Outcome.LATER
    return Outcome.SKIPPED if why else None


def _is_somebodys(payment: Payment) -> bool:
    """Whether a person began it just now."""
    if payment.created_at < clock.now() - TIME_TO_PAY:
        return False
    created = JournalEntry.objects.filter(
        payment_id=payment.pk, verb=JournalEntry.Verb.PAYMENT_CREATED
    )
    return not created.filter(actor="system").exists()


def charge(payment: Payment, *, processors: Sequence[Processor]) -> Outcome:
    """Have the payment paid by the processors, and say what became of it.

    Safe to call again after a crash. Outside of transactions. Raises ``StopProcessingError``
    where a PSP does not answer.
    """
    began, asking = timezone.now(), clock.now()
    if process_payment(payment, processors=processors, cancel_on_failure=False):
        return Outcome.CHARGED
    latest = payment.attempts.order_by("-started_at").first()
    if latest is not None and latest.is_open:
        return Outcome.OPEN
    if latest is not None and latest.started_at >= began:
        return Outcome.DECLINED
    # Among the user's: no index finds what a text begins with, on each database.
    theirs = Mail.objects.filter(user=payment.user_id, sent_at__gte=asking)
    mails = theirs.filter(about__startswith=str(payment.pk))
    return Outcome.ASKED if mails.exists() else Outcome.SKIPPED


def charge_payers(
    *,
    options: Options,
    limit: int | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _payers: None,
) -> NightResult:
    """Charge everybody who is due, one after the other, but no more than ``limit`` payments.

    An error of one payer stops nothing; a PSP that does not answer ends it.
    """
    result, processors = NightResult(), processor_room.listed()
    for user_id, currency, payer in look_ahead.each(each_payer(options=options), processors):
        with result.count_errors(f"User {user_id}"):
            found = next_payment(
                user_id, currency, processors=processors, dry_run=dry_run, payer=payer
            )
            result.due += isinstance(found, Payment)
            if found in (Outcome.LATER, Outcome.INACTIVE):
                result.count(found)
            elif isinstance(found, Payment) and not dry_run:
                try:
                    result.count(charge(found, processors=processors))
                except StopProcessingError as error:
                    result.stopped = str(error)
        result.payers += 1
        progress(result.payers)
        if result.stopped or result.due == limit:
            break
        failpoints.hit(Point.BULK_BETWEEN_USERS)
    return result
