"""The contract of a moocher, hook by hook: when it is called, and what must not happen there.

A moocher is a configured instance, listed by dotted path in ``MOOCHERS``. It talks to a PSP
and reports; it never writes a payment, a line item or an attempt, and never decides that
something is paid: ``payments_ui.flows`` and the core do.

The folder of each PSP has the same files, of which it has those that it needs: ``moocher``
(these hooks), ``client`` (HTTP with the PSP), ``charges`` and ``refunds`` (the PSP's, read as
outcomes), ``ledger`` (its list of charges), ``webhook`` and ``forms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.core.checks import CheckMessage
from django.core.exceptions import RequestDataTooBig
from django.forms import Form
from django.http import HttpRequest, UnreadablePostError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from mooch.base import BaseMoocher

from payments_ui import money
from payments_ui.core.attempts.outcomes import Outcome, Pending
from payments_ui.core.models import Payment
from payments_ui.exceptions import WebhookSignatureError, WebhookTooLongError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from payments_ui.core.models import Attempt, Refund


@dataclass(frozen=True, slots=True)
class AttemptUrls:
    """Absolute URLs of one attempt: where the PSP sends the customer, and where it reports."""

    return_url: str
    webhook_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a verified webhook is about. Its content is a hint: the PSP is asked anyway.

    ``psp_reference`` is the attempt's, also where the news is about a refund of it, which
    ``refund_id`` names.
    """

    event_id: str
    attempt_id: UUID | None = None
    psp_reference: str | None = None
    refund_id: UUID | None = None


class LedgerStatus(StrEnum):
    """What the PSP's ledger says of a charge."""

    #: It took the money, also where some or all of it was given back since.
    TAKEN = "taken"
    #: It does not know yet.
    OPEN = "open"
    #: It took nothing, and will not.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """A charge in the PSP's ledger.

    ``reference`` is our attempt's idempotency key, empty where the PSP does not know it;
    ``refunded`` is what the PSP has given back of ``amount``, both in units of ``currency``.
    """

    psp_reference: str
    reference: str
    amount: Decimal
    refunded: Decimal
    currency: str
    status: LedgerStatus


#: Bytes of a webhook's body. What it is about takes no PSP more.
MAX_WEBHOOK = 256 * 1024


def webhook_body(request: HttpRequest) -> bytes:
    """The body of a webhook, as it was signed.

    Raises ``WebhookTooLongError`` above ``MAX_WEBHOOK``, before it is read where its length is
    known, and ``WebhookSignatureError`` where it cannot be read.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        body = request.body if length <= MAX_WEBHOOK else None
    except RequestDataTooBig as error:
        raise WebhookTooLongError("The body is too long, and cannot be read") from error
    except (ValueError, UnreadablePostError) as error:
        raise WebhookSignatureError("The body cannot be read") from error
    if body is None or len(body) > MAX_WEBHOOK:
        raise WebhookTooLongError("The body is too long")
    return body


class Moocher(BaseMoocher):
    """Base of the kit's moochers, and of yours.

    Configured as in django-mooch, by keyword arguments that name class attributes.
    Unknown options raise ``TypeError``.
    """

    title: _StrPromise | str
    identifier: str
    #: A line below the title among the payment options.
    description: _StrPromise | str = ""
    #: The account at the PSP that gets the money, compared when money arrives.
    account: str = ""
    #: Whether real money moves, compared when money arrives.
    live: bool = False
    #: Currencies it takes; ``None`` means all.
    currencies: frozenset[str] | None = None
    #: Smallest amount by currency; of a smaller payment the customer reads why it is refused.
    minimum: Mapping[str, Decimal] = {}
    #: Whether people book the money (bank transfer), so that undoing needs no refund.
    manual: bool = False
    #: Whether the PSP can be asked what became of an attempt.
    can_ask: bool = True
    #: Whether it can give money back; if not, a person has to.
    can_refund: bool = False
    #: Whether the PSP can list its charges, for ``audit_payments --psp``.
    has_ledger: bool = False
    #: Whether a view of its own takes its form; then ``pay_url`` answers 404 to a POST.
    has_own_view: bool = False
    #: Origins its forms post to directly, for the host's ``form-action`` policy.
    form_action_origins: tuple[str, ...] = ()
    template_name = "payments_ui/moochers/form.html"

    #: Options that __init__ takes besides those a subclass names in its own signature.
    options: ClassVar[frozenset[str]] = frozenset(
        {"model", "identifier", "title", "success_url", "failure_url", "app_name"}
        | {"description", "account", "live", "currencies", "minimum"}
    )

    def __init__(self, **options: Any) -> None:
        if unknown := sorted(set(options) - self.options):
            raise TypeError(f"{type(self).__name__} got unknown options: {', '.join(unknown)}")
        super().__init__()
        for name, value in options.items():
            setattr(self, name, value)

    def serves(self, account: str, *, live: bool) -> bool:
        """Whether it is configured for this account and mode, which an attempt was asked in."""
        return (self.account, self.live) == (account, live)

    def refuse(self, payment: Payment) -> str | None:
        """A sentence for the customer if this payment cannot be taken, else ``None``.

        Called whenever the payment options are shown: no I/O, no query.
        """
        if self.currencies is not None and payment.currency not in self.currencies:
            return _("Not available for %(currency)s.") % {"currency": payment.currency}
        least = self.minimum.get(payment.currency)
        if least is not None and payment.amount < least:
            return _("Available from %(amount)s.") % {
                "amount": money.format_amount(least, payment.currency)
            }
        return None

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> Form:
        """The form of this payment option. Card fields belong to the PSP's page, never here."""
        return Form(data)

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        """HTML with a plain form that posts to ``pay_url``; also called without JavaScript.

        The kit adds CSRF and htmx attributes to it. Must not move money or ask the PSP.
        """
        return self.render_form(request, payment, self.get_form(request, payment))

    def render_form(self, request: HttpRequest, payment: Payment, form: Form) -> str:
        """``template_name`` with this form, which may be bound and carry errors."""
        amount = money.format_amount(payment.amount, payment.currency)
        context = {
            "moocher": self,
            "payment": payment,
            "form": form,
            "pay_url": self.pay_url(payment),
            "pay_label": self.pay_label(amount),
        }
        return render_to_string(self.template_name, context, request=request)

    def pay_label(self, amount: str) -> str:
        """Text of the final button. It must say that the customer pays, and how much."""
        return _("Pay %(amount)s") % {"amount": amount}

    def pay_url(self, payment: Payment) -> str:
        """Where its form posts to."""
        return reverse(
            "payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": self.identifier}
        )

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Ask the PSP to take the money, with ``attempt.idempotency_key``.

        Called once per attempt, after the attempt is committed and outside of any
        transaction. Any exception makes the attempt ``unknown``; so raise rather than
        guess, and give every request a timeout. Only ``RequestRefusedError`` says that nothing
        was charged and nothing will be: the PSP refused the request as it stands.
        """
        raise NotImplementedError

    def ask(self, attempt: Attempt) -> Outcome:
        """What the PSP knows of this attempt. May be called at any time, any number of times.

        Must not move money. Outside of any transaction.
        """
        raise NotImplementedError

    def cancel(self, attempt: Attempt) -> Outcome:
        """Call the attempt off at the PSP and report what became of it.

        ``Cancelled`` only if the PSP confirmed. The default cannot cancel and says so.
        Outside of any transaction.
        """
        return Pending(psp_reference=attempt.psp_reference)

    def refund(self, refund: Refund) -> Outcome:
        """Ask the PSP to give money back, with ``refund.idempotency_key``.

        Called where ``can_refund``, after the refund is committed and outside of any
        transaction. ``Succeeded`` names the PSP's refund and says what it gave back;
        ``Pending``: it will; ``Declined``: nothing was given back, and nothing will be. Any
        exception makes the refund ``unknown``; so raise rather than guess, and give every
        request a timeout.
        """
        raise NotImplementedError

    def ask_refund(self, refund: Refund) -> Outcome:
        """What the PSP knows of this refund. May be called at any time, any number of times.

        Must not move money. ``Declined`` as "never happened" only if the request cannot
        arrive any more. Outside of any transaction.
        """
        raise NotImplementedError

    def ledger(self) -> Iterable[LedgerLine]:
        """Every charge in the PSP's ledger of this account and mode, in any order.

        Called where ``has_ledger``, by the audit. Fetch it page by page and yield as you
        go: there may be millions. Must not move money; raises rather than leave a page
        out. Outside of any transaction.
        """
        raise NotImplementedError

    def webhook(self, request: HttpRequest) -> Notice:
        """Verify the signature of ``webhook_body(request)``; return what it is about.

        Called for every POST to its URL, by anybody; the PSP is asked afterwards. Raises
        ``WebhookSignatureError`` before anything of it is used. The default takes no webhooks.
        """
        raise WebhookSignatureError(f"{self.identifier} takes no webhooks")

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """HTML shown while the attempt waits for the customer or the PSP; empty: a default.

        Shown as it is, and again with every refresh: a form in it leads to the PSP.
        """
        return ""

    @property
    def original(self) -> BaseMoocher:
        """The object that the site lists, the sender of ``post_charge``.

        Itself, unless this wraps a moocher of another library.
        """
        return self

    def check(self) -> Iterable[CheckMessage]:
        """What ``manage.py check`` says about this moocher and the site around it.

        An error also stops ``manage.py test``, which switches ``DEBUG`` off: let it depend on
        nothing that a test run changes.
        """
        return ()

    def check_deployed(self) -> Iterable[CheckMessage]:
        """What ``manage.py check --deploy`` says besides."""
        return ()

    @property
    def model(self) -> type[Payment]:
        """The payment model, as django-mooch's moochers know it."""
        return Payment

    @model.setter
    def model(self, value: type[Payment]) -> None:
        if value is not Payment:
            raise TypeError(f"{type(self).__name__} works with payments_ui.core.models.Payment")
