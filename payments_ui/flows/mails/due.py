"""Which mails are due: found by what is stored, so a lost process loses none.

Nothing is sent while a customer waits for a page: a command does it, every minute or so.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.db.keyset import batches
from payments_ui.core.mails.states import MailKind, MailState
from payments_ui.core.models import Attempt, Mail, MailStart, PaymentMethod, Recovery, Refund
from payments_ui.flows.command_result import CommandResult

from . import texts
from .send import send

#: What is older is no news to mail.
LOOK_BACK = dt.timedelta(days=3)
#: After so many mails a command looks which ones others have claimed meanwhile.
_AT_ONCE = 25


@dataclass
class MailsResult(CommandResult):
    """How many mails were due, and what became of them."""

    due: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    not_sent: int = 0

    @property
    def problems(self) -> list[str]:
        """What could not be done, for people."""
        failed = [f"{self.not_sent} mails were not sent"] if self.not_sent else []
        return [*failed, *super().problems]


@dataclass(frozen=True, slots=True)
class _Due:
    """A mail: when what it tells happened, and whether that is still so."""

    kind: MailKind
    about: str
    user: Any
    text: Callable[[], texts.Text]
    at: dt.datetime
    is_needed: Callable[[], bool] = lambda: True


def begin() -> Mapping[str, dt.datetime]:
    """Since when each kind of ``MAILS`` is sent: what happened before is not mailed.

    That begins now where no command has called this before, or not since the kind is listed.
    """
    return MailStart.objects.begin(settings.MAILS)


def send_due(*, dry_run: bool = False) -> MailsResult:
    """Send all mails that are due and were not sent. Several may run at once.

    Of what happened within ``LOOK_BACK``, and since the site began to send such mails.
    """
    result = MailsResult()
    since = dict(MailStart.objects.values_list("kind", "since")) if dry_run else begin()
    for find in (_receipts, _failures, _steps, _transfers, _refunds, _expiries):
        for due in _news(find(clock.now()), since):
            result.due += 1
            if dry_run:
                continue
            with result.count_errors(f"Mail {due.kind} {due.about}"):
                mail = send(due.kind, due.about, due.user, due.text, is_needed=due.is_needed)
                if mail is not None and mail.state == MailState.SENT:
                    result.sent[due.kind] = result.sent.get(due.kind, 0) + 1
                elif mail is not None and mail.state != MailState.DROPPED:
                    result.not_sent += 1
    return result


def _news(found: Iterator[list[_Due]], since: Mapping[str, dt.datetime]) -> Iterator[_Due]:
    """Those of a kind that the site sends, and that no command has claimed.

    The workers of a night send at the same time. Each begins somewhere else in a page, and leaves
    out what the others have claimed: all of them at the same mail would try every mail in vain but
    for one of them.
    """
    for page in found:
        known = [due for due in page if due.kind in settings.MAILS and due.kind in since]
        wanted = _unclaimed([due for due in known if due.at >= since[due.kind]])
        start = random.randrange(len(wanted) or 1)  # noqa: S311 - spreads the work
        wanted = wanted[start:] + wanted[:start]
        for first in range(0, len(wanted), _AT_ONCE):
            few = wanted[first : first + _AT_ONCE]
            yield from _unclaimed(few) if first else few


def _unclaimed(mails: list[_Due]) -> list[_Due]:
    """Those that no command has sent, is sending, or is to try again later. One query."""
    claimed = Mail.objects.claimed().filter(about__in=[due.about for due in mails])
    done = set(claimed.values_list("kind", "about"))
    return [due for due in mails if (str(due.kind), due.about) not in done]


def _pages(rows: Any, moment: str, of: Callable[[Any], _Due]) -> Iterator[list[_Due]]:
    """The mail of each row, by pages in the order of ``moment``."""
    for page in batches(rows, moment, "pk"):
        yield [of(row) for row in page]


def _receipts(now: dt.datetime) -> Iterator[list[_Due]]:
    rows = Attempt.objects.filter(state=Attempt.State.SETTLED, updated_at__gt=now - LOOK_BACK)

    def of(attempt: Attempt) -> _Due:
        text = partial(texts.receipt, attempt)
        paid = attempt.ended_at or attempt.updated_at
        return _Due(MailKind.RECEIPT, str(attempt.payment_id), attempt.payment.user, text, paid)

    return _pages(rows.select_related("payment__user", "payment_method"), "updated_at", of)


def _failures(now: dt.datetime) -> Iterator[list[_Due]]:
    rows = Recovery.objects.unpaid().filter(failed_at__gt=now - LOOK_BACK)

    def of(recovery: Recovery) -> _Due:
        user, failed_at = recovery.payment.user, recovery.failed_at
        about = f"{recovery.payment_id} {failed_at:%Y-%m-%dT%H:%M:%S}"
        # Of this decline: it may have been tried again meanwhile.
        still = Recovery.objects.unpaid().filter(pk=recovery.pk, failed_at=failed_at).exists
        if recovery.failure_code == DeclineCode.AUTHENTICATION_REQUIRED:
            text = partial(texts.confirmation, recovery.payment, {"recovery": recovery})
            return _Due(MailKind.CONFIRMATION, about, user, text, failed_at, still)
        text = partial(texts.payment_failed, recovery)
        return _Due(MailKind.PAYMENT_FAILED, about, user, text, failed_at, still)

    return _pages(rows.select_related("payment__user", "payment_method"), "failed_at", of)


def _steps(now: dt.datetime) -> Iterator[list[_Due]]:
    rows = Attempt.objects.filter(
        state=Attempt.State.REQUIRES_ACTION, unattended=True, updated_at__gt=now - LOOK_BACK
    )

    def of(attempt: Attempt) -> _Due:
        text = partial(texts.confirmation, attempt.payment, {"attempt": attempt})
        user, still = attempt.payment.user, rows.filter(pk=attempt.pk).exists
        return _Due(MailKind.CONFIRMATION, str(attempt.pk), user, text, attempt.updated_at, still)

    return _pages(rows.select_related("payment__user"), "updated_at", of)


def _transfers(now: dt.datetime) -> Iterator[list[_Due]]:
    rows = Attempt.objects.filter(
        state=Attempt.State.PROCESSING, manual=True, updated_at__gt=now - LOOK_BACK
    )

    def of(attempt: Attempt) -> _Due:
        text = partial(texts.transfer_details, attempt)
        user, still = attempt.payment.user, rows.filter(pk=attempt.pk).exists
        kind = MailKind.TRANSFER_DETAILS
        return _Due(kind, str(attempt.pk), user, text, attempt.updated_at, still)

    return _pages(rows.select_related("payment__user"), "updated_at", of)


def _refunds(now: dt.datetime) -> Iterator[list[_Due]]:
    rows = Refund.objects.filter(state=Refund.State.SUCCEEDED, updated_at__gt=now - LOOK_BACK)

    def of(refund: Refund) -> _Due:
        text = partial(texts.refund_sent, refund)
        user = refund.payment.user
        return _Due(MailKind.REFUND_SENT, str(refund.pk), user, text, refund.updated_at)

    return _pages(rows.select_related("payment__user"), "updated_at", of)


def _expiries(now: dt.datetime) -> Iterator[list[_Due]]:
    """Cards of those who are charged without being there, whose last month is the next one."""
    today = clock.local(now)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    active = PaymentMethod.objects.active().filter(expires_year=year, expires_month=month)
    rows = active.exclude(unattended_text="").select_related("user")

    def of(method: PaymentMethod) -> _Due:
        text = partial(texts.card_expires, method)
        about, still = f"{method.pk} {year}-{month}", rows.filter(pk=method.pk).exists
        # It is news all month long, whenever the site begins to say so.
        return _Due(MailKind.CARD_EXPIRES, about, method.user, text, now, still)

    return _pages(rows, "created_at", of)
