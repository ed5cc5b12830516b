"""Wrappers that put django-mooch's moochers, unmodified, behind the kit's contract.

These moochers know neither owners nor attempts nor currencies. The wrapper says how to check
what they report; ``pay`` and ``callback`` run around their views; ``Payment.save()`` makes
the first charge count and no other.
"""

from __future__ import annotations

import enum
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha1
from typing import Any, cast
from uuid import UUID

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest
from mooch.banktransfer import BankTransferMoocher
from mooch.base import BaseMoocher
from mooch.postfinance import PostFinanceMoocher

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Outcome,
    Unknown,
)
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.privacy.redaction import keep_secret
from payments_ui.exceptions import MoocherError, WebhookSignatureError
from payments_ui.moochers.base import AttemptUrls, Moocher
from payments_ui.moochers.form_adoption import adopt


class NotChargedError(MoocherError):
    """The moocher saves a charge of which its PSP says that it took no money."""

    code = "not_charged"

    def __init__(self, decline: DeclineCode, detail: str = "") -> None:
        super().__init__(detail)
        self.decline = decline


class Status(enum.Enum):
    """What a PSP's callback says about a payment."""

    CHARGED = "charged"
    PENDING = "pending"
    DECLINED = "declined"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A verified callback. ``amount`` is in units of ``currency``."""

    payment_id: UUID
    amount: Decimal
    currency: str
    status: Status
    psp_reference: str
    evidence: Mapping[str, object]


class MoochWrapper(Moocher):
    """Any moocher of django-mooch, ``inner``. Its form posts to a view of its own."""

    has_own_view = True
    can_ask = False
    #: Names of its views that the PSP, or a browser coming back from it, calls.
    callback_views: frozenset[str] = frozenset()

    def __init__(self, inner: BaseMoocher) -> None:
        super().__init__(identifier=inner.identifier, title=inner.title)
        self.inner = inner
        self.success_url = inner.success_url
        self.failure_url = inner.failure_url
        # What django-mooch's constructors call keys and passphrases.
        keep_secret(*(vars(inner).get(name, "") for name in ("secret_key", "sha1_in", "sha1_out")))

    @property
    def original(self) -> BaseMoocher:
        """The site's own object."""
        return self.inner

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        """The form of ``inner``, as it is."""
        return cast("str", self.inner.payment_form(request, payment))

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Always refused: the view of ``inner`` charges, see ``payments_ui.mooch.pay``."""
        raise MoocherError(f"{self.identifier} is charged by its own view")

    def ask(self, attempt: Attempt) -> Outcome:
        """Unknown: django-mooch has no way to ask a PSP."""
        return Unknown(reason=f"{self.identifier} cannot be asked")

    def verify_charge(self, payment: Payment) -> None:
        """Called before its write of ``charged_at`` counts.

        Raises ``NotChargedError`` where the PSP took no money, and ``MoocherError`` where its
        answer leaves that open.
        """

    def verify_callback(self, request: HttpRequest) -> Callback:
        """What a callback says; raises ``WebhookSignatureError`` unless it is the PSP's."""
        raise WebhookSignatureError(f"{self.identifier} takes no callbacks")


class BankTransferWrapper(MoochWrapper):
    """django-mooch's bank transfer: the customer says that the money is on its way."""

    manual = True

    def cancel(self, attempt: Attempt) -> Outcome:
        """Cancelled: no PSP was asked, and money that still arrives is kept as surplus."""
        return Cancelled()


class StripeWrapper(MoochWrapper):
    """django-mooch's Stripe: it charges CHF, and saves a charge whatever Stripe answers."""

    currencies = frozenset({"CHF"})

    def verify_charge(self, payment: Payment) -> None:
        """Accepts an answer that says "paid", in the payment's amount and currency."""
        try:
            answer = json.loads(payment.transaction)
        except ValueError as error:
            raise MoocherError("Stripe's answer is not JSON") from error
        if not isinstance(answer, dict):
            raise MoocherError("Stripe's answer is not an object")
        if "error" in answer:
            raise NotChargedError(DeclineCode.CARD_DECLINED, "Stripe declined")
        paid = (answer.get("paid"), answer.get("amount"), str(answer.get("currency")).upper())
        if paid != (True, payment.amount_cents, payment.currency):
            raise MoocherError("Stripe's answer does not say that this amount is paid")

    def check(self) -> Iterable[CheckMessage]:
        """What this interface of Stripe's cannot do."""
        text = (
            f"StripeMoocher {self.identifier!r} needs inline scripts, which a strict "
            "Content-Security-Policy blocks, cannot do 3-D Secure, and reports a declined card "
            "as paid; the kit reads Stripe's answer itself."
        )
        hint = "Use a moocher for Stripe's present interface."
        yield Warning(text, hint=hint, id="payments_ui.W024")


class PostFinanceWrapper(MoochWrapper):
    """django-mooch's PostFinance: the form posts to the PSP, which calls back."""

    has_own_view = False
    currencies = frozenset({"CHF"})
    callback_views = frozenset({"success_view", "postsale_view"})
    form_action_origins = ("https://e-payment.postfinance.ch",)

    _ORDER = re.compile(r"([0-9a-f]{32})-[A-Za-z0-9]{4}")
    _AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
    _PAYID = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
    # In the order in which the PSP joins them for its signature.
    _SIGNED = (
        *("orderID", "currency", "amount", "PM", "ACCEPTANCE", "STATUS", "CARDNO", "PAYID"),
        *("NCERROR", "BRAND"),
    )
    _EVIDENCE = ("PAYID", "STATUS", "PM", "BRAND", "NCERROR")
    # Every other status (authorised, waiting, uncertain) is neither money nor a decline.
    _STATUS = {
        "9": Status.CHARGED,
        "1": Status.ABANDONED,
        "0": Status.DECLINED,
        "2": Status.DECLINED,
        "93": Status.DECLINED,
    }

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        """The kit's button first: it starts the attempt, then the PSP's form is shown."""
        return self.render_form(request, payment, self.get_form(request, payment))

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Nothing is asked yet: the customer posts the PSP's form next."""
        return ActionRequired()

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """The form of ``inner``, which leads to the PSP."""
        return adopt(self.inner.payment_form(request, attempt.payment), request, {})

    def verify_callback(self, request: HttpRequest) -> Callback:
        """Accepts a signature that holds, over fields that are well-formed each by itself."""
        posted = request.POST if request.method == "POST" else request.GET
        data = {name: str(posted.get(name, "")) for name in (*self._SIGNED, "SHASIGN")}
        signed = "".join(data[name] for name in self._SIGNED) + self.inner.sha1_out
        digest = sha1(signed.encode()).hexdigest()  # noqa: S324 - the PSP's scheme
        if not hmac.compare_digest(digest.encode(), data["SHASIGN"].lower().encode()):
            raise WebhookSignatureError("PostFinance callback")
        order = self._ORDER.fullmatch(data["orderID"])
        amount = Decimal(data["amount"] if self._AMOUNT.fullmatch(data["amount"]) else 0)
        if order is None or not amount or not self._PAYID.fullmatch(data["PAYID"]):
            raise WebhookSignatureError("PostFinance callback with malformed fields")
        return Callback(
            payment_id=UUID(order[1]),
            amount=amount,
            currency=data["currency"][:3],
            status=self._STATUS.get(data["STATUS"], Status.PENDING),
            psp_reference=data["PAYID"],
            evidence={name: data[name] for name in self._EVIDENCE},
        )

    def check(self) -> Iterable[CheckMessage]:
        """That PostFinance has ended this interface."""
        text = (
            f"PostFinanceMoocher {self.identifier!r} uses an interface that PostFinance has ended. "
            "Its signature joins fields without separators; the kit compares payment, amount and "
            "currency itself."
        )
        hint = "Use a moocher for an interface that the PSP supports."
        yield Warning(text, hint=hint, id="payments_ui.W023")


def wrap(moocher: BaseMoocher) -> MoochWrapper:
    """The wrapper for a listed moocher of django-mooch."""
    if isinstance(moocher, BankTransferMoocher):
        return BankTransferWrapper(moocher)
    if isinstance(moocher, PostFinanceMoocher):
        return PostFinanceWrapper(moocher)
    # By name: importing it needs the requests library, which only its users have.
    if any(base.__module__ == "mooch.stripe" for base in type(moocher).__mro__):
        return StripeWrapper(moocher)
    return MoochWrapper(moocher)
