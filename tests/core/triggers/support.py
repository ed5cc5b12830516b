"""Short ways to write the books behind the kit's back, and what there is to write on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.utils import timezone

from payments_ui.core.models import (
    Arrival,
    Attempt,
    Customer,
    Dispute,
    Event,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
    SuspenseItem,
)
from payments_ui.core.payments import binding_sql
from tests.core.support import bare, charged, pending, record, started


def raw(sql: str, *params: Any) -> int:
    """Run SQL; ``{payment}`` and the like are tables. Return the number of rows."""
    models = (
        *(Payment, LineItem, Attempt, Refund, Event, SuspenseItem),
        *(Customer, PaymentMethod, Dispute, Arrival),
    )
    tables = {str(model._meta.model_name): model._meta.db_table for model in models}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**tables, journal="payments_core_journalentry"), params)
        return int(cursor.rowcount)


def key(row: models.Model) -> Any:
    """The primary key as this database stores it."""
    return row._meta.pk.get_db_prep_value(row.pk, connection)


def write(row: models.Model, **values: Any) -> int:
    """Update the stored row, whatever the kit says to that."""
    return int(bare(type(row)).filter(pk=row.pk).update(**values))


def save(row: models.Model, **values: Any) -> None:
    """Save it as Django's own ``save()`` does."""
    for name, value in values.items():
        setattr(row, name, value)
    models.Model.save(row)


def draft(user: User, *amounts: str, **fields: Any) -> Payment:
    """A payment that nobody has sealed, with new line items of these amounts."""
    payment = Payment(user=user, **{"amount": 0, "currency": "", "email": "", **fields})
    binding_sql.insert(payment, "default")
    if amounts:
        record(user, *amounts)
        binding_sql.bind(payment, None, "default")
    return payment


def seal(payment: Payment, amount: str, currency: str = "CHF") -> None:
    """Seal it with this amount, right or wrong."""
    payment.amount, payment.currency = Decimal(amount), currency
    payment.sealed_at = timezone.now()
    binding_sql.seal(payment, "default")


def cancelled(user: User) -> Payment:
    """A payment that was given up, and is kept since a PSP was asked."""
    payment = pending(user, "5")
    write(started(payment), state="failed")
    payment.cancel_pending()
    return payment


def undone(user: User) -> Payment:
    """A payment that was charged by mistake."""
    payment = charged(user, "5")
    payment.undo(force=True, reason="a mistake")
    return payment


def item_of(payment: Payment) -> LineItem:
    """The payment's first line item."""
    item: LineItem = payment.lineitems.order_by("pk")[0]
    return item


def attempt_of(payment: Payment) -> Attempt:
    """The payment's only attempt."""
    attempt: Attempt = payment.attempts.get()
    return attempt


def refund(attempt: Attempt, amount: str, reserve: str | None = None, **fields: Any) -> Refund:
    """A refund of the attempt, reserved as it has to be, or otherwise."""
    attempt.refresh_from_db()
    # Added here and not in SQL: SQLite adds floats.
    write(attempt, refunded_amount=attempt.refunded_amount + Decimal(reserve or amount))
    row: Refund = Refund.objects.create(
        **{
            "attempt": attempt,
            "payment": attempt.payment,
            "amount": Decimal(amount),
            "currency": attempt.currency,
            "idempotency_key": f"refund-{Refund.objects.count()}",
            **fields,
        }
    )
    return row


def dispute(attempt: Attempt, **fields: Any) -> Dispute:
    """A dispute that has taken five francs, which the attempt does not count yet."""
    now = timezone.now()
    facts: dict[str, Any] = {"psp_reference": "dp_1", "state": "needs_response", "currency": "CHF"}
    facts |= {"amount": Decimal(5), "withdrawn": Decimal(5), "opened_at": now}
    row: Dispute = Dispute.objects.create(
        **{"payment": attempt.payment, "attempt": attempt, **facts, **fields}
    )
    return row


def transfer(user: User, amount: str = "5") -> Attempt:
    """An attempt whose money people book."""
    return started(pending(user, amount), moocher="bank", manual=True)


def partly_paid(user: User) -> Attempt:
    """A transfer of five francs of which two have arrived."""
    attempt = transfer(user)
    with transaction.atomic():
        return attempt.receive(Decimal(2), "CHF", by="user:1")


def arrival(attempt: Attempt, amount: str = "2", **fields: Any) -> Arrival:
    """A part that arrived, of which the attempt does not know."""
    facts = {"amount": Decimal(amount), "currency": "CHF", "booked_by": "user:1"}
    return Arrival.objects.create(attempt=attempt, **{**facts, **fields})


def event(state: str = Event.State.UNMATCHED) -> Event:
    """Money that a bank reported."""
    return Event.objects.create(
        moocher="bank", event_id="1", state=state, amount=Decimal(5), currency="CHF"
    )


def suspense(**fields: Any) -> SuspenseItem:
    """Money to look at."""
    values = {"kind": "unmatched", "amount": Decimal(5), "currency": "CHF"}
    row: SuspenseItem = SuspenseItem.objects.create(**{**values, **fields})
    return row
