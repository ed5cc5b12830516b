"""The moocher: attempts of ours, charges of the sandbox."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings as django_settings
from django.core.exceptions import RequestDataTooBig
from django.forms import Form
from django.http import HttpRequest, UnreadablePostError
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments_ui import money
from payments_ui.conf import settings
from payments_ui.core.outcomes import Cancelled, DeclineCode, Declined, Outcome, Unknown
from payments_ui.exceptions import MoocherError, MoocherRefusedError, WebhookSignatureError
from payments_ui.moochers.base import AttemptUrls, Moocher, Notice

from .charges import CHARGE_ID, outcome
from .client import Client
from .forms import CardForm
from .signature import verify

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt, Payment

MAX_WEBHOOK = 256 * 1024
KINDS = {
    "card": ("sandbox", gettext_lazy("Test card")),
    "redirect": ("sandbox-page", gettext_lazy("Page of the sandbox")),
}
_EVENT_ID = re.compile(r"evt_[0-9a-f]{32}", re.ASCII)


class SandboxMoocher(Moocher):
    """Pays at the sandbox at ``psp_url``, with test cards in place or on its page.

    ``kind`` "card" lets the customer choose a test card in the widget; "redirect" leads to
    the sandbox's page and back. Both can be listed, as they have identifiers of their own.
    ``webhook_secret`` may be several, while one replaces another. ``timeout`` is in seconds.

    Raises ``ValueError`` for an unknown kind, a sandbox on another machine and empty secrets.
    """

    description = gettext_lazy("For trying out: no real money moves.")
    account = "acct_sandbox"
    template_name = "payments_ui/moochers/sandbox.html"
    instructions_template_name = "payments_ui/moochers/sandbox_instructions.html"
    #: The sandbox never moves real money, whatever is configured.
    options = Moocher.options - {"live"}
    #: How long a request may still be on its way after its attempt was started. Only later
    #: is "the sandbox knows nothing of it" an answer.
    settling_time = timedelta(seconds=60)

    def __init__(
        self,
        *,
        psp_url: str,
        api_key: str,
        webhook_secret: str | Sequence[str],
        timeout: float = 10,
        kind: str = "card",
        **options: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
        secrets = [webhook_secret] if isinstance(webhook_secret, str) else list(webhook_secret)
        if not api_key or not secrets or not all(secrets):
            raise ValueError("The sandbox needs an API key and a webhook secret")
        identifier, title = KINDS[kind]
        super().__init__(**{"identifier": identifier, "title": title} | options)
        self.kind = kind
        self.psp_url = psp_url.rstrip("/")
        self._client = Client(psp_url, api_key, timeout)
        self._secrets = secrets

    @property
    def is_allowed(self) -> bool:
        """Whether the sandbox may run on this site."""
        return bool(django_settings.DEBUG or settings.ALLOW_SANDBOX)

    def refuse(self, payment: Payment) -> str | None:
        """As the contract says; everything where the sandbox is not allowed."""
        if not self.is_allowed:
            return _("This way to pay is for trying out, and is switched off here.")
        return super().refuse(payment)

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> Form:
        """Return the choice of a test card, or nothing to fill in before leaving."""
        return CardForm(data) if self.kind == "card" else Form(data)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Charge the chosen card, or open a page to pay on."""
        self._require_allowed()
        way = {"method": "page"}
        if self.kind == "card":
            way = {"method": "card", "card": data["card"]}
        order = {
            **way,
            "amount": money.to_minor_units(attempt.amount, attempt.currency),
            "currency": attempt.currency,
            "reference": attempt.idempotency_key,
            "description": attempt.reference,
            "metadata": {"attempt": str(attempt.pk)},
            "return_url": urls.return_url,
            "webhook_url": urls.webhook_url,
        }
        charge = self._client.create(order, key=attempt.idempotency_key)
        return self._outcome(attempt, charge)

    def ask(self, attempt: Attempt) -> Outcome:
        """Return what the sandbox knows.

        If it knows nothing although the request should have arrived by now, it is told to
        refuse the request if that still comes; only that makes "never happened" final.
        """
        self._require_allowed()
        if attempt.psp_reference:
            return self._outcome(attempt, self._client.fetch(_id(attempt.psp_reference)))
        charge = self._client.find(attempt.idempotency_key)
        if charge is None:
            if timezone.now() - attempt.started_at < self.settling_time:
                return Unknown(reason="the sandbox knows nothing of it so far")
            charge = self._client.close(attempt.idempotency_key)
        if charge is None:
            return Declined(code=DeclineCode.NEVER_HAPPENED)
        return self._outcome(attempt, charge)

    def cancel(self, attempt: Attempt) -> Outcome:
        """Have the charge cancelled, or refused if it has not arrived there yet."""
        self._require_allowed()
        if attempt.psp_reference:
            return self._outcome(attempt, self._client.cancel(_id(attempt.psp_reference)))
        charge = self._client.close(attempt.idempotency_key)
        return Cancelled() if charge is None else self._outcome(attempt, charge)

    def webhook(self, request: HttpRequest) -> Notice:
        """Verify the signature, then tell which charge has changed."""
        if not self.is_allowed:
            raise WebhookSignatureError("The sandbox is not allowed here")
        body = _body(request)
        verify(self._secrets, request.headers.get("Sandbox-Signature", ""), body, now=time.time())
        return _notice(body)

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """Say that no money moves, and where to direct the sandbox."""
        context = {"moocher": self, "attempt": attempt}
        return render_to_string(self.instructions_template_name, context, request=request)

    def _require_allowed(self) -> None:
        if not self.is_allowed:
            raise MoocherRefusedError(_("This way to pay is switched off here."))

    def _outcome(self, attempt: Attempt, charge: Mapping[str, Any]) -> Outcome:
        return outcome(charge, reference=attempt.idempotency_key, origin=self.psp_url)


def _id(psp_reference: str) -> str:
    # It becomes a part of a URL.
    if not CHARGE_ID.fullmatch(psp_reference):
        raise MoocherError("The reference is not one of the sandbox's")
    return psp_reference


def _body(request: HttpRequest) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    try:
        body = request.body if int(length) <= MAX_WEBHOOK else None
    except (ValueError, RequestDataTooBig, UnreadablePostError):
        body = None
    if body is None or len(body) > MAX_WEBHOOK:
        raise WebhookSignatureError("The body is too long or cannot be read")
    return body


def _notice(body: bytes) -> Notice:
    try:
        return _read_event(json.loads(body.decode()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise WebhookSignatureError("The event makes no sense") from None


def _read_event(event: Any) -> Notice:
    event_id, charge_id = event["id"], event["data"]["id"]
    if not (_EVENT_ID.fullmatch(event_id) and CHARGE_ID.fullmatch(charge_id)):
        raise ValueError
    attempt = event["data"]["metadata"].get("attempt")
    attempt_id = UUID(attempt) if attempt else None
    return Notice(event_id=event_id, attempt_id=attempt_id, psp_reference=charge_id)
