"""Which pending payments unexpected money may be for, the likeliest first. A person decides.

Each way to look is one query on an index with a limit, however many payments there are: references
that are a slip away, payments of the same user or amount, and the transfers that were announced
last, of which a part may be missing; where a bank names who paid, names among all of these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from string import ascii_uppercase, digits
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.attempts.model import Attempt
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.payments.model import Payment

from .resolution import pays
from .states import SuspenseKind, SuspenseState

if TYPE_CHECKING:
    from .model import SuspenseItem

#: How many a person is shown.
SHOWN = 5
# How many each way to look reads.
_READ = 50
_AWAITED = 200
# References of this length and alphabet are copied by hand; others are made for machines.
_BY_HAND = re.compile(r"[0-9A-Z]{5,35}", re.ASCII)
# As banks write them where they have no umlauts.
_WRITTEN_OUT = str.maketrans(
    {letter: f"{base}e" for letter, base in zip("äöüø", "aouo", strict=True)}
)


class Why(models.TextChoices):
    """What speaks for a payment, the strongest first."""

    REFERENCE = "reference", _("similar reference")
    USER = "user", pgettext_lazy("proposal", "same user")
    AMOUNT = "amount", _("same amount")
    NAME = "name", _("same name")


_STRENGTH = {why: 2**place for place, why in enumerate(reversed(Why))}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pending payment that the money would charge, or of whose open transfer it is a part."""

    payment: Payment
    why: tuple[Why, ...]


def proposals(item: SuspenseItem) -> list[Proposal]:
    """At most ``SHOWN`` payments that the money can be matched to, the likeliest first."""
    is_money = item.amount is not None and item.kind != SuspenseKind.OVERDUE
    if item.state != SuspenseState.OPEN or not is_money or not pays(item):
        return []
    found: dict[UUID, set[Why]] = {}
    pending = Payment.objects.pending().filter(currency=item.currency).order_by("-created_at")
    users = set() if item.attempt is None else {item.attempt.payment.user_id}
    for attempt in _similar_references(item):
        found.setdefault(attempt.payment_id, set()).add(Why.REFERENCE)
        users.add(attempt.payment.user_id)
    known = _first(pending.filter(user__in=users)) if users else []
    same_amount = _first(pending.filter(amount=item.amount))
    reported = item.reported
    payer = reported.payer if reported else ""
    awaited = {attempt.payment_id: attempt for attempt in _awaited(item)}
    announced = (attempt.payment for attempt in awaited.values())
    candidates = {payment.pk: payment for payment in (*known, *same_amount, *announced)}
    for pk, payment in candidates.items():
        missing = awaited[pk].missing if pk in awaited else payment.amount
        reasons = {
            Why.USER: payment.user_id in users,
            Why.AMOUNT: item.amount in (payment.amount, missing),
            Why.NAME: bool(payer) and _is_named(payment.user, payer),
        }
        if any(reasons.values()):
            found.setdefault(pk, set()).update(why for why, holds in reasons.items() if holds)
    ranked = sorted(
        (pk for pk in found if pk in candidates),
        key=lambda pk: (sum(map(_STRENGTH.__getitem__, found[pk])), candidates[pk].created_at),
        reverse=True,
    )
    matchable = _matchable(item, (candidates[pk] for pk in ranked))
    return [
        Proposal(payment, tuple(why for why in Why if why in found[payment.pk]))
        for payment in matchable
    ][:SHOWN]


def _first(payments: QuerySet[Payment], limit: int = _READ) -> list[Payment]:
    return list(payments.select_related("user")[:limit])


def _similar_references(item: SuspenseItem) -> list[Attempt]:
    """Attempts whose reference is what arrived, but for two characters swapped or one wrong."""
    event = item.event
    if event is None or not _BY_HAND.fullmatch(event.psp_reference):
        return []
    attempts = Attempt.objects.filter(
        moocher=event.moocher,
        account=event.account,
        psp_reference__in=slips(event.psp_reference),
    )
    return list(attempts.select_related("payment")[:_READ])


def slips(reference: str) -> set[str]:
    """What a payer may have meant who typed this: two characters swapped, or one wrong.

    Their check digits are not needed: an attempt has such a reference, or none has.
    """
    alphabet = digits if reference.isdigit() else digits + ascii_uppercase
    return set(_swapped(reference)) | set(_mistyped(reference, alphabet))


def _swapped(reference: str) -> Iterator[str]:
    for one, other in combinations(range(len(reference)), 2):
        first, second = reference[one], reference[other]
        if first != second:
            between = reference[one + 1 : other]
            yield reference[:one] + second + between + first + reference[other + 1 :]


def _mistyped(reference: str, alphabet: str) -> Iterator[str]:
    for place, wrong in enumerate(reference):
        for right in alphabet:
            if right != wrong:
                yield reference[:place] + right + reference[place + 1 :]


def _awaited(item: SuspenseItem) -> list[Attempt]:
    """The transfers that were announced last."""
    transfers = Attempt.objects.filter(
        state=AttemptState.PROCESSING, manual=True, currency=item.currency
    )
    newest = transfers.select_related("payment__user").order_by("-updated_at")
    return list(newest[:_AWAITED])


def _is_named(user: Any, payer: str) -> bool:
    """Whether the name that a bank writes holds all words of this user's name."""
    written = set[str]().union(*_forms(payer))
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    name = _forms(full_name or user.get_username())
    return bool(name) and all(forms & written for forms in name)


def _forms(text: str) -> list[set[str]]:
    """Each word, without accents, and as it is written where there are none."""
    words = re.findall(r"[^\W\d_]{2,}", text.partition("@")[0].casefold())
    return [{_plain(word), _plain(word.translate(_WRITTEN_OUT))} for word in words]


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _matchable(item: SuspenseItem, payments: Iterable[Payment]) -> list[Payment]:
    """Those that ``match`` takes: nothing is open at a PSP, and the money is enough, or a part."""
    rows = list(payments)
    opened = Attempt.objects.filter(open_payment__in=[payment.pk for payment in rows])
    transfers = {attempt.payment_id: attempt for attempt in opened}
    return [payment for payment in rows if _takes(item, payment, transfers.get(payment.pk))]


def _takes(item: SuspenseItem, payment: Payment, opened: Attempt | None) -> bool:
    if not payment.amount or (opened is not None and not opened.manual):
        return False
    if opened is None:
        return bool((item.amount or 0) >= payment.amount)
    # A part is booked on the transfer that was announced, but no money of a test mode.
    return item.live or not opened.live
