"""Books a bank transfer that arrived."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments_ui import money
from payments_ui.core.attempts.arrivals import book_arrival, known_report
from payments_ui.core.models import Attempt, Event
from payments_ui.exceptions import PaymentsUIError
from payments_ui.moochers.banktransfer import BankTransferMoocher, references
from payments_ui.moochers.registry import moochers

#: What the columns hold; a longer text would be refused by some databases and cut by none.
LONGEST = 255


class Command(BaseCommand):
    help = (
        "Book a bank transfer that arrived, found by its reference. The exact amount charges "
        "the payment, and so do parts that make it; what is more is kept as surplus; an "
        "unknown reference is kept as unmatched, and the exit code is 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", help="As the bank reports it; spaces do not matter.")
        parser.add_argument("--amount", required=True, help="What arrived, as in 12.00.")
        parser.add_argument("--currency", required=True, help="Of what arrived, as in CHF.")
        parser.add_argument(
            "--bank-reference",
            default="",
            help="The bank's own id of this arrival: the same id is never booked twice. "
            "Without it every call is another arrival.",
        )
        parser.add_argument(
            "--date", type=dt.date.fromisoformat, help="When it arrived, as in 2026-11-27."
        )
        parser.add_argument("--payer", default="", help="Who paid, as the bank names them.")
        parser.add_argument("--reason", default="", help="For the journal.")
        parser.add_argument("--by", default="command:book_transfer", help="For the journal: who.")
        parser.add_argument("--moocher", help="Identifier, where the site has several accounts.")

    def handle(self, *args: Any, **options: Any) -> None:
        moocher = the_moocher(options["moocher"])
        facts = _facts(options)
        arrival: dict[str, Any] = {
            "moocher": moocher.identifier,
            "account": moocher.account,
            "event_id": options["bank_reference"] or f"book_transfer:{uuid4()}",
        }
        known = known_report(**arrival)
        said = {"arrived_on": options["date"], "payer": options["payer"]}
        event = book_arrival(**arrival, **facts, **said, by=options["by"], reason=options["reason"])
        arrived = money.format_arrived(event.amount, event.currency)
        if known is not None and event != known:
            before = money.format_arrived(known.amount, known.currency)
            raise CommandError(
                f"{arrival['event_id']} was booked before, as {before} with the reference "
                f"{known.psp_reference!r}. {arrived} is kept as unmatched, for a review."
            )
        if event.attempt is None:
            raise CommandError(
                f"The reference {event.psp_reference!r} is not known. "
                f"{arrived} is kept as unmatched, for a review."
            )
        if known is not None:
            self.stdout.write(f"{arrival['event_id']} was booked before. Nothing changed.")
            return
        self._report(event, event.attempt)

    def _report(self, event: Event, attempt: Attempt) -> None:
        for arrival in event.arrivals.select_related("attempt"):
            found: Attempt = arrival.attempt
            style = self.style.SUCCESS if found.state == "settled" else self.style.WARNING
            became = str(found.state)
            if found.is_open:
                became = f"part ({money.format_amount(found.missing, found.currency)} is missing)"
            amount = money.format_amount(arrival.amount, arrival.currency)
            self.stdout.write(style(f"{amount} {became}, payment {attempt.payment_id}"))


def the_moocher(identifier: str | None) -> BankTransferMoocher:
    """The bank transfer moocher of this identifier, or the only one; raises ``CommandError``."""
    found = [
        moocher
        for moocher in moochers().values()
        if isinstance(moocher, BankTransferMoocher) and identifier in (None, moocher.identifier)
    ]
    if len(found) != 1:
        names = ", ".join(moocher.identifier for moocher in found) or "none"
        raise CommandError(f"Name one bank transfer moocher of MOOCHERS (found: {names})")
    return found[0]


def _facts(options: dict[str, Any]) -> dict[str, Any]:
    for name in ("reference", "bank_reference"):
        if len(options[name]) > LONGEST:
            raise CommandError(f"{name} has more than {LONGEST} characters")
    try:
        amount = money.payment_amount(options["amount"])
        units = money.to_minor_units(amount, options["currency"])
    except PaymentsUIError as exc:
        raise CommandError(str(exc)) from exc
    if units <= 0:
        raise CommandError(f"{amount} did not arrive: amounts are above zero")
    return {
        "psp_reference": references.normalise(options["reference"]),
        "amount": amount,
        "currency": options["currency"],
    }
