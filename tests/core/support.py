"""What the tests of the core share: line items, payments and attempts, and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import django
from django.contrib.auth.models import User
from django.db import connections, models
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.models import (
    Attempt,
    Customer,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
)
from payments_ui.core.paymentmethods.instrument import Consent, Instrument
from payments_ui.core.paymentmethods.outcomes import Saved
from payments_ui.core.verbs import JournalVerb

#: What the setting ADMINS holds.
ADMINS: list[Any] = ["ada@example.com"]
if django.VERSION < (6, 0):
    ADMINS = [("Ada", "ada@example.com")]


def record(user: User, *amounts: str, **fields: Any) -> list[LineItem]:
    """Return new line items of these amounts."""
    return [
        LineItem.objects.record(user=user, title=f"Use {n}", amount=amount, **fields)
        for n, amount in enumerate(amounts)
    ]


def pending(user: User, *amounts: str, **options: Any) -> Payment:
    """Return a pending payment, of new line items of these amounts."""
    record(user, *amounts)
    payment: Payment | None = Payment.objects.create_pending(user=user, **options)
    assert payment is not None
    return payment


def charged(user: User, *amounts: str, **asked: Any) -> Payment:
    """Return a payment that a PSP charged."""
    attempt = started(pending(user, *amounts), **asked)
    attempt.record(money_of(attempt, psp_reference=f"psp-{attempt.reference}"))
    return stored(attempt.payment)


def started(payment: Payment, **fields: Any) -> Attempt:
    """Return an open attempt."""
    return payment.start_attempt(**{"moocher": "cards", **fields})


def money_of(attempt: Attempt, **facts: Any) -> Succeeded:
    """Return the outcome that exactly what was asked for is taken."""
    asked = {
        "psp_reference": "",
        "amount": attempt.amount,
        "currency": attempt.currency,
        "account": attempt.account,
        "live": attempt.live,
    }
    return Succeeded(**{**asked, **facts})


INSTRUMENT: dict[str, Any] = {
    "method_id": "pm_1",
    "brand": "visa",
    "last_four": "4242",
    "fingerprint": "f1",
    "expires_year": 2099,
    "expires_month": 12,
    "country": "CH",
}


def customer_of(user: User, **kept_at: Any) -> Customer:
    """Return the user's customer, whom the PSP knows."""
    customer: Customer = Customer.objects.for_user(user, **{"psp": "cards", **kept_at})
    return customer.name(f"cus_{user.pk}")


def saving(user: User, *, unattended: str = "", **options: Any) -> PaymentMethod:
    """Return a payment method that the user agreed to save, and the PSP has not answered about."""
    customer = options.pop("customer", None) or customer_of(user)
    consent = Consent(
        text="Save it.",
        version="v1",
        unattended_text=unattended,
        given_at=timezone.now(),
        ip_address="192.0.2.1",
    )
    return customer.start_saving(**{"moocher": "cards", "consent": consent, **options})


def kept(method: PaymentMethod, **facts: Any) -> Saved:
    """Return the outcome that the PSP keeps this payment method."""
    known = {"customer_id": method.customer_id, **INSTRUMENT, **facts}
    return Saved(instrument=Instrument(**known), psp_reference=f"seti_{known['method_id']}")


def saved(user: User, *, unattended: str = "", **facts: Any) -> PaymentMethod:
    """Return a payment method in use."""
    method = saving(user, unattended=unattended)
    return method.record(kept(method, **facts))


def stored(payment: Payment) -> Payment:
    """Return the payment as the database has it, cancelled or not."""
    found: Payment = Payment.all_objects.get(pk=payment.pk)
    return found


def journalled(verb: JournalVerb) -> int:
    """Return how many journal entries have this verb."""
    return JournalEntry.objects.filter(verb=verb).count()


def together(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Run a function in so many threads at once; return what each returned or raised."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            barrier.wait(timeout=30)
            results[number] = function(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    return results


def errors(results: list[Any]) -> list[Exception]:
    """Return those results that are exceptions."""
    return [result for result in results if isinstance(result, Exception)]


def wrong_payments() -> list[Payment]:
    """Return payments whose amount is not the rounded sum of their line items, or without any."""
    wrong = []
    for payment in Payment.all_objects.pending():
        amounts = list(payment.lineitems.values_list("amount", flat=True))
        if not amounts or round(sum(amounts, Decimal(0)), 2) != payment.amount:
            wrong.append(payment)
    return wrong


def bare(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return a queryset without the kit's protection, as raw SQL would write."""
    return BooksQuerySet(model)
