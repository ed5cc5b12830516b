"""What the text says in which a moocher of django-mooch keeps a PSP's answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count

from payments_ui.core.models import Attempt

from .source import SourcePayment

#: The moocher of a charge that names none.
NOBODY = "imported"
_LONGEST = 200


@dataclass(frozen=True)
class Record:
    """Who charged, and the answer where it is a JSON object."""

    moocher: str
    answer: dict[str, Any]

    @classmethod
    def of(cls, payment: SourcePayment) -> Record:
        """Read it."""
        try:
            answer = json.loads(payment.transaction)
        except ValueError:
            answer = None
        moocher = payment.payment_service_provider or NOBODY
        return cls(moocher, answer if isinstance(answer, dict) else {})

    @property
    def is_declined(self) -> bool:
        """Whether the PSP says that it took no money."""
        return "error" in self.answer or self.answer.get("paid") is False

    @property
    def is_live(self) -> bool:
        """Whether the PSP says that it was in live mode."""
        return self.answer.get("livemode") is True

    @property
    def reference(self) -> str | None:
        """What the PSP calls the charge; ``None`` where it does not say so plainly."""
        identifier = None if self.is_declined else self.answer.get("id")
        if isinstance(identifier, str) and 0 < len(identifier) <= _LONGEST:
            return identifier
        return None


def repeated(using: str) -> frozenset[str]:
    """JSON answers that are kept with more than one charged payment."""
    rows: models.QuerySet[SourcePayment] = models.QuerySet(SourcePayment, using=using)
    charged = rows.filter(charged_at__isnull=False, transaction__startswith="{")
    counted = charged.values("transaction").annotate(times=Count("id")).filter(times__gt=1)
    return frozenset(counted.order_by().values_list("transaction", flat=True))


def taken(records: Sequence[Record], using: str) -> set[tuple[str, str | None]]:
    """Pairs of moocher and reference that several of these have, or an attempt that is here."""
    pairs = Counter((record.moocher, record.reference) for record in records if record.reference)
    stored = Attempt.objects.using(using).filter(
        account="",
        moocher__in={moocher for moocher, _reference in pairs},
        psp_reference__in={reference for _moocher, reference in pairs},
    )
    several = (pair for pair, times in pairs.items() if times > 1)
    return {*stored.order_by().values_list("moocher", "psp_reference"), *several}
