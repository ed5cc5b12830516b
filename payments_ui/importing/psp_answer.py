"""What a moocher of django-mooch kept of its PSP's answer, in the text ``transaction``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import Count

from payments_ui.core.models import Attempt

from .source import SourcePayment

#: The moocher of a charge that names none.
NO_MOOCHER = "imported"
_LONGEST = 200


@dataclass(frozen=True)
class PSPAnswer:
    """Who charged, and the fields of the answer where it is a JSON object."""

    moocher: str
    fields: Mapping[str, object]

    @classmethod
    def of(cls, payment: SourcePayment) -> PSPAnswer:
        """Read it from the payment."""
        try:
            fields = json.loads(payment.transaction)
        except ValueError:
            fields = None
        moocher = payment.payment_service_provider or NO_MOOCHER
        return cls(moocher, fields if isinstance(fields, dict) else {})

    @property
    def is_declined(self) -> bool:
        """Whether the PSP says that it took no money."""
        return "error" in self.fields or self.fields.get("paid") is False

    @property
    def is_live(self) -> bool:
        """Whether the PSP says that real money moved."""
        return self.fields.get("livemode") is True

    @property
    def reference(self) -> str | None:
        """What the PSP calls the charge; ``None`` unless the answer says so plainly."""
        identifier = None if self.is_declined else self.fields.get("id")
        is_plain = isinstance(identifier, str) and 0 < len(identifier) <= _LONGEST
        return str(identifier) if is_plain else None


def shared_answers(using: str) -> frozenset[str]:
    """JSON answers that several charged payments have."""
    rows: models.QuerySet[SourcePayment] = models.QuerySet(SourcePayment, using=using)
    charged = rows.filter(charged_at__isnull=False, transaction__startswith="{")
    counted = charged.values("transaction").annotate(times=Count("id")).filter(times__gt=1)
    return frozenset(counted.order_by().values_list("transaction", flat=True))


def taken_references(answers: Sequence[PSPAnswer], using: str) -> set[tuple[str, str | None]]:
    """Pairs of moocher and reference that several of these have, or a stored attempt has."""
    pairs = Counter((answer.moocher, answer.reference) for answer in answers if answer.reference)
    stored = Attempt.objects.using(using).filter(
        account="",
        moocher__in={moocher for moocher, _reference in pairs},
        psp_reference__in={reference for _moocher, reference in pairs},
    )
    several = (pair for pair, times in pairs.items() if times > 1)
    return {*stored.order_by().values_list("moocher", "psp_reference"), *several}
