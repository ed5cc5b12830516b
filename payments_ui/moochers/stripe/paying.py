"""Charging and giving back at Stripe.

An attempt is a PaymentIntent, which is made first and confirmed after its id is committed, or a
session of Stripe's own page. An intent whose card was declined, or whose confirmation never
arrived, is cancelled before that is said: afterwards nothing can pay it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from payments_ui.core.attempts.outcomes import (
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Unknown,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import AttemptUrls, Moocher

from . import amounts, charges, checkout, declines, forms, objects, refunds
from .client import Client, MissingError, StripeDeclinedError, StripeRefusedError, with_key

if TYPE_CHECKING:
    from stripe.params import (
        PaymentIntentConfirmParams,
        PaymentIntentCreateParams,
        RefundCreateParams,
        RefundListParams,
    )
    from stripe.params.checkout import SessionCreateParams

    from payments_ui.core.models import Attempt, PaymentMethod, Refund

#: For so long Stripe certainly keeps an idempotency key. Later the same request is another one.
KEY_LIFETIME = timedelta(hours=23)


class Paying(Moocher):
    """The hooks of payments and refunds; ``StripeMoocher`` has the configuration."""

    page: str
    allowed_payment_method_types: list[str] | None
    #: How long a request may still be on its way after its attempt was started. Only later is
    #: "Stripe knows nothing of it" an answer.
    settling_time = timedelta(seconds=90)
    _client: Client

    def prepare(
        self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> str | Declined | None:
        """Make a PaymentIntent that is not confirmed, or a page that no customer was sent to."""
        options = with_key(attempt.idempotency_key)
        try:
            if self._leads_to_page(data):
                session = self._session_params(attempt, data, urls)
                answer = self._client.ask(
                    lambda stripe: stripe.v1.checkout.sessions.create(session, options)
                )
                found = checkout.check(answer, objects.ATTEMPT, attempt.pk, None, live=self.live)
            else:
                intent = self._intent_params(attempt, data)
                answer = self._client.ask(
                    lambda stripe: stripe.v1.payment_intents.create(intent, options)
                )
                found = charges.check(answer, attempt)
        except StripeRefusedError as error:
            # Such as less than Stripe takes in this currency.
            if declines.code_of(error.said) == DeclineCode.GENERIC:
                raise
            return declines.declined(error.said, None)
        reference: str = found["id"]
        return reference

    def _leads_to_page(self, data: Mapping[str, Any]) -> bool:
        if data.get("payment_method"):
            return False
        return self.page == "checkout" or not data.get("confirmation_token")

    def _metadata(self, attempt: Attempt) -> dict[str, str]:
        return {
            objects.ATTEMPT: str(attempt.pk),
            objects.KEY: attempt.idempotency_key,
            objects.MOOCHER: self.identifier,
        }

    def _intent_params(
        self, attempt: Attempt, data: Mapping[str, Any]
    ) -> PaymentIntentCreateParams:
        params: PaymentIntentCreateParams = {
            "amount": amounts.to_stripe(attempt.amount, attempt.currency),
            "currency": attempt.currency.lower(),
            "description": attempt.reference,
            "metadata": self._metadata(attempt),
        }
        method: PaymentMethod | None = data.get("payment_method")
        if method is not None:
            params["customer"] = method.customer_id
            params["allowed_payment_method_types"] = [method.kind]
            return params
        if self.allowed_payment_method_types is not None:
            params["allowed_payment_method_types"] = [*self.allowed_payment_method_types]
        if data.get("save"):
            params["customer"] = data["customer_id"]
            # The same that Stripe's fields were shown with, or Stripe refuses to confirm.
            params["setup_future_usage"] = data["save"]
        return params

    def _session_params(
        self, attempt: Attempt, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SessionCreateParams:
        metadata = self._metadata(attempt)
        params: SessionCreateParams = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "client_reference_id": attempt.reference,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": attempt.currency.lower(),
                        "unit_amount": amounts.to_stripe(attempt.amount, attempt.currency),
                        "product_data": {
                            "name": _("Payment %(reference)s") % {"reference": attempt.reference}
                        },
                    },
                }
            ],
            "locale": forms.locale(get_language()),
            "metadata": metadata,
            "payment_intent_data": {
                "description": attempt.reference,
                "metadata": {**metadata, checkout.PAGE: "checkout"},
            },
            "success_url": urls.return_url,
            "cancel_url": urls.return_url,
        }
        if self.allowed_payment_method_types is not None:
            params["allowed_payment_method_types"] = [*self.allowed_payment_method_types]
        if data.get("save"):
            params["customer"] = data["customer_id"]
            params["payment_intent_data"]["setup_future_usage"] = data["save"]
        return params

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Confirm what was prepared, or send the customer to the page."""
        reference = attempt.psp_reference
        if not reference:
            raise MoocherError("Nothing was prepared for this attempt")
        if checkout.is_session(reference):
            return self._session_outcome(attempt, self._fetch_session(attempt))
        params = self._confirm_params(data, urls)
        options = with_key(f"{attempt.idempotency_key}-confirm")
        intent_id = objects.checked_id("payment_intent", reference)
        try:
            intent = self._client.ask(
                lambda stripe: stripe.v1.payment_intents.confirm(intent_id, params, options)
            )
        except StripeRefusedError as error:
            return self._after_refusal(attempt, error)
        return self._outcome(attempt, charges.check(intent, attempt))

    def _confirm_params(
        self, data: Mapping[str, Any], urls: AttemptUrls
    ) -> PaymentIntentConfirmParams:
        params: PaymentIntentConfirmParams = {
            "return_url": urls.return_url,
            "expand": [*charges.EXPAND],
        }
        method: PaymentMethod | None = data.get("payment_method")
        if method is None:
            params["confirmation_token"] = data["confirmation_token"]
        else:
            params["payment_method"] = objects.checked_id("payment_method", method.method_id)
        if data.get("unattended"):
            params["off_session"] = True
        elif self.page == "elements" and (method is None or data.get("in_place")):
            # The script takes the step that a bank asks for; else the bank's page does.
            params["use_stripe_sdk"] = True
        return params

    def ask(self, attempt: Attempt) -> Outcome:
        """What Stripe knows.

        Where nothing was prepared, nothing is charged: only what is prepared is confirmed. What
        was never confirmed although that should have arrived by now is cancelled; only that
        makes "never happened" final.
        """
        if not attempt.psp_reference:
            return self.not_found(attempt.started_at)
        if checkout.is_session(attempt.psp_reference):
            return self._session_outcome(attempt, self._fetch_session(attempt))
        return self._outcome(attempt, self._fetch(attempt))

    def _is_young(self, attempt: Attempt) -> bool:
        return timezone.now() - attempt.started_at < self.settling_time

    def _fetch(self, attempt: Attempt) -> Mapping[str, Any]:
        intent_id = objects.checked_id("payment_intent", attempt.psp_reference)
        intent = self._client.ask(
            lambda stripe: stripe.v1.payment_intents.retrieve(
                intent_id, {"expand": [*charges.EXPAND]}
            )
        )
        return charges.check(intent, attempt)

    def _fetch_session(self, attempt: Attempt) -> Mapping[str, Any]:
        session_id = objects.checked_id("checkout.session", attempt.psp_reference)
        session = self._client.ask(
            lambda stripe: stripe.v1.checkout.sessions.retrieve(
                session_id, {"expand": [*checkout.EXPAND_PAYMENT]}
            )
        )
        return checkout.check(session, objects.ATTEMPT, attempt.pk, session_id, live=self.live)

    def _outcome(self, attempt: Attempt, intent: Mapping[str, Any]) -> Outcome:
        """What an intent means, once nothing can pay any more what is declined."""
        if intent.get("status") not in charges.UNCONFIRMED:
            return charges.outcome(intent, account=self.account)
        said = charges.failure(intent)
        if not said and self._is_young(attempt):
            return Unknown(reason="Stripe was not asked to charge it so far")
        return self._close(attempt, said)

    def _after_refusal(self, attempt: Attempt, error: StripeRefusedError) -> Outcome:
        """The outcome after Stripe refused to confirm an intent, which is then cancelled.

        Raises the error where not the card but our request was refused: admins have to read it.
        """
        intent = self._fetch(attempt)
        if intent.get("status") not in charges.UNCONFIRMED:
            return charges.outcome(intent, account=self.account)
        outcome = self._close(attempt, charges.failure(intent) or error.said)
        is_of_card = isinstance(error, StripeDeclinedError)
        if isinstance(outcome, Declined) and outcome.code == DeclineCode.GENERIC and not is_of_card:
            raise error
        return outcome

    def _close(self, attempt: Attempt, said: Mapping[str, str]) -> Outcome:
        """Cancel an intent that is not paid, and say why; or what became of it instead."""
        intent = self._cancel(attempt, "abandoned")
        if intent.get("status") != "canceled":
            return charges.outcome(intent, account=self.account)
        if said:
            return declines.declined(said, intent["id"], {"id": intent["id"]})
        return Declined(code=DeclineCode.NEVER_HAPPENED, psp_reference=intent["id"])

    def _cancel(self, attempt: Attempt, reason: str) -> Mapping[str, Any]:
        """The intent after an attempt to cancel it.

        Without an idempotency key: cancelling twice is harmless, and an old refusal under the
        same key would come back for ever.
        """
        intent_id = objects.checked_id("payment_intent", attempt.psp_reference)
        try:
            intent = self._client.ask(
                lambda stripe: stripe.v1.payment_intents.cancel(
                    intent_id, {"cancellation_reason": reason, "expand": [*charges.EXPAND]}
                )
            )
        except StripeRefusedError:
            return self._fetch(attempt)
        return charges.check(intent, attempt)

    def _session_outcome(self, attempt: Attempt, session: Mapping[str, Any]) -> Outcome:
        return checkout.outcome(session, attempt, account=self.account)

    def cancel(self, attempt: Attempt) -> Outcome:
        """Have the intent cancelled, or the page expire, if that is still possible."""
        if not attempt.psp_reference:
            return (
                Unknown(reason="nothing is prepared so far")
                if self._is_young(attempt)
                else Cancelled()
            )
        if checkout.is_session(attempt.psp_reference):
            return self._expire(attempt)
        intent = self._cancel(attempt, "requested_by_customer")
        return self._outcome(attempt, intent)

    def _expire(self, attempt: Attempt) -> Outcome:
        session_id = objects.checked_id("checkout.session", attempt.psp_reference)
        try:
            session = self._client.ask(
                lambda stripe: stripe.v1.checkout.sessions.expire(
                    session_id, {"expand": [*checkout.EXPAND_PAYMENT]}
                )
            )
        except StripeRefusedError:
            return self._session_outcome(attempt, self._fetch_session(attempt))
        found = checkout.check(session, objects.ATTEMPT, attempt.pk, session_id, live=self.live)
        outcome = self._session_outcome(attempt, found)
        if isinstance(outcome, Declined) and outcome.code == DeclineCode.ABANDONED:
            return Cancelled(psp_reference=session_id)
        return outcome

    # --- Giving back.

    def refund(self, refund: Refund) -> Outcome:
        """Ask Stripe to give the money back. A refund that it cannot make is declined."""
        if timezone.now() - refund.requested_at > KEY_LIFETIME:
            # Its key may be forgotten: asking again might give the money back again.
            return self.ask_refund(refund)
        charge = objects.checked_id("payment_intent", refund.attempt.psp_reference)
        params: RefundCreateParams = {
            "payment_intent": charge,
            "amount": amounts.to_stripe(refund.amount, refund.currency),
            "metadata": {objects.REFUND: str(refund.pk), objects.MOOCHER: self.identifier},
        }
        options = with_key(refund.idempotency_key)
        try:
            found = self._client.ask(lambda stripe: stripe.v1.refunds.create(params, options))
        except StripeRefusedError as error:
            if error.said.get("code") not in refunds.REFUSALS:
                raise
            return Declined(code=DeclineCode.GENERIC, evidence=dict(error.said))
        return self._refund_outcome(refund, found)

    def ask_refund(self, refund: Refund) -> Outcome:
        """What Stripe knows of this refund, also one that it made and whose answer was lost."""
        if refund.psp_reference:
            refund_id = objects.checked_id("refund", refund.psp_reference)
            found = self._client.ask(lambda stripe: stripe.v1.refunds.retrieve(refund_id))
            return self._refund_outcome(refund, found)
        known = [each for each in self._refunds_of(refund) if _is_of(each, refund)]
        if len(known) > 1:
            raise MoocherError("Stripe has several refunds for one of ours")
        if known:
            return self._refund_outcome(refund, known[0])
        return self.not_found(refund.requested_at)

    def _refunds_of(self, refund: Refund) -> Iterator[Mapping[str, Any]]:
        charge = objects.checked_id("payment_intent", refund.attempt.psp_reference)
        query: RefundListParams = {"payment_intent": charge, "limit": 100}
        for found in self._client.pages(
            lambda stripe, page: stripe.v1.refunds.list({**query, **page})
        ):
            yield refunds.check(found)

    def _refund_outcome(self, refund: Refund, answer: object) -> Outcome:
        found = refunds.check(answer)
        objects.require_ours(found, objects.REFUND, refund.pk)
        objects.require_same(refunds.charge_of(found), refund.attempt.psp_reference or "")
        return refunds.outcome(
            found,
            account=self.account,
            live=self.live,
            had_succeeded=refund.state == refund.State.SUCCEEDED,
        )

    def report_refund(self, reference: str) -> RefundReport | None:
        """A refund, whoever made it; ``None`` also for one of a charge without an intent."""
        refund_id = objects.checked_id("refund", reference)
        try:
            found = self._client.ask(lambda stripe: stripe.v1.refunds.retrieve(refund_id))
        except MissingError:
            return None
        # Another program's in the same account: no charge of ours is without an intent.
        is_ours = found.get("payment_intent") is not None
        return refunds.report(found, account=self.account, live=self.live) if is_ours else None


def _is_of(found: Mapping[str, Any], refund: Refund) -> bool:
    return objects.ours(found, objects.REFUND) == refund.pk
