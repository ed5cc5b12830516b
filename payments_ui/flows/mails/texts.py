"""What each mail says, in the language and the time zone that are active."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from django.urls import reverse
from django.utils.translation import gettext as _

from payments_ui import dates, money
from payments_ui.conf import settings
from payments_ui.core import queries
from payments_ui.core.models import Attempt, Payment, PaymentMethod, Recovery, Refund
from payments_ui.flows.tokens import LinkToken
from payments_ui.moochers.registry import moochers

#: Rows of what was paid; the page of the receipt has all of them.
_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A mail as the templates get it, with the objects that it is about for those of a site."""

    subject: str
    paragraphs: Sequence[str]
    rows: Sequence[tuple[str, str]] = ()
    button: str = ""
    url: str = ""
    about: dict[str, Any] = field(default_factory=dict)


def receipt(attempt: Attempt) -> Text:
    """Of an attempt that was charged: what arrived, without a rest that was written off."""
    payment: Payment = attempt.payment
    amount = money.format_amount(attempt.received, payment.currency)
    groups = queries.groups(payment.user, payment.currency, limit=_MOST, payment=payment)
    rows = [(group.title, money.format_amount(group.amount, group.currency)) for group in groups]
    paid = {"amount": amount, "date": dates.format_date(attempt.ended_at or attempt.updated_at)}
    return Text(
        subject=_("Receipt for %(amount)s") % {"amount": amount} + _to_payee(),
        paragraphs=[
            _("You paid %(amount)s on %(date)s.") % paid,
            *_waived(attempt),
            *_charged_to(attempt),
            _("Number: %(number)s") % {"number": payment.number},
        ],
        rows=rows,
        button=_("Show the receipt"),
        url=_absolute(reverse("payments_ui:receipt", kwargs={"pk": payment.pk})),
        about={"payment": payment, "attempt": attempt},
    )


def _waived(attempt: Attempt) -> list[str]:
    if not attempt.written_off:
        return []
    amount = money.format_amount(attempt.written_off, attempt.currency)
    return [_("%(amount)s is waived: you do not owe it any more.") % {"amount": amount}]


def _charged_to(attempt: Attempt) -> list[str]:
    method = attempt.payment_method
    if method is None:
        return []
    return [_("It was charged to %(card)s.") % {"card": method.label}]


def payment_failed(recovery: Recovery) -> Text:
    """What could not be charged, what happens next, and what mends it."""
    return Text(
        subject=_("We could not charge %(amount)s") % {"amount": _owed(recovery.payment)},
        paragraphs=[*recovery.sentences, str(recovery.failure_message)],
        button=_("Pay now, or change the card"),
        url=link(recovery.payment),
        about={"payment": recovery.payment, "recovery": recovery},
    )


def confirmation(payment: Payment, about: dict[str, Any]) -> Text:
    """The bank wants a step that only the customer can take."""
    return Text(
        subject=_("Please confirm your payment of %(amount)s") % {"amount": _owed(payment)},
        paragraphs=[
            _("Your bank wants you to confirm the payment of %(amount)s.")
            % {"amount": _owed(payment)},
            _("It takes a moment: open the link, and follow the steps of your bank."),
            _valid(),
        ],
        button=_("Confirm the payment"),
        url=link(payment),
        about={"payment": payment, **about},
    )


def please_pay(payment: Payment) -> Text:
    """What is owed, and the way to pay it."""
    amount = {"amount": _owed(payment)}
    groups = queries.groups(payment.user, payment.currency, limit=_MOST, payment=payment)
    return Text(
        subject=_("Please pay %(amount)s") % amount + _to_payee(),
        paragraphs=[_("You owe %(amount)s. Please pay it by the link below.") % amount, _valid()],
        rows=[(group.title, money.format_amount(group.amount, group.currency)) for group in groups],
        button=_("Pay now"),
        url=link(payment),
        about={"payment": payment},
    )


def notice(payment: Payment, method: PaymentMethod, at: dt.datetime) -> Text:
    """What will be charged, to which card, and not before when."""
    what = {
        "amount": _owed(payment),
        "card": method.label,
        "date": dates.format_moment(at),
    }
    return Text(
        subject=_("We will charge %(amount)s to %(card)s") % what,
        paragraphs=[
            _("We will charge %(amount)s to %(card)s, not before %(date)s.") % what,
            _("To pay in another way, or to remove the card, open your payment methods."),
        ],
        button=_("Your payment methods"),
        url=_absolute(reverse("payments_ui:methods")),
        about={"payment": payment, "payment_method": method},
    )


def card_expires(method: PaymentMethod) -> Text:
    """A card that is charged without its user, and whose last month is the next one."""
    what = {"card": method.label}
    return Text(
        subject=_("%(card)s expires next month") % what,
        paragraphs=[
            _("%(card)s, which we charge without you being present, expires next month.") % what,
            _("Add a new card, so that your payments go on without a break."),
        ],
        button=_("Change the card"),
        url=_absolute(reverse("payments_ui:methods")),
        about={"payment_method": method},
    )


def transfer_details(attempt: Attempt) -> Text:
    """Where to transfer what is missing, so that it is recognised."""
    moocher = moochers().get(attempt.moocher)
    amount = {"amount": money.format_amount(attempt.missing, attempt.currency)}
    return Text(
        subject=_("Details for your transfer of %(amount)s") % amount,
        paragraphs=[_("Please transfer exactly this amount, and state the reference.")],
        rows=[] if moocher is None else list(moocher.details(attempt)),
        button=_("Show the payment"),
        url=_absolute(reverse("payments_ui:payment", kwargs={"pk": attempt.payment_id})),
        about={"payment": attempt.payment, "attempt": attempt},
    )


def refund_sent(refund: Refund) -> Text:
    """Money that is on its way back."""
    amount = money.format_amount(refund.amount, refund.currency)
    what = {"amount": amount, "number": refund.payment.number}
    return Text(
        subject=_("We have sent %(amount)s back to you") % what,
        paragraphs=[
            _("We have sent back %(amount)s of your payment %(number)s.") % what,
            _("Depending on your bank it takes some days until you see it."),
        ],
        button=_("Show the receipt"),
        url=_absolute(reverse("payments_ui:receipt", kwargs={"pk": refund.payment_id})),
        about={"payment": refund.payment, "refund": refund},
    )


def link(payment: Payment) -> str:
    """The signed address of one pending payment: works signed out, and expires."""
    token = LinkToken.make(payment)
    return _absolute(reverse("payments_ui:link", kwargs={"token": token}))


def _valid() -> str:
    days = {"days": settings.LINK_DAYS}
    return _("The link is valid for %(days)s days, and shows this payment only.") % days


def _owed(payment: Payment) -> str:
    return money.format_amount(payment.amount, payment.currency)


def _to_payee() -> str:
    return f", {settings.PAYEE}" if settings.PAYEE else ""


def _absolute(path: str) -> str:
    return urljoin(settings.BASE_URL, path)
