"""The moocher: attempts of ours, payments of Mollie."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Succeeded,
)
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome
from payments_ui.core.privacy.redaction import keep_secret
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.answers import Object, matching, part, parts, text
from payments_ui.moochers.base import AttemptUrls, LedgerLine, Moocher, Notice, webhook_body

from . import charges, disputes, ledger, refunds, webhook
from .client import (
    CHARGEBACK_ID,
    ENDPOINT,
    GONE,
    REFUND_ID,
    Client,
    RefusedError,
)
from .locales import locale
from .methods import instrument_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from payments_ui.core.models import Attempt, PaymentMethod, Refund

#: What Mollie says no to where the saved payment method, or the amount, is the reason.
_REFUSED_FIELDS = {
    "customerId": DeclineCode.METHOD_GONE,
    "mandateId": DeclineCode.METHOD_GONE,
    "amount": DeclineCode.AMOUNT_REFUSED,
}


class MollieMoocher(Moocher):
    """Pays on Mollie's page, by whatever the customer chooses there; ``methods`` narrows it.

    ``methods`` are Mollie's names ("ideal", "twint", "creditcard"). ``account`` is the profile
    (``pfl_…``) that an API key is of; where it is set, money of another one is a mismatch. With
    ``can_save`` customers may have a card or account charged again; ``setup_currency`` and
    ``setup_methods`` are those of the payment of nothing by which one is saved on its own.
    ``timeout`` is in seconds: to connect, and between two bytes.

    Whether real money moves is the API key's to say. Raises ``ValueError`` for what is no key, and
    for an ``endpoint`` that is neither Mollie's nor on this machine.
    """

    identifier = "mollie"
    title = _("iDEAL, TWINT, card and more")
    description = _("You pay on the page of Mollie, our payment service.")
    psp = "mollie"
    can_refund = True
    has_ledger = True
    template_name = "payments_ui/moochers/mollie.html"
    setup_template_name = "payments_ui/moochers/mollie_setup.html"
    #: The API key says whether real money moves.
    options = (Moocher.options | {"can_save"}) - {"live"}
    #: How long a request may still be on its way after its attempt was started. Only later is
    #: "Mollie has no such payment" an answer.
    settling_time = dt.timedelta(minutes=2)
    #: Mollie repeats its answer to a key for an hour. Later it is asked before it is sent again.
    key_life = dt.timedelta(minutes=50)
    #: By how much Mollie's clock and ours may differ.
    clock_skew = dt.timedelta(minutes=10)

    def __init__(
        self,
        *,
        api_key: str,
        methods: Sequence[str] = (),
        setup_currency: str = "EUR",
        setup_methods: Sequence[str] = ("creditcard",),
        timeout: tuple[int, int] = (5, 30),
        endpoint: str = ENDPOINT,
        **options: Any,
    ) -> None:
        mode, _underscore, key = api_key.partition("_")
        if mode not in ("live", "test") or not (key.isascii() and key.isalnum()):
            raise ValueError("Mollie's API key begins with live_ or test_")
        super().__init__(**options)
        self.live = mode == "live"
        self.methods = list(methods)
        self.setup_currency = setup_currency
        self.setup_methods = list(setup_methods)
        keep_secret(api_key)
        self._client = Client(api_key, timeout, endpoint)

    def check_deployed(self) -> Iterable[CheckMessage]:
        """A warning where the key is one for tests."""
        if not self.live:
            yield Warning(
                f"The moocher {self.identifier!r} has one of Mollie's API keys for tests.",
                "It takes no real money: take the key that begins with live_.",
                id="payments_ui.W070",
            )

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Open a payment on Mollie's page, or charge the saved payment method in ``data``."""
        if _age(attempt.started_at) > self.key_life and (found := self._find(attempt)):
            return self._outcome(found, attempt)
        order: dict[str, Any] = {
            "amount": charges.value_of(attempt.amount, attempt.currency),
            "description": attempt.reference,
            "metadata": {
                "attempt": str(attempt.pk),
                "key": attempt.idempotency_key,
                "moocher": self.identifier,
            },
            **self._urls(urls, attempt=str(attempt.pk)),
        }
        method: PaymentMethod | None = data.get("payment_method")
        if method is not None:
            order["sequenceType"] = "recurring"
            order |= {"customerId": method.customer_id, "mandateId": method.method_id}
        elif self.methods:
            order["method"] = self.methods
        if data.get("save"):
            order |= {"sequenceType": "first", "customerId": data["customer_id"]}
        try:
            payment = self._client.create_payment(order, key=attempt.idempotency_key)
        except RefusedError as error:
            if error.field not in _REFUSED_FIELDS:
                raise
            return Declined(code=_REFUSED_FIELDS[error.field], evidence={"refusal": str(error)})
        return self._outcome(payment, attempt)

    def ask(self, attempt: Attempt) -> Outcome:
        """Return what Mollie knows, by the payment's id or else by our metadata."""
        if attempt.psp_reference:
            return self._outcome(self._client.fetch_payment(attempt.psp_reference), attempt)
        if found := self._find(attempt):
            return self._outcome(found, attempt)
        return self.not_found(attempt.started_at)

    def cancel(self, attempt: Attempt) -> Outcome:
        """Have the payment cancelled, which most ways to pay allow for as long as it is open."""
        outcome = self.ask(attempt)
        if not isinstance(outcome, ActionRequired) or not outcome.psp_reference:
            return outcome
        try:
            return self._outcome(self._client.cancel_payment(outcome.psp_reference), attempt)
        except RefusedError:
            # Mollie cannot cancel it: the customer may still pay.
            return self.ask(attempt)

    def refund(self, refund: Refund) -> Outcome:
        """Ask Mollie to give the money back. A refund that it cannot make is declined."""
        if _age(refund.requested_at) > self.key_life and (found := self._find_refund(refund)):
            return self._refund_outcome(found, refund)
        order = {
            "amount": charges.value_of(refund.amount, refund.currency),
            "description": f"{refund.attempt.reference} {refund.reference}",
            "metadata": {"refund": str(refund.pk), "moocher": self.identifier},
        }
        payment_id = refund.attempt.psp_reference or ""
        try:
            found = self._client.create_refund(payment_id, order, key=refund.idempotency_key)
        except RefusedError as error:
            if error.field != "amount":
                raise
            return Declined(code=DeclineCode.AMOUNT_REFUSED, evidence={"refusal": str(error)})
        return self._refund_outcome(found, refund)

    def ask_refund(self, refund: Refund) -> Outcome:
        """Return what Mollie knows, by the refund's id or else by our metadata."""
        if refund.psp_reference:
            payment_id = refund.attempt.psp_reference or ""
            known = self._client.fetch_refund(payment_id, refund.psp_reference)
            return self._refund_outcome(known, refund)
        if found := self._find_refund(refund):
            return self._refund_outcome(found, refund)
        return self.not_found(refund.requested_at)

    def news(self, attempt: Attempt) -> Iterator[Notice]:
        """Tell of each refund and chargeback: of them Mollie's webhook names the payment only."""
        payment_id = attempt.psp_reference or ""
        payment = self._client.fetch_payment(payment_id, embed="refunds,chargebacks")
        about = Notice(event_id="", attempt_id=attempt.pk, psp_reference=payment_id)
        for each in parts(part(payment, "_embedded"), "refunds"):
            name = matching(REFUND_ID, each.get("id"))
            yield replace(about, refund_reference=f"{payment_id}/{name}")
        for each in parts(part(payment, "_embedded"), "chargebacks"):
            name = matching(CHARGEBACK_ID, each.get("id"))
            yield replace(about, dispute_reference=f"{payment_id}/{name}")

    def report_refund(self, reference: str) -> RefundReport | None:
        """Return the refund that Mollie has by this payment and name."""
        payment_id, _slash, refund_id = reference.partition("/")
        found = _or_none(self._client.fetch_refund, payment_id, refund_id)
        return None if found is None else refunds.report(found, account=self.account)

    def report_dispute(self, reference: str) -> DisputeReport | None:
        """Return the chargeback that Mollie has by this payment and name."""
        payment_id, _slash, chargeback_id = reference.partition("/")
        found = _or_none(self._client.fetch_chargeback, payment_id, chargeback_id)
        return None if found is None else disputes.report(found)

    def create_customer(self, user: AbstractBaseUser, *, key: str) -> str:
        """Make a customer of Mollie's, whom mandates belong to."""
        email = getattr(user, user.get_email_field_name(), "")
        order = {
            "name": (getattr(user, "get_full_name", str)() or user.get_username())[:255],
            "metadata": {"user": str(user.pk)},
        }
        customer = self._client.create_customer(
            order | ({"email": email} if email else {}), key=key
        )
        return text(customer, "id")

    def delete_customer(self, customer_id: str) -> None:
        """Delete the customer, by which all mandates are revoked."""
        _or_none(self._client.delete_customer, customer_id)

    def save(
        self, method: PaymentMethod, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SetupOutcome:
        """Open a payment of nothing on Mollie's page, by which a mandate is made."""
        order = {
            "amount": charges.value_of(Decimal(0), self.setup_currency),
            "description": str(self.title),
            "sequenceType": "first",
            "customerId": method.customer_id,
            "method": self.setup_methods,
            "metadata": {"setup": str(method.pk), "moocher": self.identifier},
            **self._urls(urls, setup=str(method.pk)),
        }
        payment = self._client.create_payment(order, key=method.idempotency_key)
        return self._setup_outcome(payment, method)

    def ask_saved(self, method: PaymentMethod) -> SetupOutcome:
        """Return what became of the payment of nothing."""
        payment = self._first_payment(method)
        return (
            self.not_found(method.created_at)
            if payment is None
            else self._setup_outcome(payment, method)
        )

    def describe(self, method: PaymentMethod) -> Instrument | None:
        """Return what the mandate charges."""
        return self._instrument(method.customer_id, method.method_id or "", {})

    def forget(self, method: PaymentMethod) -> None:
        """Revoke the mandate; without one, that which its first payment has made."""
        mandate_id = method.method_id or self._mandate_of_first_payment(method)
        if mandate_id:
            _or_none(self._client.revoke_mandate, method.customer_id, mandate_id)

    def ledger(self) -> Iterator[LedgerLine]:
        """Go through Mollie's payments, a page at a time."""
        return ledger.lines(self._client, moocher=self.identifier)

    def webhook(self, request: HttpRequest) -> Notice:
        """Tell which payment has changed, and whose it is. Nothing is signed."""
        return webhook.notice_of(webhook_body(request), request.GET)

    def _urls(self, urls: AttemptUrls, **owner: str) -> dict[str, str]:
        language = locale(get_language())
        found = {"redirectUrl": urls.return_url} | ({"locale": language} if language else {})
        # Mollie refuses an address that it cannot reach, such as a developer's machine.
        if self._client.is_local or not _is_local(urls.webhook_url):
            found["webhookUrl"] = webhook.url(urls.webhook_url, **owner)
        return found

    def _find(self, attempt: Attempt) -> Object | None:
        return self._search(attempt.started_at, attempt=str(attempt.pk))

    def _search(self, since: dt.datetime, customer: str = "", **owner: str) -> Object | None:
        payments = self._client.payments(since=since - self.clock_skew, customer=customer)
        return next((each for each in payments if charges.belongs_to(each, **owner)), None)

    def _first_payment(self, method: PaymentMethod) -> Object | None:
        """The payment by which a method is saved: of nothing, or of what the customer owed."""
        attempt = method.attempt
        reference = method.psp_reference if attempt is None else attempt.psp_reference
        if reference:
            return self._client.fetch_payment(reference)
        if attempt is not None:
            return self._find(attempt)
        owner = {"setup": str(method.pk)}
        return self._search(method.created_at, customer=method.customer_id or "", **owner)

    def _mandate_of_first_payment(self, method: PaymentMethod) -> str:
        payment = self._first_payment(method)
        if payment is None and _age(method.created_at) < self.settling_time:
            raise MoocherError("It may be saved yet: the request may arrive")
        if payment is not None and payment.get("status") == "open":
            payment = self._client.cancel_payment(text(payment, "id"))
        if payment is not None and payment.get("status") in ("open", "pending", "authorized"):
            raise MoocherError("It may be saved yet: its first payment has not ended")
        return "" if payment is None else text(payment, "mandateId")

    def _find_refund(self, refund: Refund) -> Object | None:
        payment = self._client.fetch_payment(refund.attempt.psp_reference or "", embed="refunds")
        found = parts(part(payment, "_embedded"), "refunds")
        return next((one for one in found if charges.belongs_to(one, refund=str(refund.pk))), None)

    def _outcome(self, payment: Object, attempt: Attempt) -> Outcome:
        charges.require_ours(payment, attempt=str(attempt.pk))
        outcome = charges.outcome(payment, account=self.account, origin=self._client.origin)
        if isinstance(outcome, Succeeded) and payment.get("sequenceType") == "first":
            customer = text(payment, "customerId")
            instrument = self._instrument(customer, text(payment, "mandateId"), payment)
            return replace(outcome, instrument=instrument)
        return outcome

    def _setup_outcome(self, payment: Object, method: PaymentMethod) -> SetupOutcome:
        charges.require_ours(payment, setup=str(method.pk))
        if payment.get("status") != "paid":
            return charges.unpaid(payment, origin=self._client.origin)
        mandate_id = text(payment, "mandateId")
        instrument = self._instrument(method.customer_id, mandate_id, payment)
        if instrument is None:
            return Declined(code=DeclineCode.METHOD_GONE)
        return Saved(instrument=instrument, psp_reference=text(payment, "id"))

    def _refund_outcome(self, found: Object, refund: Refund) -> Outcome:
        charges.require_ours(found, refund=str(refund.pk))
        had_succeeded = refund.state == refund.State.SUCCEEDED
        return refunds.outcome(found, account=self.account, had_succeeded=had_succeeded)

    def _instrument(self, customer_id: str, mandate_id: str, payment: Object) -> Instrument | None:
        # Some ways to pay for the first time make no mandate.
        mandate = mandate_id and _or_none(self._client.fetch_mandate, customer_id, mandate_id)
        if not mandate:
            return None
        return instrument_of(mandate, customer=customer_id, payment=payment)


def _or_none(call: Callable[..., Any], *names: str) -> Any:
    """Return the answer, ``None`` where Mollie has no such thing any more."""
    try:
        return call(*names)
    except RefusedError as error:
        if error.status not in GONE:
            raise
        return None


def _age(moment: dt.datetime) -> dt.timedelta:
    return timezone.now() - moment


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return "." not in host or host.startswith("127.") or host.endswith(".localhost")
