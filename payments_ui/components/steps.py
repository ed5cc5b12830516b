"""What each step of the pending charges shows. Three queries at most, whatever the size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.core.models import Attempt, Payment

from . import payment_options
from .paging import Page
from .selection import LineItemSelection

if TYPE_CHECKING:
    from .pending_charges import PendingCharges

#: Payments under way that the list names; more than one is rare.
MOST_PAYMENTS = 5
#: Rows of a review that are shown without being asked for.
UNFOLDED = 5
#: Poll every so many seconds until the attempt is so many seconds old; then no more.
BACK_OFF: Mapping[int, int] = {3: 30, 10: 180, 30: 600}

_OPEN_STEPS = {
    Attempt.State.STARTED: "processing",
    Attempt.State.REQUIRES_ACTION: "requires_action",
    Attempt.State.PROCESSING: "processing",
    Attempt.State.UNKNOWN: "unknown",
}


def of(payment: Payment) -> str:
    """The name of the step of a payment."""
    state = payment.state
    if state == Payment.State.PROCESSING and payment.open_attempt is not None:
        return _OPEN_STEPS[Attempt.State(payment.open_attempt.state)]
    if state == Payment.State.CHARGED:
        return "charged"
    return "payment" if state == Payment.State.PENDING else "gone"


def total_only(component: PendingCharges) -> dict[str, Any]:
    """One currency's total, and the others. One query."""
    totals = queries.totals(component.user)
    if component.widget.currency:
        totals = [total for total in totals if total.currency == component.widget.currency]
    wanted = component.currency or pui.CURRENCY
    total = next((total for total in totals if total.currency == wanted), None)
    total = total or (totals[0] if totals else None)
    others = [other for other in totals if other is not total]
    count = sum(each.count for each in totals)
    return {
        "total": total,
        "credit": -total.payable if total else None,
        "others": others,
        "count": count,
        "currency": total.currency if total else "",
    }


def charges(component: PendingCharges) -> dict[str, Any]:
    """The list: payments under way, and unbound line items of one currency."""
    context = total_only(component)
    payments = queries.pending_payments(
        component.user, component.widget.currency, limit=MOST_PAYMENTS
    )
    return {
        **context,
        "payments": payments,
        "resumable": any(
            payment.currency == context["currency"] and not payment.is_processing
            for payment in payments
        ),
        "page": _rows(component, context["currency"]) if context["total"] else None,
    }


def select(component: PendingCharges) -> dict[str, Any]:
    """The list with tick boxes."""
    context = total_only(component)
    limit = component.widget.limit
    items: list[Any] = []
    if context["total"]:
        offset = (component.page - 1) * limit
        items = queries.items(component.user, context["currency"], limit=limit + 1, offset=offset)
    form = component.form
    if not isinstance(form, LineItemSelection):
        form = LineItemSelection(component.user, context["currency"])
    form.auto_id = f"{component.widget.id}-%s"
    form.show(items[:limit])
    page = Page.of(items, component.page, limit)
    # The error box of the step says it, with the focus.
    errors = [error for messages in form.errors.values() for error in messages]
    return {**context, "form": form, "page": page} | ({"error": errors[0]} if errors else {})


def payment(component: PendingCharges) -> dict[str, Any]:
    """The review: payee, items, amount, the ways to pay, and the chosen one's form."""
    return {
        **review(component),
        **panel(component),
        **news(component),
        "choices": payment_options.choices(_paid(component), component.moocher),
    }


def review(component: PendingCharges) -> dict[str, Any]:
    """What is paid, and to whom."""
    page = _rows(component, _paid(component).currency)
    # A long list stays folded, so that the way to pay is in sight; once paged, it is open.
    short = page.number > 1 or len(page.rows) <= UNFOLDED
    return {"payee": pui.PAYEE, "page": page, "short": short}


def panel(component: PendingCharges) -> dict[str, Any]:
    """The chosen way to pay and its form."""
    chosen = component.moocher
    return {
        "payment": component.payment,
        "moocher": chosen,
        "refusal": payment_options.refusal(chosen, _paid(component)) if chosen else "",
        # Escaped unless it is a SafeString, as what a template rendered is.
        "form_html": component.form_html,
    }


def news(component: PendingCharges) -> dict[str, Any]:
    """What came since: charges to take in, or how often to look for the outcome."""
    step = of(_paid(component))
    context = {"payment": component.payment, "seen": seen(component)}
    if step == "payment":
        return {**context, "new": component.new_charges}
    every = interval(_open(component))
    return {**context, "every": every, "gave_up": not every}


def seen(component: PendingCharges) -> str:
    """What a refresher reports back, so that an unchanged step is answered with 204."""
    step = of(_paid(component))
    if step == "payment":
        new = component.new_charges
        return f"{step}:{new.count}:{new.amount}" if new else step
    return f"{step}:{interval(_open(component))}" if step in _OPEN_STEPS.values() else step


def interval(attempt: Attempt) -> int:
    """Seconds to the next look at an open attempt; 0 once it waits for long."""
    age = (timezone.now() - attempt.updated_at).total_seconds()
    return next((seconds for seconds, until in BACK_OFF.items() if age < until), 0)


def open_attempt(component: PendingCharges) -> dict[str, Any]:
    """A payment whose outcome is open: what to do, or that there is nothing to do."""
    attempt = _open(component)
    return {
        "attempt": attempt,
        "moocher_title": payment_options.title_of(attempt.moocher),
        "instructions": payment_options.instructions(component.request, attempt),
        **news(component),
    }


def charged(component: PendingCharges) -> dict[str, Any]:
    """The receipt, in short."""
    paid_by = payment_options.title_of(_paid(component).payment_service_provider)
    return {**review(component), "moocher_title": paid_by}


def gone(component: PendingCharges) -> dict[str, Any]:
    """A payment that was cancelled or undone."""
    return {}


def _paid(component: PendingCharges) -> Payment:
    if component.payment is None:
        raise ValueError("This step needs a payment")
    return component.payment


def _open(component: PendingCharges) -> Attempt:
    attempt = _paid(component).open_attempt
    if attempt is None:
        raise ValueError("This step needs an open attempt")
    return attempt


def _rows(component: PendingCharges, currency: str) -> Page:
    widget = component.widget
    read = queries.groups if widget.group else queries.items
    offset = (component.page - 1) * widget.limit
    rows: list[Any] = read(
        component.user, currency, limit=widget.limit + 1, offset=offset, payment=component.payment
    )
    return Page.of(rows, component.page, widget.limit)
