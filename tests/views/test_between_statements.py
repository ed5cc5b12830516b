"""An answer is read in several statements, and a payment may end between any two of them.

Whichever it is: no answer asks to pay what is on its way or was charged, and what an answer has
missed is news to the page's next heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from payments_ui.core import queries
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Pending, Succeeded
from payments_ui.core.models import Payment
from payments_ui.flows import return_from_psp
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, attempt_of, dom, step, stored, url

#: More than any answer has.
NEVER = 1000

#: What each step says of the payment.
STATES = {
    "payment": "pending",
    "processing": "processing",
    "requires_action": "processing",
    "unknown": "processing",
    "charged": "charged",
}

End = Callable[[Payment], object]


def settle(payment: Payment) -> None:
    opened = attempt_of(payment)
    opened.record(
        Succeeded(psp_reference=opened.reference, amount=opened.amount, currency=opened.currency)
    )


def decline(payment: Payment) -> None:
    attempt_of(payment).record(Declined(code=DeclineCode.CARD_DECLINED))


@contextmanager
def before_statement(number: int, happen: Callable[[], object]) -> Iterator[list[str]]:
    """Let something happen before the statement of this number; yield the statements."""
    seen: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        if len(seen) == number + 1:
            happen()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield seen


def waiting(shopper: Shopper, *, is_asked_about: bool) -> Payment:
    """A payment whose customer has paid, and whose PSP is still at work."""
    payment = shopper.begin("5.00")
    attempt = payment.start_attempt(moocher="cards")
    attempt.record(Pending(psp_reference=attempt.reference))
    if not is_asked_about:
        return_from_psp.claim_turn(attempt, return_from_psp.AT_MOST_EVERY)
    return payment


@pytest.mark.parametrize("is_asked_about", [False, True])
@pytest.mark.parametrize("end", [settle, decline])
@pytest.mark.parametrize("query", [{}, {"news": "1", "seen": "requires_action"}])
def test_what_ends_while_it_is_read_is_shown_or_is_news(
    make_shopper: MakeShopper, query: dict[str, str], end: End, is_asked_about: bool
) -> None:
    def look(number: int) -> int:
        shopper = make_shopper(js=True)
        payment = waiting(shopper, is_asked_about=is_asked_about)
        with before_statement(number, lambda: end(payment)) as seen:
            response = shopper.get(url("payment", payment), w="pui-1", **query)
        shown, state = STATES[step(response)], stored(payment).state
        if shown != state:
            assert shown == "processing", f"{shown} before {seen[number]}, then {state}"
            version = dom(response).one(id="pui-1-body").attrs["data-pui-v"]
            assert version != queries.version(shopper.user), f"missed: {seen[number]}"
        return len(seen)

    for number in range(look(NEVER)):
        look(number)
