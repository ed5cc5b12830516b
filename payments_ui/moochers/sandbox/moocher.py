"""The moocher: attempts of ours, charges of the sandbox."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.forms import Form
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments_ui import money
from payments_ui.conf import settings
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Outcome, Unknown
from payments_ui.core.privacy.redaction import keep_secret
from payments_ui.exceptions import MoocherError, RequestRefusedError, WebhookSignatureError
from payments_ui.moochers.base import AttemptUrls, LedgerLine, Moocher, Notice, webhook_body

from . import charges, ledger, refunds, webhook
from .client import Client, ConflictError
from .forms import CardForm

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt, Payment, Refund

KINDS = {
    "card": ("sandbox", gettext_lazy("Test card")),
    "redirect": ("sandbox-page", gettext_lazy("Page of the sandbox")),
}


class SandboxMoocher(Moocher):
    """Pays at the sandbox at ``psp_url``, with test cards in place or on its page.

    ``kind`` "card" lets the customer choose a test card in the widget; "redirect" leads to
    the sandbox's page and back. Both can be listed, as they have identifiers of their own.
    ``webhook_secret`` may be several, while one replaces another. ``timeout`` is in seconds.

    Raises ``ValueError`` for an unknown kind, a sandbox on another machine and empty secrets.
    """

    description = gettext_lazy("For trying out: no real money moves.")
    account = "acct_sandbox"
    can_refund = True
    has_ledger = True
    template_name = "payments_ui/moochers/sandbox.html"
    instructions_template_name = "payments_ui/moochers/sandbox_instructions.html"
    #: The sandbox never moves real money, whatever is configured.
    options = Moocher.options - {"live"}

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
        keep_secret(api_key, *secrets)
        self._client = Client(psp_url, api_key, timeout)
        self._secrets = secrets

    @property
    def is_allowed(self) -> bool:
        """Whether the sandbox may run on this site."""
        return bool(django_settings.DEBUG or settings.ALLOW_SANDBOX)

    def check(self) -> Iterable[CheckMessage]:
        """A warning where it is listed and may not run."""
        if not self.is_allowed:
            yield Warning(*self._not_allowed, id="payments_ui.W021")

    def check_deployed(self) -> Iterable[CheckMessage]:
        """The same as an error."""
        if not self.is_allowed:
            yield Error(*self._not_allowed, id="payments_ui.E021")

    @property
    def _not_allowed(self) -> tuple[str, str]:
        return (
            f"The sandbox moocher {self.identifier!r} is listed, and DEBUG is off.",
            "It takes no real money: take it out of MOOCHERS, or set ALLOW_SANDBOX to True.",
        )

    def refuse(self, payment: Payment) -> str | None:
        """As the contract says; everything where the sandbox is not allowed."""
        if not self.is_allowed:
            return _("This payment method is for testing only, and is not available here.")
        return super().refuse(payment)

    def get_form(
        self, request: HttpRequest, payment: Payment, data: Mapping[str, Any] | None = None
    ) -> Form:
        """Return the choice of a test card, or nothing to fill in before leaving."""
        return CardForm(data) if self.kind == "card" else Form(data)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Charge the chosen card, or open a page to pay on."""
        self._require_allowed()
        card = {"card": data["card"]} if self.kind == "card" else {}
        order = {
            "method": "card" if card else "page",
            **card,
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
            charge_id = _id(charges.CHARGE_ID, attempt.psp_reference)
            return self._outcome(attempt, self._client.fetch(charge_id))
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
            charge_id = _id(charges.CHARGE_ID, attempt.psp_reference)
            return self._outcome(attempt, self._client.cancel(charge_id))
        charge = self._client.close(attempt.idempotency_key)
        return Cancelled() if charge is None else self._outcome(attempt, charge)

    def refund(self, refund: Refund) -> Outcome:
        """Ask the sandbox to give the money back. A refund that it cannot make is declined."""
        self._require_allowed()
        order = {
            "charge": _id(charges.CHARGE_ID, refund.attempt.psp_reference),
            "amount": money.to_minor_units(refund.amount, refund.currency),
            "reference": refund.idempotency_key,
            "metadata": {"refund": str(refund.pk)},
        }
        try:
            found = self._client.create_refund(order, key=refund.idempotency_key)
        except ConflictError as error:
            if error.refusal not in refunds.REFUSALS:
                raise
            return self._close_refund(refund, evidence={"refusal": error.refusal})
        return self._refund_outcome(refund, found)

    def ask_refund(self, refund: Refund) -> Outcome:
        """Return what the sandbox knows; "never happened" becomes final as in ``ask``."""
        self._require_allowed()
        if refund.psp_reference:
            found = self._client.fetch_refund(_id(refunds.REFUND_ID, refund.psp_reference))
            return self._refund_outcome(refund, found)
        known = self._client.find_refund(refund.idempotency_key)
        if known is not None:
            return self._refund_outcome(refund, known)
        if timezone.now() - refund.requested_at < self.settling_time:
            return Unknown(reason="the sandbox knows nothing of it so far")
        return self._close_refund(refund)

    def ledger(self) -> Iterator[LedgerLine]:
        """Go through the sandbox's charges of this kind, a page at a time."""
        self._require_allowed()
        method = "card" if self.kind == "card" else "page"
        return ledger.lines(self._client, account=self.account, method=method)

    def webhook(self, request: HttpRequest) -> Notice:
        """Verify the signature, then tell which charge or refund has changed."""
        if not self.is_allowed:
            raise WebhookSignatureError("The sandbox is not allowed here")
        body = webhook_body(request)
        signature = request.headers.get("Sandbox-Signature", "")
        webhook.verify(self._secrets, signature, body, now=time.time())
        return webhook.notice_of(body, account=self.account, live=self.live)

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """Say that no money moves, and where to direct the sandbox."""
        context = {"moocher": self, "attempt": attempt}
        return render_to_string(self.instructions_template_name, context, request=request)

    def _require_allowed(self) -> None:
        if not self.is_allowed:
            raise RequestRefusedError("The sandbox is not allowed to run here")

    def _close_refund(
        self, refund: Refund, *, evidence: Mapping[str, object] | None = None
    ) -> Outcome:
        # An earlier request may have been executed, unless its reference could be closed.
        found = self._client.close_refund(refund.idempotency_key)
        if found is not None:
            return self._refund_outcome(refund, found)
        code = DeclineCode.GENERIC if evidence else DeclineCode.NEVER_HAPPENED
        return Declined(code=code, evidence=evidence or {})

    def _refund_outcome(self, refund: Refund, found: Mapping[str, Any]) -> Outcome:
        charge = refund.attempt.psp_reference or ""
        return refunds.outcome(found, reference=refund.idempotency_key, charge=charge)

    def _outcome(self, attempt: Attempt, charge: Mapping[str, Any]) -> Outcome:
        return charges.outcome(charge, reference=attempt.idempotency_key, origin=self.psp_url)


def _id(pattern: re.Pattern[str], psp_reference: str | None) -> str:
    # It becomes a part of a URL.
    if psp_reference is None or not pattern.fullmatch(psp_reference):
        raise MoocherError("The reference is not one of the sandbox's")
    return psp_reference
