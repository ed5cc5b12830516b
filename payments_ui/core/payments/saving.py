"""What ``save()`` means for code that knows nothing of attempts: moochers, processors, clerks.

Such code sets ``charged_at`` and saves. The first writer charges the payment, later writers
change nothing, and what arrives for a payment that is gone is kept as evidence.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models, transaction
from django.utils import timezone

from payments_ui.core import delivery, journal
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.attempts.receiving import keep_arrival
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.attempts.unexpected_money import queue_unmatched
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.suspense.event import Event
from payments_ui.core.suspense.states import EventState
from payments_ui.exceptions import AlreadyChargedError, PaymentGoneError, PaymentStateError

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Payment

# What may be written, and what may be written as long as the payment is not charged.
_ALWAYS = frozenset({"email"})
_UNTIL_CHARGED = frozenset({"email", "payment_service_provider", "transaction"})
# What is sealed with the payment, and what only the verbs write.
_SEALED = ("user_id", "amount", "currency", "created_at", "sealed_at")
_BY_VERBS = ("charged_at", "cancelled_at", "undone_at")


class _Charging(NamedTuple):
    attempt: Attempt
    verify: Callable[[Payment], None]


_charging: ContextVar[_Charging | None] = ContextVar("payments_core_charging", default=None)


@contextmanager
def charging(attempt: Attempt, verify: Callable[[Payment], None]) -> Iterator[None]:
    """While it lasts, a save that charges the attempt's payment settles the attempt.

    ``verify`` is called with the payment before that, and raises unless it is a charge.
    """
    token = _charging.set(_Charging(attempt, verify))
    try:
        yield
    finally:
        _charging.reset(token)


def facts(payment: Payment) -> dict[str, object]:
    """What ``save()`` compares later, to find out what the caller has changed."""
    values = payment.__dict__
    return {
        name: values[name] for name in (*_SEALED, *_BY_VERBS, *_UNTIL_CHARGED) if name in values
    }


@typed_refusals()
@retrying
def save(
    payment: Payment, *args: object, update_fields: Iterable[str] | None = None, **options: object
) -> None:
    """Write e-mail address, PSP and transaction; charge the payment if ``charged_at`` is set.

    Kept for moochers and processors of django-mooch, which set ``charged_at`` and save. The
    first writer wins, and a stale instance never takes a charge back. An empty ``email``
    becomes the user's.

    Raises ``PaymentStateError`` for a new payment, and where the caller has changed what is
    sealed or what only the verbs write; ``AlreadyChargedError`` where PSP or transaction of a
    charged payment were changed; ``PaymentGoneError`` for a cancelled payment, except where
    ``charged_at`` is set: that is money, which is kept.
    """
    if payment._state.adding:
        raise PaymentStateError("Payments are made by Payment.objects.create_pending()")
    names = None if update_fields is None else set(update_fields)
    charges = payment.charged_at is not None and (names is None or "charged_at" in names)
    running = _charging.get()
    if running is not None and running.attempt.payment_id != payment.pk:
        running = None
    if charges and running is not None:
        running.verify(payment)
    # A moocher of django-mooch may write down all it was posted.
    payment.transaction = text(payment.transaction)
    with transaction.atomic():
        stored = payment.lock()
        if not charges and (stored is None or stored.cancelled_at):
            raise PaymentGoneError(f"{payment.pk} is cancelled: save() writes nothing")
        if stored is None:
            _keep_unmatched(payment)
            return
        _refuse_changes(payment, stored, names)
        fields = set(_ALWAYS if stored.charged_at else _UNTIL_CHARGED)
        if charges and payment.charged_at != stored.charged_at:
            fields = _charge(payment, stored, fields, running and running.attempt)
        else:
            payment.charged_at = stored.charged_at
        if not payment.email:
            payment.email = getattr(payment.user, payment.user.get_email_field_name(), "") or ""
        written = fields if names is None else fields & names
        models.Model.save(payment, update_fields=written)
        # Receivers of the charge's signal get what was read here.
        stored.take_over({name: getattr(payment, name) for name in written})
    payment.loaded = facts(payment)


save.alters_data = True  # type: ignore[attr-defined]


def _refuse_changes(payment: Payment, stored: Payment, names: set[str] | None) -> None:
    """Raise for a change that would not be written, and that is the caller's own.

    What differs from the stored row alone was written by others since the payment was loaded.
    """
    now, in_books = facts(payment), facts(stored)
    # Where it was not loaded, it was just created, as a pending payment.
    created = now | {name: in_books[name] for name in _SEALED} | dict.fromkeys(_BY_VERBS)
    loaded = payment.loaded or created
    changed = {name for name in loaded if now[name] not in (loaded[name], in_books[name])}
    if names is not None:
        changed &= names | {f"{name}_id" for name in names}
    refused = changed.intersection(_SEALED).union(changed.intersection(_BY_VERBS))
    if now["charged_at"] is not None:
        # Setting it is the way to charge; the first writer wins.
        refused.discard("charged_at")
    if refused:
        raise PaymentStateError(
            f"save() does not write {', '.join(sorted(refused))} of payment {payment.pk}: use "
            "cancel_pending(), undo() or refund(), and create_pending() for another amount"
        )
    is_stale = loaded.get("charged_at") is None or "charged_at" in changed
    if stored.charged_at and not is_stale and (changed := changed & _UNTIL_CHARGED - _ALWAYS):
        raise AlreadyChargedError(
            f"Payment {payment.pk} is charged: save() does not write {', '.join(sorted(changed))}"
        )


def _charge(
    payment: Payment, stored: Payment, fields: set[str], attempt: Attempt | None
) -> set[str]:
    """Charge the payment, by its attempt if it has one; return the fields to write."""
    opened = stored.open_attempt
    if opened and (opened.manual or opened.moocher == payment.payment_service_provider):
        # The transfer that a person awaits, or a customer who comes back from this PSP.
        attempt = attempt or opened
    if attempt is not None:
        by = journal.by_moocher(attempt.moocher)
        settled = attempt.settle(attempt.exact_outcome(), by=by, post_charge=False)
        payment.charged_at = settled.payment.charged_at
        return fields
    if stored.charged_at or stored.cancelled_at or stored.undone_at:
        payment.charged_at = stored.charged_at
        _keep_surplus(payment, stored)
        return set(_ALWAYS)
    now = timezone.now()
    added: Attempt = stored.attempts.create(
        moocher=payment.payment_service_provider or "unknown",
        amount=stored.amount,
        currency=stored.currency,
        # Never open, not even for a moment: another attempt may be.
        state=AttemptState.SETTLED,
        received_amount=stored.amount,
        received_currency=stored.currency,
        idempotency_key=secrets.token_hex(16),
        manual=_is_bank_transfer(payment.payment_service_provider),
        started_at=now,
        ended_at=now,
    )
    by = journal.by_moocher(added.moocher)
    if added.manual and added.amount:
        keep_arrival(added, added.received, added.currency, by=by)
    journal.attempt(journal.Verb.PAYMENT_CHARGED, added)
    # The code that saves sends ``post_charge``.
    delivery.charge_after_commit(added, None, post_charge=False)
    return fields | {"charged_at"}


def _is_bank_transfer(identifier: str) -> bool:
    """Whether this is a bank transfer of django-mooch: no PSP has its money, so undo() may."""
    # Not above: only what one of django-mooch's moochers saves comes here.
    from mooch.banktransfer import BankTransferMoocher

    kinds: list[Any] = [BankTransferMoocher]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return identifier in {kind.identifier for kind in kinds}


def _keep_surplus(payment: Payment, stored: Payment) -> None:
    moocher = payment.payment_service_provider or "unknown"
    # The same PSP reports a charge by callback and by return: that is no second money.
    if stored.charged_at and moocher == (stored.payment_service_provider or "unknown"):
        return
    evidence = {"transaction": payment.transaction}
    kept = stored.attempts.filter(state=AttemptState.SURPLUS, moocher=moocher)
    if any(attempt.evidence == evidence for attempt in kept):
        return
    money_in = Succeeded(
        psp_reference="", amount=stored.amount, currency=stored.currency, evidence=evidence
    )
    reason = "saved as charged after it was charged, cancelled or undone"
    stored.record_surplus(moocher, money_in, by=journal.by_moocher(moocher), reason=reason)


def _keep_unmatched(payment: Payment) -> None:
    payment.charged_at = None
    moocher = payment.payment_service_provider or "unknown"
    event, is_first = Event.objects.get_or_create(
        moocher=moocher,
        account="",
        event_id=f"save-{payment.pk}",
        defaults={
            "state": EventState.UNMATCHED,
            "psp_reference": str(payment.pk),
            "amount": payment.amount,
            "currency": payment.currency,
        },
    )
    if is_first:
        reason = "saved as charged after it was cancelled"
        owner = {"payment_id": payment.pk, "user_id": payment.user_id}
        queue_unmatched(event, by=journal.by_moocher(moocher), reason=reason, **owner)


__all__ = ["charging", "facts", "save"]
