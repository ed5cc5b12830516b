"""What is promised of the journal about payments that are not there any more."""

from __future__ import annotations

from payments_ui.core.models import JournalEntry

from .words import Rule, Scan

_SOURCE = """
SELECT MIN(j.id) AS id, j.payment_id,
    COUNT(CASE WHEN j.verb = 'payment_created' THEN 1 END) AS created,
    COUNT(CASE WHEN j.verb = 'payment_cancelled' THEN 1 END) AS cancelled,
    COUNT(CASE WHEN j.verb = 'payment_charged' THEN 1 END) AS charged
FROM {journalentry} j LEFT JOIN {payment} p ON p.id = j.payment_id
WHERE j.payment_id IS NOT NULL AND p.id IS NULL
GROUP BY j.payment_id
"""

JOURNAL = Scan(
    model=JournalEntry,
    source=_SOURCE,
    rules=(
        Rule(
            "journal_vanished",
            "A payment that is not there any more was cancelled, and never charged.",
            "created > 0 AND cancelled <> 1 OR charged > 0",
            ("payment_id", "created", "cancelled", "charged"),
        ),
    ),
)
