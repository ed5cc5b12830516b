"""What a person decides about a suspense item: match it, give the money back, or close it.

Each is compare-and-set from *open*, journalled with its reason, and final.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.attempts.receiving import Source
from payments_ui.core.attempts.states import BY_HAND
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.psp_port import psps
from payments_ui.exceptions import (
    PaymentGoneError,
    RefundOpenError,
    SuspenseClosedError,
    SuspenseError,
    SuspenseMatchError,
)

from .states import SuspenseKind, SuspenseState

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt
    from payments_ui.core.lineitems.model import LineItem
    from payments_ui.core.payments.model import Payment

    from .model import SuspenseItem


_TEST_MONEY = "This is money of a test mode"


def pays(item: SuspenseItem) -> bool:
    """Whether the money can pay for something: real money does.

    Money of a test mode does so where that mode was asked for, and is still on: a site that tries
    things out charges payments with it anyway.
    """
    if item.live:
        return True
    attempt = item.attempt
    return attempt is not None and not attempt.live and psps().is_in_use(attempt)


@retrying
def match(item: SuspenseItem, payment: Payment, *, by: str, reason: str) -> Attempt:
    """Charge this pending payment with the money; what is left over is surplus.

    Less than what is missing is booked as a part of an open transfer. Returns the attempt as it
    is stored then. Raises ``SuspenseMatchError`` for another currency, too little money where no
    transfer is open, a payment of zero, money of which some was given back or taken back since, or
    money of a test mode, unless the payment service that reported it still works in that mode and
    no transfer of real money is open;
    ``SuspenseClosedError``, ``RefundOpenError`` while the money is being given back, and
    ``AlreadyChargedError``, ``PaymentGoneError`` or ``AttemptOpenError`` of the payment.
    """
    with _decided(item, SuspenseState.MATCHED, by, reason, payment):
        if item.amount is None or item.kind == SuspenseKind.OVERDUE:
            raise SuspenseMatchError("No money is known to have arrived")
        if not pays(item):
            raise SuspenseMatchError(_TEST_MONEY)
        attempt = payment.manual_attempt(by=by, live=item.live)
        if attempt.live and not item.live:
            raise SuspenseMatchError(f"{_TEST_MONEY}, and a transfer of real money is open")
        is_too_little = item.amount < attempt.missing and attempt.moocher == BY_HAND
        if item.currency != payment.currency or is_too_little or not attempt.missing:
            raise SuspenseMatchError(
                f"{money.format_amount(item.amount, item.currency)} is not"
                f" {money.format_amount(attempt.missing, payment.currency)}"
            )
        if item.attempt is not None and item.attempt.as_stored().refundable_amount < item.amount:
            raise SuspenseMatchError("Some of it was given back, or taken back by a bank")
        part = min(item.amount, attempt.missing)
        source = Source(item.reported, item)
        booked = attempt.receive(part, item.currency, by=by, reason=reason, source=source)
        if rest := item.amount - part:
            origin = payment if item.attempt is None else item.attempt.payment
            evidence = {"suspense_item": item.pk}
            money_in = Succeeded(
                psp_reference="",
                amount=rest,
                currency=item.currency,
                live=item.live,
                evidence=evidence,
            )
            # No PSP knows this part as a charge of its own: a person sends it back.
            origin.record_surplus(
                BY_HAND, money_in, by=by, reason=reason, manual=True, source=source
            )
    return booked


match.alters_data = True  # type: ignore[attr-defined]


@retrying
def credit(item: SuspenseItem, *, by: str, reason: str) -> LineItem:
    """Credit the money to whose payment it came for: it counts towards their next payment.

    Returns the line item of this negative amount. Raises ``SuspenseError`` where no money arrived
    or it is not known whose it is, ``SuspenseMatchError`` for money of which some was given back or
    taken back since, and for money of a test mode as ``match``, ``SuspenseClosedError``, and
    ``RefundOpenError``.
    """
    attempt = item.attempt
    if item.amount is None or item.kind == SuspenseKind.OVERDUE or attempt is None:
        raise SuspenseError("No money is known to have arrived for a payment of a known user")
    if not pays(item):
        raise SuspenseMatchError(_TEST_MONEY)
    with _decided(item, SuspenseState.CREDITED, by, reason):
        if attempt.as_stored().refundable_amount < item.amount:
            raise SuspenseMatchError("Some of it was given back, or taken back by a bank")
        lineitems = attempt.payment.lineitems.model.objects
        # In the site's own language, whichever the clerk speaks.
        with translation.override(settings.LANGUAGE_CODE):
            title = _("Credit: you paid too much")
        added: LineItem = lineitems.record(
            user=attempt.payment.user,
            title=title,
            amount=-item.amount,
            currency=item.currency,
            key=f"suspense-{item.pk}",
        )
        journal.lineitem(journal.Verb.LINEITEM_ADDED, added, actor=by, reason=text(reason))
    return added


credit.alters_data = True  # type: ignore[attr-defined]


def give_back(item: SuspenseItem, *, by: str, reason: str) -> SuspenseItem:
    """Send the money back where it came from; return the item as it is stored then.

    By a refund of the whole amount, which may be ``manual``; the item stays open until that
    has succeeded. Money that is known from a report only was sent back by a person. Raises
    ``SuspenseError`` where no money arrived, ``SuspenseClosedError``, and ``RefundError``.
    """
    if item.amount is None:
        raise SuspenseError("No money is known to have arrived")
    if item.attempt is None:
        return _end(item, SuspenseState.RETURNED, by, reason)

    def still_open(attempt: Attempt) -> None:
        if not attempt.suspense_items.open().filter(pk=item.pk).exists():
            raise SuspenseClosedError(f"{item} is closed")

    requested = item.attempt.request_refund(by=by, reason=reason, check=still_open)
    if not requested.manual:
        psps().send_refund(requested)
    return _stored(item)


give_back.alters_data = True  # type: ignore[attr-defined]


def close(item: SuspenseItem, *, by: str, reason: str) -> SuspenseItem:
    """Record that nothing has to be done; the reason says why. Moves no money.

    Raises ``SuspenseClosedError``, and ``RefundOpenError`` while the money is given back.
    """
    return _end(item, SuspenseState.CLOSED, by, reason)


close.alters_data = True  # type: ignore[attr-defined]


@retrying
def _end(item: SuspenseItem, state: SuspenseState, by: str, reason: str) -> SuspenseItem:
    with _decided(item, state, by, reason):
        return _stored(item)


def _stored(item: SuspenseItem) -> SuspenseItem:
    stored: SuspenseItem = type(item).objects.get(pk=item.pk)
    return stored


@contextmanager
def _decided(
    item: SuspenseItem, state: SuspenseState, by: str, reason: str, matched: Payment | None = None
) -> Iterator[None]:
    """End the item in a transaction of its own, under the locks of the payments it is about."""
    if not reason.strip():
        raise SuspenseError("A decision about money needs a reason")
    attempt = item.attempt
    with transaction.atomic():
        payments = [] if attempt is None else [attempt.payment]
        payments += [] if matched is None else [matched]
        # Always in the same order, so that two clerks do not wait for each other.
        for payment in sorted(payments, key=lambda payment: payment.pk):
            if payment.lock() is None:
                raise PaymentGoneError(f"{payment.pk} is cancelled")
        if item.kind != SuspenseKind.OVERDUE and attempt and attempt.refunds.open().exists():
            raise RefundOpenError(f"{item} is being given back")
        fields = {} if matched is None else {"payment": matched}
        this = type(item).objects.filter(pk=item.pk)
        if not this.end(state, by=by, reason=text(reason), **fields):
            raise SuspenseClosedError(f"{item} is closed")
        yield
