"""Whether the ledger of a fake PSP and our database agree about money.

The PSP kept its ledger without a look at our database, so what both say is true. Ask at the end of
a test, when open attempts are settled::

    assert compare(psp) == []
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice

from django.db.models import QuerySet, Sum

from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import RESERVED
from payments_ui.moochers.sandbox import SandboxMoocher

from .psp import Charge, SandboxPSP, Status
from .psp.amounts import decimals, format_amount, written

_PAGE_SIZE = 500


def compare(psp: SandboxPSP, moocher: Moocher | None = None) -> list[str]:
    """Return a sentence for each difference between the PSP's ledger and our database.

    Compares what was taken, refunded and disputed: of each charge, and in sum by currency. Money
    that people book by hand is left out, since the PSP never saw it. With a moocher, compares
    only its attempts and the charges of its kind: those of the same API, and the sandbox's of
    the same form. A charge that the PSP took, and that our database does not know yet, is a
    difference.
    """
    comparison = _Comparison(psp, moocher)
    return [*comparison.of_charges(), *comparison.of_attempts(), *comparison.of_sums()]


class _Comparison:
    """Sums up what the PSP says while charge after charge is compared."""

    def __init__(self, psp: SandboxPSP, moocher: Moocher | None) -> None:
        self._charges = psp.ledger.charges
        self._kind: Callable[[Charge], bool] = lambda charge: True
        # Attempts that people booked, or that were settled without a PSP, are left out.
        attempts: QuerySet[Attempt] = Attempt.objects.exclude(moocher__in=RESERVED)
        self._attempts = attempts.exclude(manual=True).exclude(amount=0, psp_reference=None)
        if moocher is not None:
            self._kind = _kind_of(moocher)
            self._attempts = self._attempts.filter(moocher=moocher.identifier)
        self._arrived = self._attempts.filter(state__in=Attempt.ARRIVED).order_by()
        self._taken: Counter[str] = Counter()
        self._refunded: Counter[str] = Counter()
        self._disputed: Counter[str] = Counter()

    def of_charges(self) -> Iterator[str]:
        """Look up each charge of the PSP in our database."""
        every = self._charges.all()
        while page := list(islice(every, _PAGE_SIZE)):
            charges = [charge for charge in page if self._kind(charge) and self._counts(charge)]
            ids = [charge.name for charge in charges]
            attempts = {
                attempt.psp_reference: attempt
                for attempt in self._attempts.filter(psp_reference__in=ids)
            }
            refunds = _succeeded(list(attempts.values())).values_list("attempt__psp_reference")
            refunded = dict(refunds.annotate(Sum("amount")).order_by())
            for charge in charges:
                if charge.status == Status.SUCCEEDED:
                    self._taken[charge.currency] += charge.amount
                    self._refunded[charge.currency] += charge.refunded
                    self._disputed[charge.currency] += charge.disputed
                attempt = attempts.get(charge.name)
                yield from self._of_charge(charge, attempt)
                disputed = attempt.disputed_amount if attempt else Decimal(0)
                for verb, theirs, ours in (
                    ("refunded", charge.refunded, refunded.get(charge.name, Decimal(0))),
                    ("took back", charge.disputed, disputed),
                ):
                    booked = _rounded(ours, charge.currency)
                    if booked != _units(theirs, charge.currency):
                        yield (
                            f"Of {charge.name} the PSP {verb}"
                            f" {format_amount(theirs, charge.currency)};"
                            f" our database says {written(booked, charge.currency)}."
                        )

    def of_attempts(self) -> Iterator[str]:
        """Look up each attempt with which money arrived in the PSP's ledger."""
        for attempt in self._arrived.iterator(_PAGE_SIZE):
            name = attempt.psp_reference or ""
            if self._charges.get(name) is None and not self._charges.by_name(name):
                yield f"{_describe(attempt)}; the PSP does not know this charge."

    def of_sums(self) -> Iterator[str]:
        """Compare what was taken, refunded and disputed altogether, by currency."""
        taken = self._arrived.values_list("received_currency").annotate(Sum("received_amount"))
        disputed = self._arrived.values_list("received_currency").annotate(Sum("disputed_amount"))
        refunded = _succeeded(self._attempts).values_list("currency").annotate(Sum("amount"))
        for verb, theirs, sums in (
            ("took", self._taken, taken),
            ("refunded", self._refunded, refunded.order_by()),
            ("took back", self._disputed, disputed),
        ):
            ours = {currency: _rounded(total, currency) for currency, total in sums}
            for currency in sorted({*theirs, *ours}):
                if _units(theirs[currency], currency) != ours.get(currency, 0):
                    yield (
                        f"Altogether the PSP {verb} {format_amount(theirs[currency], currency)};"
                        f" our database says {written(ours.get(currency, Decimal()), currency)}."
                    )

    def _counts(self, charge: Charge) -> bool:
        """Tell whether it took money, or is the last word about a payment that took none."""
        if charge.status == Status.SUCCEEDED or not charge.known_as:
            return True
        tries = self._charges.by_name(charge.known_as)
        taken = any(one.status == Status.SUCCEEDED for one in tries)
        return not taken and charge.id == tries[-1].id

    def _of_charge(self, charge: Charge, attempt: Attempt | None) -> Iterator[str]:
        is_taken = charge.status == Status.SUCCEEDED
        amount = format_amount(charge.amount, charge.currency)
        if attempt is None or attempt.state not in Attempt.ARRIVED:
            if is_taken:
                ours = self._known_state(charge)
                yield f"The PSP took {amount} as {charge.name}; our database says {ours}."
        elif not is_taken:
            yield f"{_describe(attempt)}; the PSP says {charge.status}."
        elif (attempt.received, attempt.received_currency) != (
            _units(charge.amount, charge.currency),
            charge.currency,
        ):
            yield f"{_describe(attempt)}; the PSP took {amount}."

    def _known_state(self, charge: Charge) -> str:
        attempt = self._attempts.filter(idempotency_key=charge.reference).first()
        if attempt is None:
            return "nothing about it"
        known = f" as {attempt.psp_reference}" if attempt.psp_reference else ""
        return f"attempt {attempt.pk} is {attempt.state}{known}"


def _kind_of(moocher: Moocher) -> Callable[[Charge], bool]:
    if isinstance(moocher, SandboxMoocher):
        method = "card" if moocher.kind == "card" else "page"
        return lambda charge: (charge.face, charge.method) == ("sandbox", method)
    return lambda charge: charge.face == moocher.psp


def _succeeded(attempts: QuerySet[Attempt] | Iterable[Attempt]) -> QuerySet[Refund]:
    refunds: QuerySet[Refund] = Refund.objects.filter(attempt__in=attempts, manual=False)
    return refunds.filter(state=Refund.State.SUCCEEDED)


def _rounded(total: Decimal, currency: str) -> Decimal:
    # SQLite adds floats: after a hundred amounts the last of its digits are wrong. By the PSP's
    # decimals, which may report money in what is no currency.
    return round(total, decimals(currency))


def _describe(attempt: Attempt) -> str:
    arrived = written(attempt.received, attempt.received_currency)
    return f"Our database says {arrived} arrived with attempt {attempt.pk} ({attempt.state})"


def _units(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-decimals(currency))
