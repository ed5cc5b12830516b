"""Saving a payment method: what the user agreed to first, then what the PSP says became of it."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments_ui.core import delivery, journal
from payments_ui.core.attempts.outcomes import ActionRequired, Cancelled, Declined, Pending, Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.exceptions import PaymentMethodGoneError

from .instrument import Consent, Instrument
from .outcomes import Saved, SetupOutcome
from .states import PaymentMethodState as State

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .customer import Customer
    from .model import PaymentMethod

logger = logging.getLogger("payments_ui")


@retrying
def start_saving(
    customer: Customer,
    *,
    moocher: str,
    consent: Consent,
    attempt: Attempt | None = None,
    by: str = journal.SYSTEM,
) -> PaymentMethod:
    """Write down what the user agreed to; commit before the PSP is asked to keep anything.

    With ``attempt`` the payment method is the one that this attempt charges. Raises
    ``PaymentMethodGoneError`` where the customer was removed.
    """
    with transaction.atomic():
        type(customer).objects.lock_all(customer.user)
        if not type(customer).objects.current().filter(pk=customer.pk).exists():
            raise PaymentMethodGoneError(f"{customer} was removed")
        method: PaymentMethod = customer.payment_methods.create(
            user=customer.user,
            moocher=moocher,
            attempt=attempt,
            idempotency_key=secrets.token_hex(16),
            consent_text=consent.text,
            consent_version=consent.version,
            consent_given_at=consent.given_at,
            consent_ip=consent.ip_address,
            unattended_text=consent.unattended_text,
        )
        journal.payment_method(journal.Verb.METHOD_STARTED, method, actor=by)
    failpoints.hit(Point.SAVE_AFTER_COMMIT)
    return method


start_saving.alters_data = True  # type: ignore[attr-defined]


@retrying
@second_look
def record(method: PaymentMethod, outcome: SetupOutcome, *, by: str = "") -> PaymentMethod:
    """Write down what the PSP answered; return the payment method as it is stored now.

    What was saved is in use from now on, unless the user has removed it meanwhile: then the PSP
    will be asked to give it up. The same card saved again replaces the older one. Idempotent,
    and safe when a webhook, a return and a reconciler report at once.
    """
    with transaction.atomic():
        before = method.lock()
        changes = _transition(before, outcome)
        reference = getattr(outcome, "psp_reference", None)
        if reference and not before.psp_reference:
            changes["psp_reference"] = reference
        news = before.write(changes)
        if "state" in news or "action_url" in news:
            by = by or journal.by_moocher(before.moocher)
            detail = {"from": before.state, "to": str(news.get("state", before.state))}
            verb = journal.Verb.METHOD_CHANGED
            journal.payment_method(verb, before, actor=by, detail=detail)
        if news.get("state") == State.ACTIVE:
            _take_into_use(before.as_stored(), by)
    return method.as_stored()


record.alters_data = True  # type: ignore[attr-defined]


@retrying
def update_instrument(method: PaymentMethod, instrument: Instrument) -> PaymentMethod:
    """Store what the PSP says of it now, such as a new expiry; return it as it is stored then.

    The mandate and the result of 3-D Secure stay as they were when it was saved. Where the PSP says
    what is known, as it does before most charges, nothing is locked, and nothing is written.
    """
    stored = method.as_stored()
    if stored.is_active and not stored.news_of(instrument):
        return stored
    with transaction.atomic():
        locked = method.lock()
        if locked.is_active:
            columns = _told(locked, instrument)
            before = (locked.expires_year, locked.expires_month)
            if before not in ((None, None), (columns["expires_year"], columns["expires_month"])):
                columns["renewals"] = locked.renewals + 1
            locked.write(columns)
    return method.as_stored()


update_instrument.alters_data = True  # type: ignore[attr-defined]


def news_of(method: PaymentMethod, instrument: Instrument) -> dict[str, Any]:
    """What the PSP says now that is other than was read, in columns."""
    return method.news(_told(method, instrument))


def _told(method: PaymentMethod, instrument: Instrument) -> dict[str, Any]:
    """What the PSP says now, in columns of a payment method that it kept before."""
    kept = {"mandate_id": method.mandate_id, "authentication": method.authentication}
    return instrument.columns | kept


def _transition(method: PaymentMethod, outcome: SetupOutcome) -> dict[str, Any]:
    """What the outcome changes of the locked payment method."""
    is_pending = method.state == State.PENDING
    match outcome:
        case Saved() if method.method_id is None:
            return _kept(method, outcome.instrument)
        case Declined() if is_pending:
            return {"state": State.FAILED, "failure_code": str(outcome.code), "action_url": ""}
        case Cancelled() if is_pending:
            return {"state": State.FAILED, "action_url": ""}
        case ActionRequired() if is_pending:
            return {"action_url": outcome.url}
        case Saved() | Declined() | Cancelled() | ActionRequired() | Pending() | Unknown():
            return {}
        case _:
            raise TypeError(f"{outcome!r} is no outcome of saving")


def _kept(method: PaymentMethod, instrument: Instrument) -> dict[str, Any]:
    """What changes where the PSP keeps it; also late, and after the user has removed it."""
    same = type(method).objects.filter(
        psp_customer=method.psp_customer_id, method_id=instrument.method_id
    )
    if instrument.customer_id != method.customer_id or same.exists():
        logger.error("%s: the PSP names a payment method that is not this one", method)
        return {"state": State.FAILED} if method.state == State.PENDING else {}
    if method.state == State.FAILED and method.psp_customer.removed_at is not None:
        # Its user has left: with the customer the PSP gives up all that it keeps.
        return {}
    kept = {"method_id": instrument.method_id, "action_url": "", "failure_code": ""}
    if method.state in (State.PENDING, State.FAILED):
        return {**instrument.columns, **kept, "state": State.ACTIVE}
    # Its user does not want it any more: only what the PSP has to be asked for.
    return {**kept, "state": State.REMOVING, "forgotten_at": None}


def _take_into_use(method: PaymentMethod, by: str) -> None:
    """Everything that follows from a payment method that is in use from now on."""
    older = method.siblings().filter(fingerprint=method.fingerprint).exclude(fingerprint="")
    for other in older.filter(psp_customer=method.psp_customer_id):
        other.take_out_of_use(by=by, reason="the same was saved again", successor=method)
    if not method.siblings().filter(is_default=True).exists():
        method.as_stored().set_default(by=by)
    delivery.payment_method_after_commit(method)
