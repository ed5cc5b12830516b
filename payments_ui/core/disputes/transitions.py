"""What a PSP says of a dispute is recorded here, in any order and number.

A report is the whole truth of its moment, but two of them may be recorded in the wrong order. So
what only grows decides which is newer: money that moved, then how far the bank's procedure is.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from payments_ui import dates, money
from payments_ui.core import delivery, journal, notify
from payments_ui.core.attempts import money_out
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import storable, text
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.db.unguarded import unguarded
from payments_ui.exceptions import InvalidAmountError, InvalidCurrencyError

from .states import OPEN_STATES
from .states import DisputeState as State

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Dispute
    from .report import DisputeReport

_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_STEPS = (State.INQUIRY, State.NEEDS_RESPONSE, State.UNDER_REVIEW)


@retrying
@second_look
def record_dispute(attempt: Attempt, report: DisputeReport, *, by: str = "") -> Dispute:
    """Write down what the PSP says of a dispute about this attempt's money.

    Returns the dispute as it is stored now. A report that is repeated, or older than what is
    stored, changes nothing. What the dispute has taken counts in the attempt's
    ``disputed_amount``, as far as it was not refunded before. The admins are notified when it
    opens and when it is decided; ``dispute_opened`` and ``dispute_closed`` are sent after the
    commit.

    Raises ``InvalidAmountError`` or ``InvalidCurrencyError`` for a report of what is no money.
    """
    facts = _facts(report)
    with transaction.atomic():
        payment = attempt.lock_payment()
        current: Attempt = payment.attempts.get(pk=attempt.pk)
        before: Dispute | None = current.disputes.filter(psp_reference=report.psp_reference).first()
        if before is None:
            closed_at = None if report.state in OPEN_STATES else timezone.now()
            current.disputes.create(
                payment=payment,
                psp_reference=report.psp_reference,
                opened_at=_as_stored(report.opened_at),
                closed_at=closed_at,
                **facts,
            )
        elif not _update(before, facts):
            return before
        dispute: Dispute = current.disputes.get(psp_reference=report.psp_reference)
        _follow_up(dispute, before, by or journal.by_moocher(attempt.moocher))
        failpoints.hit(Point.DISPUTE_BEFORE_COMMIT)
    return dispute


record_dispute.alters_data = True  # type: ignore[attr-defined]


def _facts(report: DisputeReport) -> dict[str, Any]:
    """What the report says, as the columns hold it."""
    if not _CODE.fullmatch(report.currency):
        raise InvalidCurrencyError(f"{report.currency!r} is no currency's code")
    amounts = {
        name: money.payment_amount(getattr(report, name))
        for name in ("amount", "withdrawn", "reinstated")
    }
    if min(amounts.values()) < 0:
        raise InvalidAmountError(f"Dispute {report.psp_reference} has an amount below zero")
    return {
        "state": State(report.state),
        "currency": report.currency,
        "reason": text(report.reason),
        "evidence_due_by": report.evidence_due_by and _as_stored(report.evidence_due_by),
        "evidence": storable(report.evidence),
        **amounts,
    }


def _as_stored(at: dt.datetime) -> dt.datetime:
    return at if settings.USE_TZ or timezone.is_naive(at) else timezone.make_naive(at)


def _update(dispute: Dispute, facts: dict[str, Any]) -> bool:
    """Store what is news, unless it is older than what is stored; return whether it was."""
    news = {name: new for name, new in facts.items() if getattr(dispute, name) != new}
    stored = {name: getattr(dispute, name) for name in facts}
    if not news or _progress(facts) < _progress(stored):
        return False
    now = timezone.now()
    if "state" in news:
        news["closed_at"] = None if news["state"] in OPEN_STATES else now
        news["closed_signal_sent_at"] = None
    unguarded(dispute).update(**news, updated_at=now)
    return True


def _progress(facts: dict[str, Any]) -> tuple[Decimal, int]:
    """What only grows: the money that moved either way, then the bank's procedure."""
    state = facts["state"]
    step = _STEPS.index(state) if state in _STEPS else len(_STEPS)
    return facts["withdrawn"] + facts["reinstated"], step


def _follow_up(dispute: Dispute, before: Dispute | None, by: str) -> None:
    """Everything that follows from what was stored, in its transaction."""
    attempt: Attempt = dispute.attempt
    money_out.count(attempt, attempt.refunded_amount)
    verb = journal.Verb.DISPUTE_OPENED if before is None else journal.Verb.DISPUTE_CHANGED
    detail = {
        "from": "" if before is None else before.state,
        "to": dispute.state,
        "withdrawn": f"{dispute.withdrawn.normalize():f}",
        "reinstated": f"{dispute.reinstated.normalize():f}",
    }
    journal.dispute(verb, dispute, actor=by, reason=dispute.reason, detail=detail)
    if before is None:
        _notify(dispute)
        transaction.on_commit(lambda: delivery.send_dispute_opened(dispute), robust=True)
    if not dispute.is_open and (before is None or before.state != dispute.state):
        if before is not None:
            _notify(dispute)
        transaction.on_commit(lambda: delivery.send_dispute_closed(dispute), robust=True)


# In the language of its sentences, whichever the request speaks.
@translation.override("en")
def _notify(dispute: Dispute) -> None:
    """Tell the admins what they have to know and do about a dispute that opened or ended."""
    attempt: Attempt = dispute.attempt
    amount = money.format_amount(dispute.amount, dispute.currency)
    state = dispute.get_state_display()
    lines = [
        f"{amount} of attempt {attempt.reference}, payment {attempt.payment_id}: {state}.",
        f"The service calls it {dispute.psp_reference}. Reason: {dispute.reason or '-'}.",
    ]
    if dispute.is_open and dispute.evidence_due_by is not None:
        due = dates.format_moment(dispute.evidence_due_by)
        lines.append(f"Send your evidence to the service by {due}.")
    if dispute.taken > attempt.received - attempt.refunded_amount:
        lines.append("Part of it was refunded before: the customer has got that money twice.")
    if dispute.reopened_at is not None:
        lines.append("Its charges are owed again since it was lost: see that nobody pays twice.")
    notify.admins_after_commit(f"A dispute: {state}", "\n".join(lines))
