"""django-mooch's own moochers, unmodified, behind the kit's contract.

They know nothing of owners, attempts or currencies. What they lack is enforced around
them: the wrapper here, ``payments_ui.mooch.callbacks``, and ``Payment.save()``.
"""

from __future__ import annotations

import enum
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha1
from typing import Any, cast
from uuid import UUID

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


class ForeignDeclinedError(MoocherError):
    """What the moocher is about to write as charged is no charge."""

    code = "foreign_declined"

    def __init__(self, code: DeclineCode, detail: str = "") -> None:
        super().__init__(detail)
        self.decline = code


class Status(enum.Enum):
    """What a PSP's callback says."""

    CHARGED = "charged"
    PENDING = "pending"
    DECLINED = "declined"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A verified callback: whose payment, how much, and what became of it."""

    payment_id: UUID
    amount: Decimal
    currency: str
    status: Status
    psp_reference: str
    evidence: Mapping[str, object]


class Foreign(Moocher):
    """A moocher of django-mooch in the kit's contract: one whose form posts to its own view."""

    #: Names of its views that the PSP or a returning browser calls.
    callbacks: frozenset[str] = frozenset()
    #: Whether its form posts to the PSP directly.
    leaves_site = False
    has_own_view = True
    can_ask = False

    #: What its constructors call keys and passphrases.
    _SECRETS = ("secret_key", "sha1_in", "sha1_out")

    def __init__(self, inner: BaseMoocher) -> None:
        super().__init__(identifier=inner.identifier, title=inner.title)
        self.inner = inner
        keep_secret(*(vars(inner).get(name, "") for name in self._SECRETS))
        self.success_url = inner.success_url
        self.failure_url = inner.failure_url

    @property
    def original(self) -> BaseMoocher:
        """The site's own object."""
        return self.inner

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        """The inner moocher's form, as it is."""
        return cast("str", self.inner.payment_form(request, payment))

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Not the way in: its own view charges, behind ``flows.submit``."""
        raise MoocherError(f"{self.identifier} is charged by its own view")

    def ask(self, attempt: Attempt) -> Outcome:
        """It has no way to ask its PSP."""
        return Unknown(reason=f"{self.identifier} cannot be asked")

    def confirm(self, payment: Payment) -> None:
        """Called before its write of ``charged_at`` counts; raises if it is no charge."""

    def read(self, request: HttpRequest) -> Claim:
        """A callback, verified; raises ``WebhookSignatureError``."""
        raise WebhookSignatureError(f"{self.identifier} takes no callbacks")


class ForeignBankTransfer(Foreign):
    """django-mooch's bank transfer: the customer says that the money is on its way."""

    manual = True

    def cancel(self, attempt: Attempt) -> Outcome:
        """No PSP was asked; money that comes all the same becomes surplus."""
        return Cancelled()


class ForeignStripe(Foreign):
    """django-mooch's Stripe: charges CHF, and writes down whatever Stripe answers."""

    currencies = frozenset({"CHF"})

    def confirm(self, payment: Payment) -> None:
        """Only a parsed answer that says paid, with this amount and currency, is a charge."""
        try:
            answer = json.loads(payment.transaction)
        except ValueError as error:
            raise MoocherError("Stripe's answer is not JSON") from error
        if not isinstance(answer, dict):
            raise MoocherError("Stripe's answer is not an object")
        if "error" in answer:
            raise ForeignDeclinedError(DeclineCode.CARD_DECLINED, "Stripe declined")
        paid = (answer.get("paid"), answer.get("amount"), str(answer.get("currency")).upper())
        if paid != (True, payment.amount_cents, payment.currency):
            raise MoocherError("Stripe's answer does not say that this amount is paid")


class ForeignPostFinance(Foreign):
    """django-mooch's PostFinance: the form posts to the PSP, which calls back."""

    currencies = frozenset({"CHF"})
    callbacks = frozenset({"success_view", "postsale_view"})
    leaves_site = True
    has_own_view = False
    form_action_origins = ("https://e-payment.postfinance.ch",)

    _ORDER = re.compile(r"([0-9a-f]{32})-[A-Za-z0-9]{4}")
    _AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
    _PAYID = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
    _SIGNED = (
        *("orderID", "currency", "amount", "PM", "ACCEPTANCE", "STATUS", "CARDNO", "PAYID"),
        *("NCERROR", "BRAND"),
    )
    _EVIDENCE = ("PAYID", "STATUS", "PM", "BRAND", "NCERROR")
    # Whatever else it says (authorised, waiting, uncertain) is neither money nor a no.
    _STATUS = {
        "9": Status.CHARGED,
        "1": Status.ABANDONED,
        "0": Status.DECLINED,
        "2": Status.DECLINED,
        "93": Status.DECLINED,
    }

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        """Our button first: the attempt is written down before the PSP's form is shown."""
        return self.render_form(request, payment, self.get_form(request, payment))

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Nothing is asked yet: the customer posts the PSP's form next."""
        return ActionRequired()

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """The inner moocher's form, which leads to the PSP."""
        return adopt(self.inner.payment_form(request, attempt.payment), request, {})

    def read(self, request: HttpRequest) -> Claim:
        """A callback whose signature holds and whose fields are well-formed, each by itself."""
        posted = request.POST if request.method == "POST" else request.GET
        data = {name: str(posted.get(name, "")) for name in (*self._SIGNED, "SHASIGN")}
        self._verify(data)
        order = self._ORDER.fullmatch(data["orderID"])
        amount = Decimal(data["amount"] if self._AMOUNT.fullmatch(data["amount"]) else 0)
        if order is None or not amount or not self._PAYID.fullmatch(data["PAYID"]):
            raise WebhookSignatureError("PostFinance callback with fields that make no sense")
        return Claim(
            payment_id=UUID(order[1]),
            amount=amount,
            currency=data["currency"][:3],
            status=self._STATUS.get(data["STATUS"], Status.PENDING),
            psp_reference=data["PAYID"],
            evidence={name: data[name] for name in self._EVIDENCE},
        )

    def _verify(self, data: Mapping[str, str]) -> None:
        signed = "".join(data[name] for name in self._SIGNED) + self.inner.sha1_out
        digest = sha1(signed.encode()).hexdigest()  # noqa: S324 - the PSP's scheme
        if not hmac.compare_digest(digest.encode(), data["SHASIGN"].lower().encode()):
            raise WebhookSignatureError("PostFinance callback")


def wrap(moocher: BaseMoocher) -> Foreign:
    """The moocher behind the kit's contract; registered with ``moochers.registry``."""
    if isinstance(moocher, BankTransferMoocher):
        return ForeignBankTransfer(moocher)
    if isinstance(moocher, PostFinanceMoocher):
        return ForeignPostFinance(moocher)
    # By name: importing it needs the requests library, which only its users have.
    if any(base.__module__ == "mooch.stripe" for base in type(moocher).__mro__):
        return ForeignStripe(moocher)
    return Foreign(moocher)
