"""An attempt as a report about it finds it: with all that booking it depends on, in one statement.

Read under the payment's lock: what is asked together is answered at one moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections

from payments_ui.core.rules.rule import ATTEMPT, METHOD, SUSPENSE, text
from payments_ui.core.suspense.states import SuspenseKind, SuspenseState

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment

    from .model import Attempt

    class ReportedAttempt(Attempt):
        """An attempt as ``reported`` reads it."""

        #: Whether another attempt has the reported reference of the same PSP and account.
        is_reference_taken: bool
        #: Whether a person was asked to look into it, as its outcome was not known for long.
        is_overdue: bool
        #: Whether a payment method is saved with it.
        is_saving: bool


# ruff: noqa: S608 - only our own tables' names go in
_REPORTED = f"""
SELECT attempt.*, EXISTS (
    SELECT 1 FROM {ATTEMPT} AS other WHERE other.psp_reference = %s
    AND other.moocher = attempt.moocher AND other.account = attempt.account
    AND other.id <> attempt.id
) AS is_reference_taken, EXISTS (
    SELECT 1 FROM {SUSPENSE} WHERE attempt_id = attempt.id
    AND kind = {text(SuspenseKind.OVERDUE)} AND state = {text(SuspenseState.OPEN)}
) AS is_overdue, EXISTS (
    SELECT 1 FROM {METHOD} WHERE attempt_id = attempt.id
) AS is_saving
FROM {ATTEMPT} AS attempt WHERE id = %s
"""


def reported(payment: Payment, pk: UUID, psp_reference: str | None) -> ReportedAttempt:
    """The attempt of a locked payment, of which something is reported with this reference."""
    attempts: Any = payment.attempts.all()
    connection = connections[attempts.db]
    meta = attempts.model._meta
    reference = meta.get_field("psp_reference").get_db_prep_save(psp_reference or None, connection)
    key = meta.pk.get_db_prep_save(pk, connection)
    attempt: ReportedAttempt = next(iter(attempts.raw(_REPORTED, [reference, key])))
    attempt.payment = payment
    return attempt


def close_overdue(attempt: ReportedAttempt, *, by: str) -> None:
    """The outcome is known by now: a clerk need not look into it any more."""
    if attempt.is_overdue:
        attempt.suspense_items.close_overdue(by=by)
