"""Refunds that a PSP reports, also those that were not requested here: made in its dashboard."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import CameBack, Cancelled, Declined
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.exceptions import InvalidAmountError, RefundError

from .states import RefundState
from .transitions import reserve

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Refund
    from .report import RefundReport


@retrying
@second_look
def record_refund_report(attempt: Attempt, report: RefundReport, *, by: str = "") -> Refund | None:
    """Write down what the PSP says of a refund of this attempt's money; idempotent.

    Returns the refund as it is stored now. One that was not requested here becomes a row that was
    made ``elsewhere``; no line item is owed again because of it. ``None`` where it does not fit:
    it is in another currency, of money that has paid for something else since, or more than what
    is left, as long as a refund of ours is open for it, too. What had succeeded, and is said to
    have failed, has come back. Raises ``InvalidAmountError`` for what is no amount above zero.
    """
    by = by or journal.by_moocher(attempt.moocher)
    amount = money.payment_amount(report.amount)
    if amount <= 0:
        raise InvalidAmountError(f"{report.psp_reference} gives back {amount}")
    with transaction.atomic():
        current: Attempt = attempt.lock_payment().attempts.get(pk=attempt.pk)
        same = Q(pk=report.refund_id) | Q(psp_reference=report.psp_reference)
        refund: Refund | None = current.refunds.filter(same).first()
        if refund is None:
            if report.currency != current.received_currency or current.is_matched:
                return None
            try:
                reserve(current, amount)
            except RefundError:
                return None
            refund = current.refunds.create(
                payment=current.payment,
                amount=amount,
                currency=report.currency,
                psp_reference=report.psp_reference,
                idempotency_key=secrets.token_hex(16),
                elsewhere=True,
                reason=text(report.reason),
            )
            verb = journal.Verb.REFUND_REQUESTED
            journal.refund(verb, refund, actor=by, reason=report.reason)
        outcome = report.outcome
        if refund.state == RefundState.SUCCEEDED and isinstance(outcome, Declined | Cancelled):
            # A PSP may say that it failed, and not that the money had left before.
            evidence = getattr(outcome, "evidence", {})
            outcome = CameBack(psp_reference=report.psp_reference, evidence=evidence)
        recorded = refund.record(outcome, by=by)
        failpoints.hit(Point.REFUND_REPORTED_BEFORE_COMMIT)
    return recorded


record_refund_report.alters_data = True  # type: ignore[attr-defined]
