"""What the contracts look at: markup, outcomes, and the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from html.parser import HTMLParser
from uuid import uuid4

from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from payments_ui.core.attempts.outcomes import Outcome, Unknown
from payments_ui.core.models import Attempt, Refund

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)", re.IGNORECASE)


def stored(attempt: Attempt) -> Attempt:
    """Return the attempt as the database has it."""
    found: Attempt = Attempt.objects.get(pk=attempt.pk)
    return found


def requested_refund(attempt: Attempt, amount: Decimal) -> Refund:
    """Return a refund as the kit stores it before it asks the PSP: the amount is reserved."""
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(pk=attempt.pk)
    rows.update(refunded_amount=models.F("refunded_amount") + amount)
    refund: Refund = Refund.objects.create(
        payment=attempt.payment,
        attempt=attempt,
        amount=amount,
        currency=attempt.received_currency,
        idempotency_key=f"refund-{uuid4()}",
        reason="Returned",
    )
    return refund


def outcome_of(call: Callable[[], Outcome]) -> Outcome:
    """Return the outcome as the kit understands it: an exception is *unknown*."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 (any error of a moocher)
        return Unknown(reason=str(error))


@contextmanager
def no_writes() -> Iterator[None]:
    """Raise AssertionError if the block changed anything in the database."""
    with CaptureQueriesContext(connection) as queries:
        yield
    writes = [query["sql"] for query in queries if _WRITES.match(query["sql"])]
    if writes:
        raise AssertionError(f"A moocher reports, and never writes: {writes}")


class Page(HTMLParser):
    """Tags, names of attributes, and the addresses that the forms post to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.actions: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [name for name, _value in attrs]
        if tag == "form":
            self.actions.append(dict(attrs).get("action") or "")
