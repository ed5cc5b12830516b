"""The triggers of PostgreSQL: functions that are called only for rows which a WHEN picks.

Binding and releasing line items are looked at once per statement, however many they are. Within
a function each query has a snapshot of its own, if the isolation is READ COMMITTED. Functions
read the tables of the books' own schema: their ``search_path`` puts temporary tables last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.core.rules import Rule, TableRules
from payments_ui.core.rules.currencies import by_minor_unit
from payments_ui.core.rules.lineitems import BOUND, LINEITEMS, RELEASED
from payments_ui.core.rules.rule import LINEITEM, PAYMENT, PREFIX

from .compiler import (
    VERSION,
    Dialect,
    Trigger,
    by_event,
    guarded,
    message,
    name_of,
    versioned,
)

# ruff: noqa: S608 - only our own tables' names go in
#: Names and sources of the triggers that fire in an ordinary session.
STORED = """
SELECT t.tgname, p.prosrc FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid)
"""
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")
#: What is made before the triggers, and dropped after them.
BASE: tuple[str, ...] = ()
DROP_BASE: tuple[str, ...] = ()
_SCHEMA = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s)
"""
_SWITCHED_OFF = """
SELECT conname FROM pg_constraint WHERE NOT convalidated AND starts_with(conname, 'payments_')
UNION ALL SELECT 'session_replication_role'
WHERE current_setting('session_replication_role') = 'replica'
"""
_UNIT = by_minor_unit("1", "0.001", "0.01")
_DIALECT = Dialect(
    changed='OLD."{0}" IS DISTINCT FROM NEW."{0}"',
    empty="NEW.\"{0}\" = '{{}}'",
    anonymized="NEW.\"{0}\"::text LIKE '%anonymized%'",
    share="FOR SHARE",
    adds_up=f"""COALESCE((SELECT COUNT(*) > 0
    AND COUNT(*) FILTER (WHERE i.user_id <> NEW.user_id OR i.currency <> NEW.currency) = 0
    AND MOD(NEW.amount, {_UNIT}) = 0 AND 2 * ABS(NEW.amount - SUM(i.amount)) <= {_UNIT}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id), FALSE)""",
)
_BY_STATEMENT = f"{name_of(LINEITEMS, 'UPDATE')}s"
NAMES = frozenset([_BY_STATEMENT, *(name_of(table, event) for table, event, _rules in by_event())])
# As a rule one question is enough: line items came to drafts of their own that this transaction has
# written, and so has locked, and left payments that cannot be paid any more. If not, all is asked.
# First, drafts that line items come to or leave: who seals them waits, or is waited for. By a
# write, since a transaction with one snapshot (REPEATABLE READ) would not see a mere lock.
# The planner knows nothing of the statement's rows, and keeps its plan for the session. So the
# payments, few as a rule, are collected first and then found by their primary keys, and the rows
# before and after are compared by EXCEPT: a join of them may be planned as one row with each.
_BODY = """DECLARE
    touched uuid[];
    sealed uuid[];
    kept uuid[];
BEGIN
IF NOT EXISTS (SELECT FROM (
        SELECT DISTINCT payment_id, user_id, currency FROM payments_now
        WHERE payment_id IS NOT NULL) i
    WHERE (SELECT p.sealed_at IS NULL AND p.xmin = pg_current_xact_id()::xid
        AND p.user_id = i.user_id AND p.currency IN ('', i.currency)
        FROM {payment} p WHERE p.id = i.payment_id) IS NOT TRUE)
AND NOT EXISTS (SELECT FROM (
        SELECT DISTINCT payment_id FROM payments_was WHERE payment_id IS NOT NULL) i
    WHERE (SELECT p.cancelled_at IS NOT NULL OR p.undone_at IS NOT NULL
        FROM {payment} p WHERE p.id = i.payment_id) IS NOT TRUE) THEN
    RETURN NULL;
END IF;
touched := ARRAY(
    SELECT payment_id FROM payments_was WHERE payment_id IS NOT NULL
    UNION SELECT payment_id FROM payments_now WHERE payment_id IS NOT NULL);
UPDATE {payment} SET created_at = created_at WHERE id = ANY (touched) AND sealed_at IS NULL;
IF EXISTS (
        SELECT FROM (SELECT DISTINCT payment_id, user_id, currency FROM payments_now
            WHERE payment_id IS NOT NULL) i
        JOIN {payment} p ON p.id = i.payment_id
        WHERE p.id = ANY (touched) AND p.sealed_at IS NULL
        AND (p.user_id <> i.user_id OR p.currency NOT IN ('', i.currency))) THEN
    {bound}
END IF;
sealed := ARRAY(SELECT id FROM {payment} WHERE id = ANY (touched) AND sealed_at IS NOT NULL);
IF cardinality(sealed) > 0 THEN
    IF EXISTS (SELECT id, payment_id FROM payments_now WHERE payment_id = ANY (sealed)
            EXCEPT SELECT id, payment_id FROM payments_was) THEN
        {bound}
    END IF;
    kept := ARRAY(SELECT id FROM {payment}
        WHERE id = ANY (sealed) AND cancelled_at IS NULL AND undone_at IS NULL);
    IF cardinality(kept) > 0 THEN
        IF EXISTS (SELECT id, payment_id FROM payments_was WHERE payment_id = ANY (kept)
                EXCEPT SELECT id, payment_id FROM payments_now) THEN
            {released}
        END IF;
    END IF;
END IF;
RETURN NULL;
END"""


def triggers(connection: BaseDatabaseWrapper) -> Iterator[Trigger]:  # runs on PostgreSQL only
    """Yield a trigger for each table and event, and one for statements that bind line items."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMA, [PAYMENT])
        (schema,) = cursor.fetchone() or ("public",)
    for table, event, rules in by_event():
        by_row = [rule for rule in rules if event != "UPDATE" or rule not in (BOUND, RELEASED)]
        checks = (
            _if(guard, _if(question, _raise(rule, table)))
            for condition, rule in _DIALECT.refusals(by_row, event)
            for guard, question in guarded(condition)
        )
        lock = table.locks.get(event)
        locked = f"PERFORM 1 {lock} FOR NO KEY UPDATE;" if lock else ""
        result = "OLD" if event == "DELETE" else "NEW"
        body = "\n".join(["BEGIN", locked, *checks, f"RETURN {result};", "END"])
        # A trigger before an UPDATE locks each row, and logs that, though it is called for none.
        moment = "AFTER" if (table, event) == (LINEITEMS, "UPDATE") else "BEFORE"
        when = f"{moment} {event} ON {table.table} FOR EACH ROW{_when(table, event, by_row)}"
        yield _trigger(name_of(table, event), table, event, schema, body, when)
    raised = {"bound": _raise(BOUND, LINEITEMS), "released": _raise(RELEASED, LINEITEMS)}
    when = f"""AFTER UPDATE ON {LINEITEM}
        REFERENCING OLD TABLE AS payments_was NEW TABLE AS payments_now FOR EACH STATEMENT"""
    body = _BODY.format(payment=PAYMENT, **raised)
    yield _trigger(_BY_STATEMENT, LINEITEMS, "UPDATE", schema, body, when)


def switched_off(connection: BaseDatabaseWrapper) -> Iterator[str]:  # runs on PostgreSQL only
    """Yield what this session does not check, and constraints that are not valid or enforced."""
    with connection.cursor() as cursor:
        cursor.execute(_SWITCHED_OFF)
        yield from (name for (name,) in cursor.fetchall())


def _when(  # runs on PostgreSQL only
    table: TableRules, event: str, rules: Sequence[Rule]
) -> str:
    refused = [f"({condition})" for condition, _rule in _DIALECT.refusals(rules, event)]
    if event not in table.locks and not any("SELECT" in condition for condition in refused):
        # Nothing but what these refuse, so that for all other rows no function is called.
        return f" WHEN ({' OR '.join(refused)})"
    watched = table.watched.get(event)
    return f" WHEN ({_DIALECT.sql(watched)})" if watched else ""


def _if(condition: str, then: str) -> str:  # runs on PostgreSQL only
    return f"IF {condition} THEN {then} END IF;" if condition else then


def _raise(rule: Rule, table: TableRules) -> str:  # runs on PostgreSQL only
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{message(rule)}',"
        f" TABLE = '{table.table}', CONSTRAINT = '{PREFIX}{rule.name}';"
    )


def _trigger(  # runs on PostgreSQL only
    name: str, table: TableRules, event: str, schema: str, body: str, when: str
) -> Trigger:
    function = f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, "{schema}", pg_temp AS
        $payments_ui$ -- {VERSION}
        {body} $payments_ui$"""
    trigger = f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"
    drop = (f"DROP TRIGGER IF EXISTS {name} ON {table.table}", f"DROP FUNCTION IF EXISTS {name}()")
    return versioned(name, event, (function, trigger), drop)
