"""What PSPs report: find what it is about, ask the PSP what is true, book it, keep the report.

The content of a notice is a hint only. Webhooks bring them, the reconciler finds those that never
came, and stored ones can be handled again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from payments_ui.core import journal, notify
from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.fields import fitting
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.models import Attempt, Event, Refund, SuspenseItem
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import PaymentsUIError
from payments_ui.moochers.base import Moocher, Notice
from payments_ui.moochers.registry import moochers

from . import payment_methods, psp_call, return_from_psp, second_charges
from . import refund as refunding
from .psp_call import PSPUnavailableError

logger = logging.getLogger("payments_ui")

Report = TypeVar("Report", RefundReport, DisputeReport)
Booked = TypeVar("Booked")

# What a notice names besides the attempt, in ``Event.about``.
_REFERENCES = ("refund_reference", "dispute_reference")
_OF_METHODS = ("method_reference", "customer_reference", "setup_reference")


class _Found(NamedTuple):
    """What a notice turned out to be about."""

    #: With the reference of the charge, where the PSP told it.
    notice: Notice
    attempt: Attempt | None
    #: Whether it is about a saved payment method of ours.
    is_of_methods: bool = False
    #: Whether it is ours and does not fit the books: a person has to review it.
    needs_review: bool = False

    @property
    def is_processed(self) -> bool:
        """Whether the books know what it is about."""
        return (self.attempt is not None or self.is_of_methods) and not self.needs_review


def handle(notice: Notice, moocher: Moocher, request: HttpRequest | None = None) -> None:
    """Settle what a PSP has reported, once.

    A notice about nothing of ours is kept as *unmatched*, for a person to review where it names
    an attempt as ours. A second charge for an attempt is *surplus*, and *unmatched* as long as
    the PSP does not say what it took. Repeating a notice changes nothing. Raises
    ``PSPUnavailableError`` where the PSP could not be asked.
    """
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    notice, event = _known_event(notice, ours)
    if event is not None and _is_done(notice, event):
        return
    try:
        found = _look_into(notice, moocher, request)
    except second_charges.UnknownChargeError:
        # Kept all the same: the PSP may never send it again.
        if event is None:
            _keep(_Found(notice, None), ours)
        raise
    if event is None:
        _keep(found, ours)
    elif found.is_processed:
        mark_processed(event, found.attempt)
    failpoints.hit(Point.WEBHOOK_AFTER_STORE)


def keep(notice: Notice, moocher: Moocher) -> None:
    """Keep, as *unmatched*, what could not be handled: it is looked into again from there."""
    _keep(_Found(notice, None), {"moocher": moocher.identifier, "account": moocher.account})


def handle_unsigned(notice: Notice, moocher: Moocher, request: HttpRequest | None = None) -> None:
    """Ask the PSP about what a sender says has changed there; keep nothing of what they say.

    The attempt is found by our own id, and each is asked about at most every few seconds. A
    refund that the PSP then tells of, and that does not fit the books, is kept for a person to
    review. Raises ``PSPUnavailableError`` where it should be said again later.
    """
    if notice.setup_id is not None:
        payment_methods.handle_notice(notice, moocher)
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    attempt = None
    if notice.attempt_id is not None:
        attempt = _attempt_of(notice, ours)
    if attempt is None:
        return
    if not return_from_psp.claim_turn(attempt, return_from_psp.AT_MOST_EVERY):
        raise PSPUnavailableError(f"{attempt} was asked about just now")
    attempt = _look_into(notice, moocher, request).attempt
    if attempt is not None and attempt.state in Attempt.ARRIVED:
        for about in _news(attempt, moocher):
            found = _look_into(about, moocher)
            if found.needs_review and about.refund_reference:
                # By the PSP's name of the refund: of what it reports it numbers nothing.
                named = replace(found.notice, event_id=about.refund_reference)
                _keep(found._replace(notice=named), ours)


def handle_again(event: Event) -> bool:
    """As ``look_again``; also ``False`` where the PSP does not answer."""
    try:
        return look_again(event)
    except PSPUnavailableError:
        return False


def look_again(event: Event) -> bool:
    """Look again into what a stored report is about; whether it is processed now.

    ``False`` also where no moocher of the site can be asked, and for what a bank reported. Raises
    ``PSPUnavailableError``.
    """
    moocher = moochers().get(event.moocher)
    if moocher is None or not moocher.can_ask or event.amount is not None:
        return False
    if moocher.account != event.account:
        return False
    ids = {name: UUID(value) for name, value in event.about.items() if name.endswith("_id")}
    notice = Notice(
        event_id=event.event_id,
        kind=event.kind,
        psp_reference=event.psp_reference or None,
        **{**event.about, **ids},
        warning=event.warning,
    )
    found = _look_into(notice, moocher)
    if found.is_processed:
        mark_processed(event, found.attempt)
    return found.is_processed


def _look_into(notice: Notice, moocher: Moocher, request: HttpRequest | None = None) -> _Found:
    """Ask the PSP about all that a notice names, and book what it answers."""
    ours = {"moocher": moocher.identifier, "account": moocher.account}
    refund = _report(moocher.report_refund, notice.refund_reference, RefundReport)
    dispute = _report(moocher.report_dispute, notice.dispute_reference, DisputeReport)
    report = refund or dispute
    if report is not None:
        notice = replace(notice, psp_reference=report.charge_reference)
    attempt = _attempt_of(notice, ours)
    fits = True
    if attempt is not None:
        # Also about an attempt that failed or was called off: money may be late.
        attempt = _ask(attempt, moocher, request)
    if attempt is not None and report is not None:
        fits = _book(attempt, refund, dispute)
    if notice.refund_id is not None:
        _ask_about_refund(notice.refund_id, ours)
    elif attempt is not None and refund is None and dispute is None:
        reference = notice.psp_reference or ""
        if second_charges.is_second(reference, attempt):
            attempt = second_charges.ask(reference, attempt, moocher)
    is_of_methods = any(getattr(notice, name) for name in (*_OF_METHODS, "setup_id"))
    is_of_methods = is_of_methods and payment_methods.handle_notice(notice, moocher)
    return _Found(notice, attempt, is_of_methods, needs_review=not fits)


def _book(attempt: Attempt, refund: RefundReport | None, dispute: DisputeReport | None) -> bool:
    """Record what the PSP says of a refund or a dispute; whether it fits the attempt."""
    fits = True
    if refund is not None:
        about_this = attempt.psp_reference == fitting(refund.charge_reference, 255)
        fits = about_this and _booked(attempt.record_refund_report, refund) is not None
    if dispute is not None:
        about_this = attempt.psp_reference == fitting(dispute.charge_reference, 255)
        fits = about_this and _booked(attempt.record_dispute, dispute) is not None and fits
    return fits


def _news(attempt: Attempt, moocher: Moocher) -> list[Notice]:
    return psp_call.fetch(str(attempt), lambda: list(moocher.news(attempt)), list) or []


def _known_event(notice: Notice, ours: dict[str, str]) -> tuple[Notice, Event | None]:
    """The stored event with this id; where it is about other money, the notice gets its own id."""
    events = Event.objects.select_related("attempt").filter(**ours)
    event = events.filter(event_id=notice.event_id).first()
    if event is None or _is_same(notice, event):
        return notice, event
    # A PSP may use an id twice, as for all charges of a batch.
    notice = replace(
        notice, event_id=f"{notice.event_id} {notice.psp_reference or notice.attempt_id}"
    )
    return notice, events.filter(event_id=notice.event_id).first()


def _is_same(notice: Notice, event: Event) -> bool:
    if notice.refund_reference or notice.dispute_reference:
        return True  # The event's reference of the charge is what the PSP told when it was asked.
    if event.psp_reference or notice.psp_reference:
        return event.psp_reference == fitting(notice.psp_reference or "", 255)
    return event.attempt_id in (None, notice.attempt_id)


def _is_done(notice: Notice, event: Event) -> bool:
    if notice.refund_id is not None:
        # It is asked about again as long as it may arrive late.
        given_back = (Refund.State.SUCCEEDED, Refund.State.CAME_BACK)
        return Refund.objects.filter(pk=notice.refund_id, state__in=given_back).exists()
    if event.attempt is not None:
        return event.attempt.state in Attempt.ARRIVED
    return event.state == Event.State.PROCESSED


def _attempt_of(notice: Notice, ours: dict[str, str]) -> Attempt | None:
    attempts = Attempt.objects.select_related("payment").filter(**ours)
    # Attempts without a reference have NULL, and are found by none.
    by_reference = attempts.filter(psp_reference=notice.psp_reference or "")
    if notice.attempt_id is None:
        return by_reference.first()
    if notice.refund_reference or notice.dispute_reference:
        # The money of a second charge is with an attempt of its own.
        return by_reference.first() or attempts.filter(pk=notice.attempt_id).first()
    return attempts.filter(pk=notice.attempt_id).first()


def _ask(attempt: Attempt, moocher: Moocher, request: HttpRequest | None) -> Attempt:
    """Ask about the attempt, unless its money has arrived; return it as it is stored then."""
    if attempt.state in Attempt.ARRIVED:
        return attempt
    attempt, outcome = psp_call.ask(attempt, moocher, request)
    if isinstance(outcome, Unknown):
        raise PSPUnavailableError(f"{attempt}: {outcome.reason}")
    return attempt


def _ask_about_refund(pk: UUID, ours: dict[str, str]) -> None:
    whose = {f"attempt__{name}": value for name, value in ours.items()}
    refund = Refund.objects.select_related("attempt").filter(**whose, pk=pk).first()
    # Also about a refund that failed before, which may be late, or succeeded, which may come back.
    if refund is not None and refund.state != Refund.State.CAME_BACK:
        refund, answered = refunding.ask(refund)
        if not answered:
            raise PSPUnavailableError(f"{refund}: the PSP does not answer")


def _report(
    question: Callable[[str], Report | None], reference: str | None, kind: type[Report]
) -> Report | None:
    """What the PSP says of a refund or a dispute; ``None``: nothing is named, or it has none."""
    if not reference:
        return None
    return psp_call.fetch(reference, lambda: question(reference), kind)


def _booked(record: Callable[[Report], Booked], report: Report) -> Booked:
    """Record the PSP's report; what cannot be stored is asked for again later."""
    try:
        return record(report)
    except PaymentsUIError as error:
        logger.exception("%s could not be stored", report)
        raise PSPUnavailableError(f"{report.psp_reference}: {error}") from error


@retrying
def _keep(found: _Found, ours: dict[str, str]) -> None:
    notice, attempt = found.notice, found.attempt
    names = (*_REFERENCES, *_OF_METHODS, "attempt_id", "refund_id", "setup_id")
    about = {name: str(value) for name in names if (value := getattr(notice, name))}
    # Where the same message comes twice at once, the second finds it kept.
    # Written first: SQLite refuses to write after reading while another connection writes.
    with suppress(IntegrityError), transaction.atomic():
        event = Event.objects.create(
            **ours,
            event_id=notice.event_id,
            kind=notice.kind,
            state=Event.State.PROCESSED if found.is_processed else Event.State.UNMATCHED,
            attempt=attempt,
            psp_reference=notice.psp_reference or "",
            about=about,
            warning=text(notice.warning),
        )
        # Another site's charge at the same PSP is no business of ours.
        if found.needs_review or (attempt is None and notice.attempt_id is not None):
            SuspenseItem.objects.open_item(SuspenseItem.Kind.UNMATCHED, event=event)
        _pass_warning_on(event)


@retrying
def mark_processed(event: Event, attempt: Attempt | None) -> bool:
    """Record what an unmatched report was about; whether this call did."""
    with transaction.atomic():
        unmatched = unguarded(event).filter(state=Event.State.UNMATCHED)
        is_ours = bool(unmatched.update(state=Event.State.PROCESSED, attempt=attempt))
        reason = "its attempt is known by now"
        event.suspense_items.end(SuspenseItem.State.CLOSED, by=journal.SYSTEM, reason=reason)
        if is_ours:
            event.attempt = attempt
            _pass_warning_on(event)
    return is_ours


def _pass_warning_on(event: Event) -> None:
    """Journal what the PSP warns of, and notify the admins, once for each report."""
    attempt = event.attempt
    if not event.warning or attempt is None:
        return
    verb, detail = journal.Verb.FRAUD_WARNING, {"event": event.pk}
    journal.attempt(verb, attempt, reason=event.warning, detail=detail)
    about = f"Attempt {attempt.reference} of payment {attempt.payment_id}: {event.warning}"
    notify.admins_after_commit("A payment service warns of fraud", about)
