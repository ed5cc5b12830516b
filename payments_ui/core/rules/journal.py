"""Rules of the journal, which outlives the payments it is about."""

from __future__ import annotations

from payments_ui.core.verbs import JournalVerb
from payments_ui.exceptions import EvidenceError

from .rule import ALWAYS, JOURNAL, PAYMENT, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names go in
_VANISHED = f"""
SELECT MIN(j.id) AS id, j.payment_id,
    COUNT(CASE WHEN j.verb = {text(JournalVerb.PAYMENT_CREATED)} THEN 1 END) AS created,
    COUNT(CASE WHEN j.verb = {text(JournalVerb.PAYMENT_CANCELLED)} THEN 1 END) AS cancelled,
    COUNT(CASE WHEN j.verb = {text(JournalVerb.PAYMENT_CHARGED)} THEN 1 END) AS charged
FROM {JOURNAL} j LEFT JOIN {PAYMENT} p ON p.id = j.payment_id
WHERE j.payment_id IS NOT NULL AND p.id IS NULL
GROUP BY j.payment_id
"""

JOURNAL_ENTRIES = TableRules(
    table=JOURNAL,
    source=_VANISHED,
    rules=(
        Rule(
            name="journal_kept",
            promise="The journal is never changed.",
            error=EvidenceError,
            refuse_update=ALWAYS,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="journal_vanished",
            promise="A payment that no longer exists was cancelled, and never charged.",
            violated_where="created > 0 AND cancelled <> 1 OR charged > 0",
            shows=("payment_id", "created", "cancelled", "charged"),
        ),
    ),
)
