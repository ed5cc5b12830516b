"""What ``PROCESSORS`` may list: ways to have a payment paid without a click of its customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from payments_ui.conf import settings
from payments_ui.core import clock, journal
from payments_ui.core.billing.notices import A_DAY, ChargeNotice
from payments_ui.core.mails.states import MailKind, MailState
from payments_ui.core.models import Attempt, Mail, Payment, PaymentMethod, Recovery
from payments_ui.core.processing import Processor, Result
from payments_ui.core.recoveries import due
from payments_ui.moochers.registry import keeper_of

from . import rate_limit
from .charge_unattended import Charging, saved_methods
from .mails import texts
from .mails.send import address_of, send

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from payments_ui.moochers.base import Moocher


def listed() -> Sequence[Processor]:
    """The site's processors in order, new for each run: they count what does not answer.

    Raises ``ImproperlyConfigured``.
    """
    return [_load(path) for path in settings.PROCESSORS]


def serves(processors: Sequence[Processor], user_id: Any) -> bool:
    """Whether any of them may get this user to pay.

    A processor may say so by a method ``serves(user_id)``; one that has none serves everybody.
    """
    return any(
        getattr(processor, "serves", lambda _user_id: True)(user_id) for processor in processors
    )


def look_at(processors: Sequence[Processor], users: Mapping[Any, AbstractBaseUser]) -> None:
    """Let those that can read at once what they are asked next of each of these users, by key.

    They have a method ``look_at(users)``, and forget what it read before.
    """
    for processor in processors:
        getattr(processor, "look_at", lambda _users: None)(users)


def _load(path: str) -> Processor:
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"PROCESSORS: {path!r} does not import: {error}") from error
    processor = found() if isinstance(found, type) else found
    if not callable(processor):
        raise ImproperlyConfigured(f"PROCESSORS: {path!r} is no function of a payment")
    return processor  # type: ignore[no-any-return]


class SavedMethod:
    """Charges what the user has saved, where they agreed to be charged without being there.

    By the moocher that keeps it, whichever PSP that is. Raises ``ImproperlyConfigured`` without
    ``BASE_URL``; else as ``Charging``.
    """

    def __init__(self) -> None:
        if not settings.BASE_URL:
            raise ImproperlyConfigured("Set BASE_URL: PSPs get addresses of this site")
        self._chargings: dict[str, Charging] = {}
        # By users who were looked at: the payment method that would be charged of them.
        self._seen: Mapping[Any, PaymentMethod | None] = {}

    def __call__(self, payment: Payment) -> Result:
        """Charge the payment."""
        method = self._method_of(payment.user_id)
        result = self._charge(payment, method)
        if result is not Result.FAILURE or method is None or method.as_stored().is_active:
            return result
        # Taken out of use since it was read: there may be another one in its place.
        return self._charge(payment, chargeable(payment.user_id))

    def _charge(self, payment: Payment, method: PaymentMethod | None) -> Result:
        moocher = None if method is None else keeper_of(method)
        if method is None or moocher is None or not moocher.can_save:
            return Result.FAILURE
        told = _told(payment, method)
        if told is _Told.NO:
            return Result.TERMINATE
        reason = "The notice before it may not have been sent" if told is _Told.NOT_KNOWN else ""
        with journal.acting(journal.SYSTEM, reason):
            data = {"payment_method": method, "unattended": True}
            return self._charging(moocher).charge(payment, data)

    def look_at(self, users: Mapping[Any, AbstractBaseUser]) -> None:
        """Read at once what would be charged of these users. One query."""
        first: dict[Any, PaymentMethod | None] = dict.fromkeys(users)
        for method in _chargeable().filter(user__in=users):
            first[method.user_id] = first[method.user_id] or method
        self._seen = first

    def serves(self, user_id: Any) -> bool:
        """Whether the user agreed to it, and has anything that can be charged now."""
        method: Any = self._method_of(user_id)
        if method is None:
            return False
        return not method.was_declined or not due.refusal(user_id, method)

    def _method_of(self, user_id: Any) -> PaymentMethod | None:
        return self._seen[user_id] if user_id in self._seen else chargeable(user_id)

    def _charging(self, moocher: Moocher) -> Charging:
        if moocher.identifier not in self._chargings:
            self._chargings[moocher.identifier] = charging(moocher)
        return self._chargings[moocher.identifier]


class PleasePay:
    """Asks the user by mail to pay, once for each payment, with a link that works signed out.

    Not where they are told anyway that their card was declined, nor while money of theirs for it
    waits for a review. Answers ``FAILURE``: it charges nothing.
    """

    def __init__(self) -> None:
        self._seen: Mapping[Any, AbstractBaseUser] = {}

    def __call__(self, payment: Payment) -> Result:
        """Send the mail."""
        is_reviewed = Attempt.objects.undecided().filter(payment=payment.pk).exists()
        if not is_reviewed and not Recovery.objects.filter(payment=payment.pk).exists():
            text = partial(texts.please_pay, payment)
            is_needed = Payment.objects.pending().filter(pk=payment.pk).exists
            send(MailKind.PLEASE_PAY, payment.pk, payment.user, text, is_needed=is_needed)
        return Result.FAILURE

    def look_at(self, users: Mapping[Any, AbstractBaseUser]) -> None:
        """Know these users, who have just been read."""
        self._seen = users

    def serves(self, user_id: Any) -> bool:
        """Whether the user can be reached by mail."""
        seen = self._seen.get(user_id)
        user = seen or get_user_model()._default_manager.filter(pk=user_id).first()
        return user is not None and bool(address_of(user))


class _Told(Enum):
    """Whether a user was told of a charge as long before as ``CHARGE_NOTICE`` says."""

    YES = "yes"
    #: It was to be sent so long ago; whether it was is not known, or it could not be sent.
    NOT_KNOWN = "not known"
    NO = "no"


def _told(payment: Payment, method: PaymentMethod) -> _Told:
    """Whether the user was told of this charge; where not, they are told now.

    Each try has a notice of its own. One that a law wants is sent again each day until it is known
    to be sent: a second notice does no harm. Any other holds the charge up no longer than one that
    was sent, and not at all where the site sends none, or the user has no address.
    """
    notice: ChargeNotice | None = import_string(settings.CHARGE_NOTICE)(payment, method)
    if notice is None:
        return _Told.YES
    user, kind = payment.user, MailKind.NOTICE
    can_be_sent = kind in settings.MAILS and bool(address_of(user))
    if not notice.is_law and not can_be_sent:
        return _Told.NOT_KNOWN
    # By the decline before it: tries are counted anew with each card, declines are not.
    declined = Recovery.objects.filter(payment=payment.pk).values_list("failed_at", flat=True)
    after = "".join(f" {at:%Y-%m-%dT%H:%M:%S}" for at in declined)
    about, now = f"{payment.pk} {method.pk}{after}", clock.now()
    mail = Mail.objects.filter(kind=kind, about=about).first()
    if mail is not None and mail.sent_at is not None:
        return _Told.YES if mail.sent_at + notice.before <= now else _Told.NO
    if mail is not None and not notice.is_law and mail.claimed_at + notice.before <= now:
        return _Told.NOT_KNOWN
    again_after = A_DAY if notice.is_law else None
    if can_be_sent:
        text = partial(texts.notice, payment, method, now + notice.before)
        is_needed = Payment.objects.pending().filter(pk=payment.pk).exists
        send(kind, about, user, text, is_needed=is_needed, again_after=again_after)
    else:
        # So that a clerk reads why it is not charged.
        claimed = Mail.objects.claim(kind, about, user, again_after=again_after)
        if claimed is not None:
            claimed.record(MailState.GIVEN_UP, "No address, or the site sends no notices")
    return _Told.NO


def charging(moocher: Moocher) -> Charging:
    """What charges saved payment methods at this moocher's PSP."""
    return Charging(
        moocher,
        base_url=settings.BASE_URL,
        data_for=saved_methods(moocher),
        limit=rate_limit.shared(moocher),
    )


def chargeable(user_id: Any) -> PaymentMethod | None:
    """What would be charged of a user who is not there; ``None`` where they agreed to nothing."""
    return _chargeable().filter(user=user_id).first()


def _chargeable() -> QuerySet[PaymentMethod]:
    """What may be charged without its user, what is charged first before the others."""
    allowed = PaymentMethod.objects.active().exclude(unattended_text="")
    allowed = allowed.annotate(was_declined=due.was_declined())
    rows: QuerySet[PaymentMethod] = allowed.select_related("user", "psp_customer")
    return rows
