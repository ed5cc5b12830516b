"""Plays the bank: today's statement, for a clerk to import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone

from hillshade.moochers import transfer
from payments_ui.core.models import Attempt

_CURRENCY = "CHF"
#: Transfers in one statement.
_MOST = 20


@dataclass(frozen=True)
class Entry:
    """One entry of the account; ``name`` is the bank's own, by which it is booked once."""

    name: str
    amount: str
    currency: str = _CURRENCY
    reference: str = ""
    payer: str = ""
    leaves: bool = False


def camt() -> str:
    """The statement of the company's account in francs, as camt.053.

    Every transfer that is awaited arrives as its customer was asked to pay it. Beside them stand
    money that belongs to no payment, and a payment of the company's own, which is ignored.
    """
    entries = [*_awaited(), *_others()]
    context = {
        "iban": transfer.accounts[_CURRENCY].iban,
        "today": timezone.localdate().isoformat(),
        "entries": entries,
    }
    return render_to_string("showroom/statement.xml", context)


def _awaited() -> Iterator[Entry]:
    awaited = Attempt.objects.open().filter(moocher=transfer.identifier, currency=_CURRENCY)
    for attempt in awaited.select_related("payment__user").order_by("started_at")[:_MOST]:
        yield Entry(
            # Of what is missing: after a part, the rest is another arrival.
            name=f"{attempt.reference}-{attempt.missing}",
            amount=str(attempt.missing),
            reference=attempt.psp_reference or "",
            payer=attempt.payment.user.get_full_name(),
        )


def _others() -> Iterator[Entry]:
    today = timezone.localdate()
    yield Entry(f"gift-{today}", "12.00", payer="Carla Rossi", reference="THANK YOU")
    yield Entry(f"rent-{today}", "950.00", payer="Hillshade GmbH", leaves=True)
