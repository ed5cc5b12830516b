"""A bank statement is booked: each arrival once, however often its file comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from payments_ui import money
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.states import BY_HAND
from payments_ui.core.models import Attempt, Event
from payments_ui.exceptions import PaymentsUIError, ReferenceTakenError
from payments_ui.moochers.banktransfer import BankTransferMoocher
from payments_ui.moochers.banktransfer.statements import Skipped, Transaction
from payments_ui.moochers.banktransfer.statements.reading import read
from payments_ui.moochers.banktransfer.statements.transaction import with_ids

BOOKED, PART, UNEXPECTED, KNOWN = "booked", "part", "unexpected", "booked before"


@dataclass
class Report:
    """What became of the entries of a statement, a line each, and how many there are of each."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, result: str, text: str) -> None:
        """Count an entry, and say what became of it."""
        self.counts[result] += 1
        self.lines.append(f"{result}: {text}")


def import_statement(moocher: BankTransferMoocher, data: bytes, *, by: str) -> Report:
    """Book what arrived according to a statement; return what became of each entry.

    The file is read to its end before anything is booked: raises ``StatementError`` where it
    cannot be. May be called again with the same file, and with others that overlap: what was
    booked is known by what the bank says of it.
    """
    entries = list(read(data))
    report = Report()
    arrivals = [entry for entry in entries if isinstance(entry, Transaction)]
    names = _names(arrivals)
    for event_id, arrival in with_ids(arrivals):
        _book(moocher, event_id, arrival, names, report, by)
    for entry in entries:
        if isinstance(entry, Skipped):
            report.add("ignored", f"{_amount(entry)}, {entry.reason}")
    return report


def _book(
    moocher: BankTransferMoocher,
    event_id: str,
    arrival: Transaction,
    names: Counter[str],
    report: Report,
    by: str,
) -> None:
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    called = {arrival.entry, arrival.bank_id, arrival.name} - {""}
    own = {name for name in called if names[name] == 1}
    # What payers made up may be personal, and the books keep it for good.
    banks = {arrival.entry, arrival.bank_id} - {""}
    if _is_known(ours, event_id, arrival, own):
        report.add(KNOWN, _amount(arrival))
        return
    reference = _reference_of(arrival, ours)
    try:
        event = book_arrival(
            moocher=moocher.identifier,
            account=moocher.account,
            event_id=event_id,
            psp_reference=reference,
            amount=arrival.amount,
            currency=arrival.currency,
            by=by,
            # No name: the journal is for good.
            reason=f"bank statement: {_amount(arrival)}",
            arrived_on=arrival.booked_on,
            payer=arrival.payer,
            names=banks & own,
            shared_names=banks - own,
        )
    except ReferenceTakenError:
        # At this moment, by a person.
        report.add(KNOWN, _amount(arrival))
        return
    except PaymentsUIError as error:
        report.add("ignored", f"{_amount(arrival)}, {error}")
        return
    # As it is stored: without account numbers.
    who = f" from {event.payer}" if event.payer else ""
    text = f"{_amount(arrival)}{who}, reference {reference or 'none'}"
    report.add(_result(event), text + _rest(event))


def _is_known(ours: dict[str, str], event_id: str, arrival: Transaction, own: set[str]) -> bool:
    """Whether it was booked before: from a statement, or by a person with the bank's reference.

    By the latter only where it is its ``own`` in the file: banks give one to a whole batch.
    """
    events = Event.objects.filter(**ours)
    if events.filter(event_id=event_id).exists():
        return True
    # A person who booked it where no transfer was awaited named no account.
    events |= Event.objects.filter(moocher=BY_HAND)
    same = {"amount": arrival.amount, "currency": arrival.currency}
    return bool(own) and events.filter(event_id__in=own, **same).exists()


def _names(arrivals: list[Transaction]) -> Counter[str]:
    return Counter(name for each in arrivals for name in {each.entry, each.bank_id, each.name})


def _result(event: Event) -> str:
    """What became of the money: a part of it may have been more than was asked for."""
    states = {arrival.attempt.state for arrival in event.arrivals.select_related("attempt")}
    if not states or states & {Attempt.State.SURPLUS, Attempt.State.MISMATCH}:
        return UNEXPECTED
    return BOOKED if Attempt.State.SETTLED in states else PART


def _rest(event: Event) -> str:
    """What is still missing, or was too much, in words."""
    attempt = event.attempt
    if attempt is None:
        return ""
    if attempt.is_partly_paid:
        return f": {money.format_amount(attempt.missing, attempt.currency)} is missing"
    surplus = event.arrivals.filter(attempt__state=Attempt.State.SURPLUS).first()
    return (
        f": {money.format_amount(surplus.amount, surplus.currency)} is surplus" if surplus else ""
    )


def _reference_of(arrival: Transaction, ours: dict[str, str]) -> str:
    """The reference that is an attempt's, else the likeliest one."""
    likely = arrival.references
    attempts = Attempt.objects.filter(**ours, psp_reference__in=likely)
    known = frozenset(attempts.values_list("psp_reference", flat=True))
    return next((each for each in likely if each in known), likely[0] if likely else "")


def _amount(entry: Transaction | Skipped) -> str:
    return money.format_amount(entry.amount, entry.currency)
