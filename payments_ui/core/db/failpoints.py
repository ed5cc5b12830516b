"""Named places in the flow of money, where tests make something go wrong.

In production nothing is set and ``hit`` looks up one name in an empty dict. Only code that
imports this module can set an action; ``payments_ui.testing.failpoints`` has the ones tests need.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Every place where a process can die, or meet another, with money at stake."""

    CREATE_BEFORE_BIND = "create.before_bind"
    CREATE_AFTER_BIND = "create.after_bind"
    CREATE_BEFORE_COMMIT = "create.before_commit"
    ATTEMPT_AFTER_COMMIT = "attempt.after_commit"
    PREPARE_AFTER_PSP = "prepare.after_psp"
    PREPARE_AFTER_COMMIT = "prepare.after_commit"
    CUSTOMER_AFTER_PSP = "customer.after_psp"
    SAVE_AFTER_COMMIT = "save.after_commit"
    SAVE_AFTER_PSP = "save.after_psp"
    FORGET_AFTER_PSP = "forget.after_psp"
    CHARGE_BEFORE_CALL = "charge.before_call"
    CHARGE_AFTER_PSP = "charge.after_psp"
    PART_BEFORE_COMMIT = "part.before_commit"
    SETTLE_BEFORE_COMMIT = "settle.before_commit"
    SETTLE_AFTER_COMMIT = "settle.after_commit"
    ANNOUNCE_AFTER_RECEIVER = "announce.after_receiver"
    CANCEL_AFTER_PSP = "cancel.after_psp"
    CANCEL_BEFORE_COMMIT = "cancel.before_commit"
    UNDO_BEFORE_COMMIT = "undo.before_commit"
    WEBHOOK_AFTER_STORE = "webhook.after_store"
    REFUND_AFTER_REQUEST = "refund.after_request"
    REFUND_AFTER_PSP = "refund.after_psp"
    REFUND_BEFORE_COMMIT = "refund.before_commit"
    REFUND_REPORTED_BEFORE_COMMIT = "refund_reported.before_commit"
    DISPUTE_BEFORE_COMMIT = "dispute.before_commit"
    REOPEN_BEFORE_COMMIT = "reopen.before_commit"
    BULK_BETWEEN_USERS = "bulk.between_users"
    RECONCILE_AFTER_QUERY = "reconcile.after_query"
    EXPIRE_BETWEEN_PAYMENTS = "expire.between_payments"
    IMPORT_BETWEEN_BATCHES = "import.between_batches"


#: What happens at a point; set by tests.
actions: dict[Point, Callable[[], None]] = {}


def hit(point: Point) -> None:
    """Do what a test has put here; without one, nothing."""
    action = actions.get(point)
    if action is not None:
        action()
