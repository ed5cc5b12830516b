"""The seals of PostgreSQL: functions that are called only for rows which a WHEN picks.

Binding and letting go of line items are looked at once per statement, however many there are.
Within a function each query has a snapshot of its own, if the isolation is READ COMMITTED.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from .bills import LINEITEMS
from .rule import DELETE, LINEITEM, PAYMENT, UPDATE, Rule
from .rules import GUARDS, LOCKS, by_event
from .sql import STAMP, Dialect, Seal, minor_units, seal_name, stamped

# ruff: noqa: S608 - only our own tables' names go in
#: Name and source of the triggers in the database.
STORED = """
SELECT t.tgname, p.prosrc FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND pg_table_is_visible(c.oid)
"""
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")
_UNIT = minor_units("1", "0.001", "0.01")
_ADDS_UP = f"""COALESCE((SELECT COUNT(*) > 0
    AND COUNT(*) FILTER (WHERE i.user_id <> NEW.user_id OR i.currency <> NEW.currency) = 0
    AND MOD(NEW.amount, {_UNIT}) = 0 AND 2 * ABS(NEW.amount - SUM(i.amount)) <= {_UNIT}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id), FALSE)"""
_DIALECT = Dialect(
    differs='OLD."{0}" IS DISTINCT FROM NEW."{0}"', share="FOR SHARE", adds_up=_ADDS_UP
)
_RETURN = {DELETE: "OLD"}
_BY_STATEMENT = {rule.name: rule for rule in LINEITEMS if "{share}" in rule.broken.get(UPDATE, "")}
# First, drafts that line items come to or leave: who seals them waits, or is waited for. By a
# write, since a transaction with one snapshot (REPEATABLE READ) would not see a mere lock. Then
# the few payments are looked at, and the many line items only where one of those is sealed.
_STATEMENT = f"""DECLARE
    is_sealed boolean;
    is_other boolean;
    is_kept boolean;
BEGIN
UPDATE {PAYMENT} p SET created_at = p.created_at WHERE p.sealed_at IS NULL AND p.id IN (
    SELECT payment_id FROM payments_was WHERE payment_id IS NOT NULL
    UNION SELECT payment_id FROM payments_now WHERE payment_id IS NOT NULL);
SELECT bool_or(p.sealed_at IS NOT NULL), bool_or(p.sealed_at IS NULL
        AND (p.user_id <> i.user_id OR p.currency NOT IN ('', i.currency))),
    (SELECT bool_or(p.sealed_at IS NOT NULL AND p.cancelled_at IS NULL AND p.undone_at IS NULL)
        FROM (SELECT DISTINCT payment_id FROM payments_was WHERE payment_id IS NOT NULL) o
        JOIN {PAYMENT} p ON p.id = o.payment_id)
    INTO is_sealed, is_other, is_kept
    FROM (SELECT DISTINCT payment_id, user_id, currency FROM payments_now
        WHERE payment_id IS NOT NULL) i
    JOIN {PAYMENT} p ON p.id = i.payment_id;
IF is_other OR is_sealed AND EXISTS (
        SELECT FROM payments_now n JOIN {PAYMENT} p ON p.id = n.payment_id
        WHERE p.sealed_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM payments_was o WHERE o.id = n.id AND o.payment_id = n.payment_id)) THEN
    {{bound}}
END IF;
IF is_kept AND EXISTS (
        SELECT FROM payments_was o JOIN {PAYMENT} p ON p.id = o.payment_id
        WHERE p.sealed_at IS NOT NULL AND p.cancelled_at IS NULL AND p.undone_at IS NULL
        AND NOT EXISTS (
            SELECT FROM payments_now n WHERE n.id = o.id AND n.payment_id = o.payment_id)) THEN
    {{released}}
END IF;
RETURN NULL;
END"""


def seals(connection: BaseDatabaseWrapper) -> Iterator[Seal]:
    """A trigger for each table and event, and one for the statements that bind line items."""
    for (table, event), rules in by_event().items():
        here = [rule for rule in rules if event != UPDATE or rule.name not in _BY_STATEMENT]
        name = seal_name(table, event)
        yield _seal(name, table, event, _body(here, table, event), _row(here, table, event))
    name = f"{seal_name(LINEITEM, UPDATE)}s"
    yield _seal(name, LINEITEM, UPDATE, _statement(), _STATEMENT_TRIGGER)


_STATEMENT_TRIGGER = f"""AFTER UPDATE ON {LINEITEM}
    REFERENCING OLD TABLE AS payments_was NEW TABLE AS payments_now FOR EACH STATEMENT"""


def _statement() -> str:
    bound, released = (_raise(_BY_STATEMENT[f"lineitem_{verb}"]) for verb in ("bound", "released"))
    return _STATEMENT.format(bound=bound, released=released)


def _row(rules: Sequence[Rule], table: str, event: str) -> str:
    row = f"BEFORE {event} ON {table} FOR EACH ROW"
    if (table, event) == (LINEITEM, UPDATE):
        # Nothing but what these refuse, so that for all other rows no function is called.
        broken = (f"({_DIALECT.say(rule.broken[event])})" for rule in rules)
        return f"{row} WHEN ({' OR '.join(broken)})"
    return f"{row} WHEN ({_DIALECT.guard(table, event)})" if (table, event) in GUARDS else row


def _body(rules: Sequence[Rule], table: str, event: str) -> str:
    lock = LOCKS.get((table, event))
    checks = (f"IF {_DIALECT.say(r.broken[event])} THEN {_raise(r)} END IF;" for r in rules)
    locked = f"PERFORM 1 {lock} FOR NO KEY UPDATE;" if lock else ""
    return "\n".join(["BEGIN", locked, *checks, f"RETURN {_RETURN.get(event, 'NEW')};", "END"])


def _raise(rule: Rule) -> str:
    name, _, _sentence = rule.refusal.partition(":")
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{rule.refusal}',"
        f" TABLE = '{rule.table}', CONSTRAINT = '{name}';"
    )


def _seal(name: str, table: str, event: str, body: str, when: str) -> Seal:
    function = f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
        $payments_seal$ {STAMP} {body} $payments_seal$"""
    trigger = f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"
    drop = (f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()")
    return stamped(name, event, (function, trigger), drop)
