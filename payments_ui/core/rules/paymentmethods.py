"""Rules of customers at PSPs and of saved payment methods: kept with the user's consent."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, UniqueConstraint

from payments_ui.core.paymentmethods.states import PaymentMethodState as State
from payments_ui.exceptions import EvidenceError, PaymentMethodError, PaymentMethodGoneError

from .rule import ALWAYS, CUSTOMER, METHOD, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_PENDING, _ACTIVE, _FAILED = text(State.PENDING), text(State.ACTIVE), text(State.FAILED)
_REMOVING, _REMOVED = text(State.REMOVING), text(State.REMOVED)

_CUSTOMERS = f"SELECT c.id, c.psp, c.live, c.removed_at, c.forgotten_at FROM {CUSTOMER} c"

CUSTOMERS = TableRules(
    table=CUSTOMER,
    source=_CUSTOMERS,
    rules=(
        Rule(
            name="customer_frozen",
            promise="Whose customer it is at which PSP stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,user_id,psp,account,live]}"
            " OR OLD.customer_id IS NOT NULL AND {changed[customer_id,idempotency_key]}"
            " OR OLD.removed_at IS NOT NULL AND {changed[removed_at]}",
        ),
        Rule(
            name="customer_kept",
            promise="A customer at a PSP is never deleted here.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="customer_forgotten",
            promise="A PSP forgets a customer who was removed within ten days.",
            violated_where="removed_at < %(overdue)s AND forgotten_at IS NULL",
            shows=("psp", "live", "removed_at"),
        ),
        Rule(
            name="customer_once",
            promise="A user has one customer in use at a PSP, account and mode.",
            error=PaymentMethodError,
            constraint=UniqueConstraint(
                fields=("user", "psp", "account", "live", "current"), name="payments_customer_once"
            ),
            unique=(
                *("user_id", "psp", "account", "live"),
                "CASE WHEN removed_at IS NULL THEN 1 END",
            ),
        ),
        Rule(
            name="customer_id_once",
            promise="A PSP's customer belongs to one user.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("customer_id", "psp", "account", "live"), name="payments_customer_id"
            ),
        ),
        Rule(
            name="customer_key_once",
            promise="Every customer has an idempotency key of its own.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("idempotency_key",), name="payments_customer_key"),
        ),
    ),
)

_METHODS = f"""
SELECT m.id, m.state, m.is_default, m.method_id, m.consent_text, m.removed_at,
    CASE WHEN c.user_id = m.user_id THEN 0 ELSE 1 END AS strangers
FROM {METHOD} m LEFT JOIN {CUSTOMER} c ON c.id = m.psp_customer_id
"""
_NOT_THEIRS = f"""NOT EXISTS (SELECT 1 FROM {CUSTOMER} c WHERE c.id = NEW.psp_customer_id
    AND c.user_id = NEW.user_id AND c.removed_at IS NULL {{share}})"""

PAYMENT_METHODS = TableRules(
    table=METHOD,
    source=_METHODS,
    rules=(
        Rule(
            name="method_born",
            promise="A payment method begins as pending, and not as the default.",
            error=EvidenceError,
            refuse_insert=f"NEW.state <> {_PENDING} OR NEW.method_id IS NOT NULL",
        ),
        Rule(
            name="method_state",
            promise="A payment method's state is a known one.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state__in=[str(state) for state in State]),
                name="payments_method_known_state",
            ),
            never=f"{{row}}state NOT IN ({text(*State)})",
            shows=("state",),
        ),
        Rule(
            name="method_theirs",
            promise="A payment method belongs to its customer's user.",
            error=PaymentMethodGoneError,
            refuse_insert=_NOT_THEIRS,
            violated_where="strangers = 1",
            shows=("state",),
        ),
        Rule(
            name="method_consent",
            promise="A payment method is kept only with its user's consent.",
            error=PaymentMethodError,
            constraint=CheckConstraint(
                condition=~Q(consent_text=""), name="payments_method_consent"
            ),
            never="{row}consent_text = ''",
            shows=("state",),
        ),
        Rule(
            name="method_named",
            promise="A payment method in use has the PSP's id of it.",
            error=PaymentMethodError,
            constraint=CheckConstraint(
                condition=~Q(state=State.ACTIVE.value) | Q(method_id__isnull=False),
                name="payments_method_named",
            ),
            never=f"{{row}}state = {_ACTIVE} AND {{row}}method_id IS NULL",
            shows=("state",),
        ),
        Rule(
            name="method_default",
            promise="Only a payment method in use is the default.",
            error=PaymentMethodGoneError,
            constraint=CheckConstraint(
                condition=Q(is_default=False) | Q(state=State.ACTIVE.value),
                name="payments_method_default",
            ),
            never=f"{{row}}is_default AND {{row}}state <> {_ACTIVE}",
            shows=("state",),
        ),
        Rule(
            name="method_frozen",
            promise="What a user agreed to, and what was saved, stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,user_id,psp_customer_id,moocher,attempt_id]}"
            " OR {changed[idempotency_key,consent_text,consent_version]}"
            " OR {changed[consent_given_at,unattended_text]}"
            " OR {changed[consent_ip]} AND NEW.consent_ip <> ''"
            " OR OLD.method_id IS NOT NULL AND {changed[method_id]}",
        ),
        Rule(
            name="method_final",
            promise="A payment method that was removed is not used again.",
            error=EvidenceError,
            # What is saved late, after the user removed it, has yet to be removed at the PSP.
            refuse_update="{changed[state]} AND ("
            f" NEW.state = {_PENDING}"
            f" OR OLD.state = {_ACTIVE} AND NEW.state <> {_REMOVING}"
            f" OR OLD.state = {_FAILED} AND NEW.state <> {_ACTIVE}"
            f" OR OLD.state = {_REMOVING} AND NEW.state <> {_REMOVED}"
            f" OR OLD.state = {_REMOVED} AND (NEW.state <> {_REMOVING}"
            " OR OLD.method_id IS NOT NULL))",
        ),
        Rule(
            name="method_forgotten",
            promise="A PSP gives up what was removed within ten days.",
            violated_where=f"state = {_REMOVING} AND removed_at < %(overdue)s",
            shows=("state", "removed_at"),
        ),
        Rule(
            name="method_kept",
            promise="A payment method's row is never deleted: it is the mandate's evidence.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="method_one_default",
            promise="A user has at most one default payment method.",
            error=PaymentMethodError,
            constraint=UniqueConstraint(
                fields=("user", "one_default"), name="payments_one_default_method"
            ),
            unique=("user_id", "CASE WHEN is_default THEN 1 END"),
        ),
        Rule(
            name="method_id_once",
            promise="A PSP's payment method is saved once.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("psp_customer", "method_id"), name="payments_method_id"
            ),
        ),
        Rule(
            name="method_key_once",
            promise="Every payment method has an idempotency key of its own.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("idempotency_key",), name="payments_method_key"),
        ),
        Rule(
            name="method_attempt_once",
            promise="An attempt saves at most one payment method.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("attempt",), name="payments_method_attempt"),
        ),
    ),
)
