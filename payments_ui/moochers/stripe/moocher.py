"""Pay at Stripe: fields in the widget, saved cards, or Stripe's own page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.forms import Form
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy

from payments_ui import http, money
from payments_ui.conf import settings
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.privacy.redaction import keep_secret
from payments_ui.exceptions import (
    InvalidAmountError,
    MoocherError,
    WebhookNotConfiguredError,
    WebhookSignatureError,
)
from payments_ui.moochers.base import LedgerLine, Moocher, Notice, webhook_body

from . import amounts, charges, csp, disputes, events, forms, ledger, methods, objects, webhook
from .client import API, Client, MissingError
from .saving import Saving

if TYPE_CHECKING:
    from payments_ui.core.models import PaymentMethod

PAGES = ("elements", "checkout")
#: When the library of Stripe is loaded into a page: once this option is chosen, or always.
LOAD = ("chosen", "everywhere")
_SECRET_KEY = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]{4,250}", re.ASCII)
_PUBLISHABLE_KEY = re.compile(r"pk_(test|live)_[A-Za-z0-9_]{4,250}", re.ASCII)
_ACCOUNT = re.compile(r"(?:acct_[A-Za-z0-9]{4,250})?", re.ASCII)
_TYPE = re.compile(r"[a-z0-9_]{1,50}", re.ASCII)
_SCRIPT = re.compile(r"https://js\.stripe\.com/[a-z]+/stripe\.js(?:\?advancedFraudSignals=false)?")


class StripeMoocher(Saving):
    """Pays at Stripe, with the keys of one account.

    - ``page``: "elements" shows Stripe's fields in the widget, and leads to Stripe's page where
      there is no JavaScript; "checkout" always leads there.
    - ``account``: the one that the keys belong to ("acct_..."), for the books. Whether real money
      moves is read from the keys.
    - ``webhook_secret``: several, while one replaces another. Without one, webhooks get a 503.
    - ``allowed_payment_method_types``: what may be offered ("card", "twint", ...) of what the
      account has; by default all of it. ``can_save=False`` keeps no cards.
    - ``link``: whether the wallet Link is among that, for the Content-Security-Policy.
    - ``script_url``: Stripe.js. It is loaded when this option is "chosen" or, with
      ``load_script="everywhere"``, with every page that links the kit's assets, as Stripe likes
      it for its fraud signals.
    - ``telemetry`` lets Stripe's library report how long it waited, for the whole process.
    - ``timeout``: in seconds, to connect and between two bytes. ``api_base``: for tests.

    Raises ``ValueError`` for keys of two modes, and for what is no key, account or address.
    """

    psp = "stripe"
    description = gettext_lazy("Card, wallet or what else Stripe offers.")
    can_refund = True
    has_ledger = True
    can_save = True
    has_events = True
    template_name = "payments_ui/moochers/stripe.html"
    setup_template_name = "payments_ui/moochers/stripe_setup.html"
    step_template_name = "payments_ui/moochers/stripe_step.html"
    options: ClassVar[frozenset[str]] = (Moocher.options | {"can_save"}) - {"account", "live"}

    def __init__(
        self,
        *,
        secret_key: str,
        publishable_key: str,
        webhook_secret: str | Sequence[str] = (),
        account: str = "",
        live: bool | None = None,
        page: str = "elements",
        allowed_payment_method_types: Sequence[str] | None = None,
        link: bool = True,
        script_url: str = csp.SCRIPT,
        load_script: str = "chosen",
        telemetry: bool = False,
        api_base: str = API,
        timeout: tuple[float, float] = (5, 30),
        **options: Any,
    ) -> None:
        super().__init__(**{"identifier": "stripe", "title": gettext_lazy("Card")} | options)
        self.live = _mode(secret_key, publishable_key, live)
        secrets = [webhook_secret] if isinstance(webhook_secret, str) else list(webhook_secret)
        self._secrets = [secret for secret in secrets if secret.strip()]
        keep_secret(*self._secrets)
        if not _ACCOUNT.fullmatch(account):
            raise ValueError(f"account is like 'acct_1abc', not {account!r}")
        if page not in PAGES or load_script not in LOAD:
            raise ValueError(f"page is one of {PAGES}, load_script one of {LOAD}")
        types = allowed_payment_method_types
        if types is not None and not all(map(_TYPE.fullmatch, types or [""])):
            raise ValueError("allowed_payment_method_types is like ['card', 'twint']")
        if api_base == API and not _SCRIPT.fullmatch(script_url):
            raise ValueError(f"Stripe.js is like {csp.SCRIPT}, not {script_url!r}")
        self.account = account
        self.page = page
        self.allowed_payment_method_types = None if types is None else list(types)
        self.link = link
        self.script_url = script_url
        self.load_script = load_script
        self.publishable_key = publishable_key
        in_page = page == "elements"
        self.scripts = ("payments_ui/payments_ui.stripe.js",) if in_page else ()
        self.psp_scripts = (script_url,) if in_page and load_script == "everywhere" else ()
        self._client = Client(secret_key, api_base=api_base, timeout=timeout, telemetry=telemetry)

    # --- What the site is told.

    def check(self) -> Iterable[CheckMessage]:
        """No secret for webhooks; what the site's Content-Security-Policy lacks."""
        if not self._secrets:
            yield Error(
                f"The moocher {self.identifier!r} has no webhook_secret.",
                hint="Without it nobody can tell Stripe's webhooks from others, and all are "
                "refused with 503. Copy the signing secret of the endpoint in Stripe's dashboard.",
                id="payments_ui.E060",
            )
        for directive, lacking in csp.missing(self.csp_sources):
            yield Warning(
                f"The Content-Security-Policy blocks {self.identifier!r}: {directive} lacks "
                f"{' '.join(lacking)}.",
                hint="Add them, or what payments_ui.moochers.stripe.csp_sources() returns.",
                id="payments_ui.W061",
            )

    def check_deployed(self) -> Iterable[CheckMessage]:
        """Test keys where ``DEBUG`` is off."""
        if not self.live and not django_settings.DEBUG:
            yield Warning(
                f"The moocher {self.identifier!r} has test keys: no real money moves.",
                hint="Give it the keys of the live mode, sk_live_... and pk_live_...",
                id="payments_ui.W062",
            )

    @property
    def csp_sources(self) -> csp.Sources:
        """What a page's Content-Security-Policy must allow, by directive."""
        return csp.sources(page=self.page, script_url=self.script_url, link=self.link)

    # --- What customers see.

    def refuse(self, payment: Payment) -> str | None:
        """As the contract says; and amounts that Stripe cannot take exactly."""
        try:
            amounts.to_stripe(payment.amount, payment.currency)
        except InvalidAmountError:
            return str(DeclineCode.AMOUNT_REFUSED.label)
        return super().refuse(payment)

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> Form:
        """The token of Stripe's fields; nothing to fill in before leaving for its page."""
        return forms.TokenForm(data) if self.page == "elements" else Form(data)

    def render_form(self, request: HttpRequest, payment: Payment, form: Form) -> str:
        """Stripe's fields, in ``<pui-stripe>``, or the way to its page."""
        amount = money.format_amount(payment.amount, payment.currency)
        context = {
            "moocher": self,
            "payment": payment,
            "form": form,
            "pay_url": self.pay_url(payment),
            "pay_label": self.pay_label(amount),
            # No number: templates write those as people do.
            "amount": str(amounts.to_stripe(payment.amount, payment.currency)),
            "currency": payment.currency.lower(),
            "locale": forms.locale(get_language()),
            "types": ",".join(self.allowed_payment_method_types or ()),
        }
        return render_to_string(self.template_name, context, request=request)

    def get_setup_form(self, request: HttpRequest, data: Mapping[str, Any] | None = None) -> Form:
        """As ``get_form``, for saving a card without a payment."""
        return forms.TokenForm(data) if self.page == "elements" else Form(data)

    def render_setup_form(self, request: HttpRequest, action: str, form: Form) -> str:
        """Stripe's fields without an amount, or the way to its page."""
        context = {
            "moocher": self,
            "form": form,
            "action": action,
            "currency": settings.CURRENCY.lower(),
            "locale": forms.locale(get_language()),
            "types": ",".join(methods.SAVABLE),
        }
        return render_to_string(self.setup_template_name, context, request=request)

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """The step that the bank asks for, in place, where it is not taken on a page."""
        if attempt.state != Attempt.State.REQUIRES_ACTION or attempt.action_url:
            return ""
        kwargs = {"pk": attempt.payment_id, "identifier": self.identifier}
        step_url = reverse("payments_ui:moocher_step", kwargs=kwargs)
        page = reverse("payments_ui:payment", kwargs={"pk": attempt.payment_id})
        return self._step(request, step_url, page)

    def setup_instructions(self, request: HttpRequest, method: PaymentMethod) -> str:
        """As ``instructions``, for a card that is being saved."""
        if method.action_url or not method.psp_reference:
            return ""
        step_url = reverse("payments_ui:method_step", kwargs={"pk": method.pk})
        return self._step(request, step_url, reverse("payments_ui:method", args=[method.pk]))

    def _step(self, request: HttpRequest, step_url: str, page: str) -> str:
        context = {
            "moocher": self,
            "step_url": step_url,
            "page_url": page,
            "locale": forms.locale(get_language()),
            # In answer to the customer's press only: not in a second tab, not after a reload.
            "start": request.method == "POST" and http.is_fragment(request),
        }
        return render_to_string(self.step_template_name, context, request=request)

    def browser_step(self, subject: Attempt | PaymentMethod) -> Mapping[str, str]:
        """The client secret with which the owner's browser takes a step, and nothing else."""
        if not isinstance(subject, Attempt):
            return {"client_secret": self.step_of_setup(subject)}
        intent_id = objects.checked_id("payment_intent", subject.psp_reference)
        answer, secret = self._client.ask_with_secret(
            lambda stripe: stripe.v1.payment_intents.retrieve(intent_id)
        )
        if charges.check(answer, subject).get("status") != "requires_action":
            # Stripe.js refuses the secret of what has ended, and would show an error.
            raise MoocherError("Stripe asks for no step")
        return {"client_secret": secret}

    # --- What Stripe reports, and is asked about by the reconciler and the audit.

    def webhook(self, request: HttpRequest) -> Notice:
        """Verify the signature, then tell what has changed."""
        if not self._secrets:
            raise WebhookNotConfiguredError(f"{self.identifier} has no webhook_secret")
        body = webhook_body(request)
        event = webhook.verified(self._secrets, request.headers.get("Stripe-Signature", ""), body)
        try:
            return events.notice_of(event, **self._whose)
        except MoocherError as error:
            raise WebhookSignatureError(str(error)) from None

    def events(self, since: datetime) -> list[Notice]:
        """What Stripe has reported since then, of all that the books must know."""
        return events.listed(self._client, since, **self._whose)

    @property
    def _whose(self) -> dict[str, Any]:
        return {"moocher": self.identifier, "account": self.account, "live": self.live}

    def report_dispute(self, reference: str) -> DisputeReport | None:
        """A dispute as Stripe has it now; ``None`` also for one of a charge without an intent."""
        dispute_id = objects.checked_id("dispute", reference)
        try:
            answer = self._client.ask(lambda stripe: stripe.v1.disputes.retrieve(dispute_id))
        except MissingError:
            return None
        objects.require_same(answer.get("id"), dispute_id)
        # Another program's in the same account: no charge of ours is without an intent.
        is_ours = answer.get("payment_intent") is not None
        return disputes.report(answer, live=self.live) if is_ours else None

    def ledger(self) -> Iterator[LedgerLine]:
        """Go through Stripe's payments of this moocher, a page at a time."""
        return ledger.lines(self._client, moocher=self.identifier, live=self.live)


def _mode(secret_key: str, publishable_key: str, live: bool | None) -> bool:
    """Whether the keys move real money; no message of an error has a key in it."""
    secret = _SECRET_KEY.fullmatch(secret_key)
    publishable = _PUBLISHABLE_KEY.fullmatch(publishable_key)
    if secret is None or publishable is None:
        raise ValueError("Stripe needs a key sk_... or rk_..., and a publishable key pk_...")
    if secret[1] != publishable[1]:
        raise ValueError("One of Stripe's keys is for tests, and the other one is not")
    is_live = secret[1] == "live"
    if live is not None and live is not is_live:
        raise ValueError(f"live is {live}, and Stripe's keys are of the other mode")
    return is_live
