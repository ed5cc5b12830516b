"""The contract of a moocher, hook by hook: when it is called, and what must not happen there.

A moocher is a configured instance, listed by dotted path in ``MOOCHERS``. It talks to a PSP
and reports; it never writes a payment, a line item or an attempt, and never decides that
something is paid: ``payments_ui.flows`` and the core do.

The folder of each PSP has the same files, of which it has those that it needs: ``moocher``
(these hooks), ``client`` (HTTP with the PSP), ``charges``, ``refunds``, ``disputes`` and
``methods`` (the PSP's, read as the kit knows them), ``ledger`` (its list of charges), ``webhook``
and ``forms``. ``answers`` reads what PSPs say, for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from django.utils import timezone
from django.utils.translation import gettext as _
from mooch.base import BaseMoocher

from payments_ui import money
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Pending, Unknown
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.models import Payment
from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.core.paymentmethods.outcomes import SetupOutcome
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import MoocherError, WebhookSignatureError, WebhookTooLongError

from .form_refill import refill

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.utils.functional import _StrPromise

    from payments_ui.core.models import Attempt, PaymentMethod, Refund


@dataclass(frozen=True, slots=True)
class AttemptUrls:
    """Absolute URLs of one attempt: where the PSP sends the customer, and where it reports."""

    return_url: str
    webhook_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a verified webhook is about. Its content is a hint: the PSP is asked anyway.

    ``psp_reference`` is the attempt's, also where the news is about a refund of it, which
    ``refund_id`` names. ``kind`` is the PSP's word for what happened. The other references are
    the PSP's names of what else the news is about: a refund, a dispute, a payment method, a
    customer that was deleted, the set-up of a payment method. ``warning`` is for an admin to read.

    ``event_id`` is empty where the PSP signs nothing and numbers nothing: then nothing is stored
    before the PSP was asked, and it is asked about each attempt at most so often. Such a notice
    names its attempt, or in ``setup_id`` the payment method that is being saved, by the URL that
    the PSP was given for it: whoever makes up a reference has the PSP asked nothing. What has
    become of the attempt's refunds and disputes is found by ``Moocher.news``.
    """

    event_id: str
    kind: str = ""
    attempt_id: UUID | None = None
    psp_reference: str | None = None
    refund_id: UUID | None = None
    refund_reference: str | None = None
    dispute_reference: str | None = None
    method_reference: str | None = None
    customer_reference: str | None = None
    setup_reference: str | None = None
    setup_id: UUID | None = None
    warning: str = ""


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
    ``refunded`` is what the PSP has given back of ``amount``, ``disputed`` what disputes have
    taken and not put back (``None`` where the PSP's list does not say), all in units of
    ``currency``.
    """

    psp_reference: str
    reference: str
    amount: Decimal
    refunded: Decimal
    currency: str
    status: LedgerStatus
    disputed: Decimal | None = None


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
    #: The company, by which moochers share customers and saved payment methods: "stripe". Empty:
    #: the moocher's identifier.
    psp: str = ""
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
    #: Whether the PSP keeps payment methods for later payments.
    can_save: bool = False
    #: Whether the PSP can list what it has reported, so that a gap in its webhooks is found.
    has_events: bool = False
    #: Whether its bank's statements can be imported: ``import_statement``, and the admin.
    reads_statements: bool = False
    #: For so long after it was sent a request may still arrive at the PSP, see ``not_found``.
    settling_time = timedelta(seconds=60)
    #: Whether a view of its own takes its form; then ``pay_url`` answers 404 to a POST.
    has_own_view: bool = False
    #: Static files with the elements that its markup uses: ``{% payments_ui_assets %}`` links them.
    scripts: tuple[str, ...] = ()
    #: URLs of the PSP's own scripts that it links besides, on every page that it is on.
    psp_scripts: tuple[str, ...] = ()
    #: Origins its forms post to directly, for the host's ``form-action`` policy.
    form_action_origins: tuple[str, ...] = ()
    template_name = "payments_ui/moochers/form.html"
    setup_template_name = "payments_ui/moochers/setup.html"

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

    @property
    def keeps_at(self) -> dict[str, Any]:
        """PSP, account and mode, by which it shares customers and saved payment methods."""
        psp = self.psp or self.identifier
        return {"psp": psp, "account": self.account, "live": self.live}

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

        The kit adds CSRF and htmx attributes to it. Must not move money or ask the PSP. Where the
        request has posted this form, and it expired or was declined, it comes back filled in.
        """
        form = self.get_form(request, payment)
        refill(form, request, self.pay_url(payment))
        return self.render_form(request, payment, form)

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

    def details(self, attempt: Attempt) -> Sequence[tuple[str, str]]:
        """Names and values by which the customer pays an open attempt elsewhere, for a mail.

        Such as account and reference; none where nothing has to be copied. No I/O.
        """
        return ()

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Ask the PSP to take the money, with ``attempt.idempotency_key``.

        ``data`` is the cleaned data of ``get_form``, and ``in_place`` where scripts run in the
        customer's page. Where ``can_save``, it may say more:

        - ``payment_method``: the saved ``PaymentMethod`` to charge, and nothing of a form then;
          ``unattended`` is true where its user is not there, and agreed to that before,
          ``in_place`` where a script of the PSP could take a step in the page;
        - ``save``: keep what is charged for the customer ``customer_id``, either "on_session",
          for payments that the user makes, or "off_session", for charging without them, too.
          ``Succeeded.instrument`` says then what is kept.

        Called once per attempt, after the attempt is committed and outside of any
        transaction. Any exception makes the attempt ``unknown``; so raise rather than
        guess, and give every request a timeout. Only ``RequestRefusedError`` says that nothing
        was charged and nothing will be: the PSP refused the request as it stands.
        """
        raise NotImplementedError

    def prepare(
        self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> str | Declined | None:
        """Make what moves no money yet at the PSP; return its reference, which is committed.

        Called once, before ``charge`` and after the attempt is committed, for PSPs where a
        charge has an id before it moves money: an answer that gets lost later is then asked for
        by that id. ``charge`` is called with the attempt that has it, and not at all where this
        returns that the PSP declined, or where the attempt has ended meanwhile. Exceptions count
        as those of ``charge``. Outside of any transaction.
        """
        return None

    def ask(self, attempt: Attempt) -> Outcome:
        """What the PSP knows of this attempt. May be called at any time, any number of times.

        Must not move money. Outside of any transaction.
        """
        raise NotImplementedError

    def not_found(self, sent_at: datetime) -> Declined | Unknown:
        """What it means that the PSP knows nothing of a request that was sent then.

        It never happened, unless it may still arrive. For ``ask``, ``ask_refund`` and
        ``ask_saved`` of PSPs that cannot be told to refuse what comes later.
        """
        if timezone.now() - sent_at < self.settling_time:
            return Unknown(reason="the PSP knows nothing of it so far")
        return Declined(code=DeclineCode.NEVER_HAPPENED)

    def cancel(self, attempt: Attempt) -> Outcome:
        """Call the attempt off at the PSP and report what became of it.

        ``Cancelled`` only if the PSP confirmed. The default cannot cancel and says so.
        Outside of any transaction.
        """
        return Pending(psp_reference=attempt.psp_reference)

    def calling_off(self, attempt: Attempt) -> str:
        """What its customer has to know before this attempt is called off; empty: nothing.

        For money that may be on its way though we were not told, such as a transfer. Where it
        says something, the customer is asked first, and reads it again afterwards; else they read
        that nothing was charged. Called for open attempts and for those that were called off: no
        I/O, no query.
        """
        return ""

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

    def report_refund(self, reference: str) -> RefundReport | None:
        """What the PSP says of one of its refunds, made by whomever; ``None``: it has none.

        Raises as ``ask``. Must not move money. Outside of any transaction.
        """
        return None

    def report_dispute(self, reference: str) -> DisputeReport | None:
        """What the PSP says of one of its disputes; ``None``: it has none. Raises as ``ask``."""
        return None

    def news(self, attempt: Attempt) -> Iterable[Notice]:
        """A notice for each refund and dispute that the PSP has of this attempt.

        Called where a notice without ``event_id`` is about an attempt whose money has arrived:
        such a PSP says that something changed, and not what. The references are those that
        ``report_refund`` and ``report_dispute`` take. Must not move money. Raises as ``ask``.
        """
        return ()

    def events(self, since: datetime) -> Iterable[Notice]:
        """What the PSP has reported since then, oldest first, whether or not it arrived.

        Called where ``has_events``, by the reconciler. Raises rather than leave any out.
        """
        raise NotImplementedError

    def create_customer(self, user: AbstractBaseUser, *, key: str) -> str:
        """Have the PSP make a customer for this user, once per key; return its id there.

        What is sent with a key has to stay the same: ids, and nothing that people change.
        Called where ``can_save``, after the key is committed. Outside of any transaction.
        """
        raise NotImplementedError

    def delete_customer(self, customer_id: str) -> None:
        """Have the PSP forget a customer, with all that it keeps to charge them.

        Returns where the PSP has it no more; raises whenever that is not sure.
        """
        raise NotImplementedError

    def save(
        self, method: PaymentMethod, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SetupOutcome:
        """Have the PSP keep a payment method, without a payment, for ``method.customer_id``.

        Called once, after ``method`` is committed; it is ``pending``, and owns the
        ``idempotency_key``. Exceptions count as those of ``charge``. Moves no money.
        """
        raise NotImplementedError

    def ask_saved(self, method: PaymentMethod) -> SetupOutcome:
        """What became of ``save``; any number of times. Raises as ``ask``."""
        raise NotImplementedError

    def describe(self, method: PaymentMethod) -> Instrument | None:
        """A saved payment method as the PSP has it now; ``None``: it cannot be charged any more.

        Also where it belongs to another customer than ``method.customer_id``. Raises as ``ask``.
        """
        raise NotImplementedError

    def forget(self, method: PaymentMethod) -> None:
        """Have the PSP give up a payment method, so that it cannot be charged any more.

        Without a ``method_id`` it is not known yet whether it has anything: then saving it is
        called off first, and what was kept meanwhile given up.
        Returns where the PSP has it no more, also if it was gone before; raises whenever that is
        not sure, and is then called again later.
        """
        raise NotImplementedError

    def get_setup_form(self, request: HttpRequest, data: Mapping[str, Any] | None = None) -> Form:
        """The form with which a payment method is saved without a payment."""
        return Form(data)

    def setup_form(self, request: HttpRequest, action: str) -> str:
        """HTML with a plain form that posts to ``action``; also called without JavaScript.

        The kit adds CSRF and htmx attributes to it. What the customer agrees to stands in it:
        the element ``payments_ui/elements/consent.html``. Must not ask the PSP. Comes back filled
        in, as ``payment_form``.
        """
        form = self.get_setup_form(request)
        refill(form, request, action)
        return self.render_setup_form(request, action, form)

    def render_setup_form(self, request: HttpRequest, action: str, form: Form) -> str:
        """``setup_template_name`` with this form, which may be bound and carry errors."""
        context = {"moocher": self, "form": form, "action": action}
        return render_to_string(self.setup_template_name, context, request=request)

    def setup_instructions(self, request: HttpRequest, method: PaymentMethod) -> str:
        """HTML shown while ``method`` waits to be saved, as ``instructions`` for an attempt."""
        return ""

    def browser_step(self, subject: Attempt | PaymentMethod) -> Mapping[str, str]:
        """What the PSP's script needs in the browser to take a required step in place.

        Fetched from the PSP whenever it is asked for, sent to the owner's browser as JSON, and
        kept nowhere. Raises as ``ask``, and ``MoocherError`` where no step is to be taken.
        """
        raise MoocherError(f"{self.identifier} takes no steps in place")

    def ledger(self) -> Iterable[LedgerLine]:
        """Every charge in the PSP's ledger of this account and mode, in any order.

        Called where ``has_ledger``, by the audit. Fetch it page by page and yield as you
        go: there may be millions. Must not move money; raises rather than leave a page
        out. Outside of any transaction.
        """
        raise NotImplementedError

    def webhook(self, request: HttpRequest) -> Notice:
        """Verify the signature of ``webhook_body(request)``; return what it is about.

        Called for every POST to its URL, whoever sends it; the PSP is asked afterwards. Raises
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
