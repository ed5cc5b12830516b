"""Letting a customer owe again what a lost dispute has taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from payments_ui import dates
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.exceptions import NoDisputeLostError, NotChargedError, PaymentStateError

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt
    from payments_ui.core.payments.model import Payment


@retrying
def reopen_charges(payment: Payment, *, reason: str, by: str = journal.SYSTEM) -> None:
    """Let the customer owe again what lost disputes have taken back, once for each dispute.

    Where they took all that was paid, the payment is undone: its line items are unbound, and
    ``payment_undone`` is sent. Where they took a part, that amount is a new line item. Moves no
    money.

    Raises ``NoDisputeLostError`` where none was lost, or it is owed again already,
    ``NotChargedError``, ``PaymentStateError`` without a reason, and where all of it is owed
    again ``AttemptOpenError`` and ``RefundOpenError`` as ``undo`` does.
    """
    if not reason.strip():
        raise PaymentStateError("reopen_charges() needs a reason")
    with transaction.atomic():
        locked = payment.lock()
        if locked is None or not locked.charged_at:
            raise NotChargedError(f"{payment.pk} is not charged")
        settled = locked.settled_attempt()
        lost = settled.disputes.lost().filter(currency=settled.received_currency)
        due = list(lost.filter(reopened_at=None).order_by("pk"))
        amount = sum((dispute.taken for dispute in due), start=Decimal(0))
        if amount <= 0:
            raise NoDisputeLostError(f"No dispute of {payment.pk} was lost since")
        now = timezone.now()
        for dispute in due:
            unguarded(dispute).update(reopened_at=now)
            verb, detail = journal.Verb.CHARGES_REOPENED, {"amount": f"{dispute.taken:f}"}
            journal.dispute(verb, dispute, actor=by, reason=reason, detail=detail)
        if amount == settled.received and not settled.refunded_amount:
            locked.undo(by=by, reason=reason)
        else:
            locked.lineitems.model.objects.record(
                user=locked.user,
                title=_title(settled),
                amount=amount,
                currency=locked.currency,
                key=f"dispute-{due[0].pk}",
            )
        failpoints.hit(Point.REOPEN_BEFORE_COMMIT)
    payment.charged_at, payment.undone_at = locked.charged_at, locked.undone_at


reopen_charges.alters_data = True  # type: ignore[attr-defined]


def _title(settled: Attempt) -> str:
    # In the site's own language, as the titles of its other line items.
    with translation.override(settings.LANGUAGE_CODE):
        date = dates.format_date(settled.started_at)
        return _("Payment of %(date)s, taken back by your bank") % {"date": date}
