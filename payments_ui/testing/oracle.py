"""Whether the sandbox PSP and our database tell the same story about money.

The sandbox kept its books without looking at ours, so what both say alike is true. Asked at the
end of a test, once everything is settled that can be::

    assert compare(psp) == []
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from django.db.models import QuerySet, Sum

from payments_ui import money
from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.registry import RESERVED
from payments_ui.moochers.sandbox import SandboxMoocher

from .psp import Charge, SandboxPSP, Status
from .psp.amounts import decimals, format_amount

_PAGE = 500


def compare(psp: SandboxPSP, moocher: SandboxMoocher | None = None) -> list[str]:
    """Return a sentence for each difference between the sandbox's books and our database.

    Compared are what was taken and what was given back: of each charge, and in sum by
    currency. Money that people book by hand is left out, as the sandbox never saw it. With a
    moocher, only its attempts and the charges of its kind are looked at. What the sandbox took
    and nobody has asked about yet is a difference.
    """
    comparison = Comparison(moocher)
    found = list(comparison.charges(psp.ledger.charges.all()))
    found += comparison.inventions(psp)
    return found + comparison.sums()


class Comparison:
    """What is known while charge after charge is compared."""

    def __init__(self, moocher: SandboxMoocher | None) -> None:
        self._method = ""
        # What people book, and what was settled without a PSP, the sandbox never saw.
        attempts: QuerySet[Attempt] = Attempt.objects.exclude(moocher__in=RESERVED)
        self._attempts = attempts.exclude(manual=True).exclude(amount=0, psp_reference=None)
        if moocher is not None:
            self._method = "card" if moocher.kind == "card" else "page"
            self._attempts = self._attempts.filter(moocher=moocher.identifier)
        self._taken: Counter[str] = Counter()
        self._refunded: Counter[str] = Counter()

    def charges(self, charges: Iterator[Charge]) -> Iterator[str]:
        """Go through the sandbox's charges, and look each up in our database."""
        while page := list(islice(charges, _PAGE)):
            ours = [charge for charge in page if self._method in {"", charge.method}]
            known = self._known(ours)
            given_back = _given_back(known.values())
            for charge in ours:
                attempt = known.get(charge.id)
                self._count(charge)
                yield from self._taking(charge, attempt)
                yield from _giving_back(charge, given_back.get(charge.id, Decimal(0)))

    def inventions(self, psp: SandboxPSP) -> Iterator[str]:
        """Go through what arrived by our database, and look each up in the sandbox's books."""
        for attempt in self._arrived().iterator(_PAGE):
            if psp.ledger.charges.get(attempt.psp_reference or "") is None:
                yield f"{_named(attempt)}; the PSP has no such charge."

    def sums(self) -> list[str]:
        """Compare what was taken, and given back, by currency."""
        booked = _rounded(
            self._arrived().values_list("received_currency").annotate(Sum("received_amount"))
        )
        back = _rounded(
            _succeeded(self._attempts).values_list("currency").annotate(Sum("amount")).order_by()
        )
        sums = (("took", self._taken, booked), ("gave back", self._refunded, back))
        return [
            f"Altogether the PSP {verb} {format_amount(theirs[currency], currency)};"
            f" our database says {_money(ours.get(currency, Decimal()), currency)}."
            for verb, theirs, ours in sums
            for currency in sorted({*theirs, *ours})
            if _units(theirs[currency], currency) != ours.get(currency, 0)
        ]

    def _arrived(self) -> QuerySet[Attempt]:
        return self._attempts.filter(state__in=Attempt.ARRIVED).order_by()

    def _known(self, charges: list[Charge]) -> dict[str, Attempt]:
        found = self._attempts.filter(psp_reference__in=[charge.id for charge in charges])
        return {attempt.psp_reference or "": attempt for attempt in found}

    def _count(self, charge: Charge) -> None:
        if charge.status == Status.SUCCEEDED:
            self._taken[charge.currency] += charge.amount
            self._refunded[charge.currency] += charge.refunded

    def _taking(self, charge: Charge, attempt: Attempt | None) -> Iterator[str]:
        taken = charge.status == Status.SUCCEEDED
        amount = format_amount(charge.amount, charge.currency)
        if attempt is None or attempt.state not in Attempt.ARRIVED:
            if taken:
                said = self._say(charge)
                yield f"The PSP took {amount} as {charge.id}; our database says {said}."
        elif not taken:
            yield f"{_named(attempt)}; the PSP says {charge.status}."
        elif (attempt.received, attempt.received_currency) != (
            _units(charge.amount, charge.currency),
            charge.currency,
        ):
            yield f"{_named(attempt)}; the PSP took {amount}."

    def _say(self, charge: Charge) -> str:
        attempt = self._attempts.filter(idempotency_key=charge.reference).first()
        if attempt is None:
            return "nothing of it"
        known = f" as {attempt.psp_reference}" if attempt.psp_reference else ""
        return f"attempt {attempt.pk} is {attempt.state}{known}"


def _succeeded(attempts: QuerySet[Attempt] | Iterable[Attempt]) -> QuerySet[Refund]:
    refunds: QuerySet[Refund] = Refund.objects.filter(attempt__in=attempts, manual=False)
    return refunds.filter(state=Refund.State.SUCCEEDED)


def _rounded(sums: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    # SQLite adds floats: after a hundred amounts the last of its digits are wrong.
    return {currency: money.round_amount(total, currency) for currency, total in sums}


def _given_back(attempts: Iterable[Attempt]) -> dict[str, Decimal]:
    rows = _succeeded(list(attempts)).values_list("attempt__psp_reference").annotate(Sum("amount"))
    return dict(rows.order_by())


def _giving_back(charge: Charge, ours: Decimal) -> Iterator[str]:
    ours = money.round_amount(ours, charge.currency)
    if ours != _units(charge.refunded, charge.currency):
        theirs, said = (
            format_amount(charge.refunded, charge.currency),
            _money(ours, charge.currency),
        )
        yield f"Of {charge.id} the PSP gave back {theirs}; our database says {said}."


def _named(attempt: Attempt) -> str:
    arrived = _money(attempt.received, attempt.received_currency)
    return f"Our database says {arrived} arrived with attempt {attempt.pk} ({attempt.state})"


def _money(amount: Decimal, currency: str) -> str:
    places = max(decimals(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{currency} {amount:,.{places}f}"


def _units(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-decimals(currency))
