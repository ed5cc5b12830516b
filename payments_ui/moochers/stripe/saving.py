"""Customers and saved payment methods at Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.utils.translation import get_language

from payments_ui.conf import settings
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined
from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import AttemptUrls

from . import checkout, declines, forms, methods, objects
from .client import MissingError, StripeDeclinedError, StripeRefusedError, with_key
from .paying import Paying

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from stripe.params import (
        CustomerCreateParams,
        SetupIntentCreateParams,
        SetupIntentListParams,
    )
    from stripe.params.checkout import SessionCreateParams

    from payments_ui.core.models import PaymentMethod


class Saving(Paying):
    """The hooks of customers and saved payment methods."""

    def create_customer(self, user: AbstractBaseUser, *, key: str) -> str:
        """Make a customer that says nothing about the user but our number of them."""
        params: CustomerCreateParams = {"metadata": {"user": str(user.pk)}}
        options = with_key(key)
        customer = self._client.ask(lambda stripe: stripe.v1.customers.create(params, options))
        return str(objects.checked("customer", customer, live=self.live)["id"])

    def delete_customer(self, customer_id: str) -> None:
        """Delete the customer; with it goes all that could be charged."""
        asked = objects.checked_id("customer", customer_id)
        try:
            answer = self._client.ask(lambda stripe: stripe.v1.customers.delete(asked))
        except MissingError:
            return
        if answer.get("id") != asked or answer.get("deleted") is not True:
            raise MoocherError("Stripe did not confirm that the customer is deleted")

    def save(
        self, method: PaymentMethod, *, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SetupOutcome:
        """Have the card behind the token saved, or send the customer to Stripe's page for that."""
        options = with_key(method.idempotency_key)
        if self.page == "checkout" or not data.get("confirmation_token"):
            page = self._setup_session(method, urls)
            session = self._client.ask(
                lambda stripe: stripe.v1.checkout.sessions.create(page, options)
            )
            return self._page_outcome(method, session, None)
        params = self._setup_params(method, data, urls)
        try:
            setup = self._client.ask(lambda stripe: stripe.v1.setup_intents.create(params, options))
        except StripeDeclinedError as error:
            return self._after_declined_setup(method, error.said)
        except StripeRefusedError as error:
            if declines.code_of(error.said) == DeclineCode.GENERIC:
                raise
            return declines.declined(error.said, None)
        return self._setup_outcome(method, methods.check(setup, method, live=self.live))

    def _setup_params(
        self, method: PaymentMethod, data: Mapping[str, Any], urls: AttemptUrls
    ) -> SetupIntentCreateParams:
        return {
            "allowed_payment_method_types": [*methods.SAVABLE],
            "confirm": True,
            "confirmation_token": data["confirmation_token"],
            "customer": objects.checked_id("customer", method.customer_id),
            "expand": [*methods.EXPAND],
            "metadata": {objects.METHOD: str(method.pk), objects.MOOCHER: self.identifier},
            "return_url": urls.return_url,
            "usage": "off_session" if method.unattended_text else "on_session",
            "use_stripe_sdk": True,
        }

    def _setup_session(self, method: PaymentMethod, urls: AttemptUrls) -> SessionCreateParams:
        metadata = {objects.METHOD: str(method.pk), objects.MOOCHER: self.identifier}
        return {
            "allowed_payment_method_types": [*methods.SAVABLE],
            "cancel_url": urls.return_url,
            "currency": settings.CURRENCY.lower(),
            "customer": objects.checked_id("customer", method.customer_id),
            "locale": forms.locale(get_language()),
            "metadata": metadata,
            "mode": "setup",
            "setup_intent_data": {"metadata": metadata},
            "success_url": urls.return_url,
            "ui_mode": "hosted_page",
        }

    def ask_saved(self, method: PaymentMethod) -> SetupOutcome:
        """What Stripe knows; a set-up whose answer was lost is found among the customer's."""
        if checkout.is_session(method.psp_reference):
            session = self._fetch_setup_session(method)
            return self._page_outcome(method, session, method.psp_reference)
        setup = self._fetch_setup(method) if method.psp_reference else self._find_setup(method)
        if setup is not None:
            return self._setup_outcome(method, setup)
        return self.not_found(method.created_at)

    def _fetch_setup(self, method: PaymentMethod) -> Mapping[str, Any]:
        setup_id = objects.checked_id("setup_intent", method.psp_reference)
        setup = self._client.ask(
            lambda stripe: stripe.v1.setup_intents.retrieve(setup_id, {"expand": [*methods.EXPAND]})
        )
        objects.require_same(setup.get("id"), setup_id)
        return methods.check(setup, method, live=self.live)

    def _find_setup(self, method: PaymentMethod) -> Mapping[str, Any] | None:
        query: SetupIntentListParams = {
            "customer": objects.checked_id("customer", method.customer_id),
            "expand": [f"data.{name}" for name in methods.EXPAND],
        }
        for setup in self._client.pages(
            lambda stripe, page: stripe.v1.setup_intents.list({**query, **page})
        ):
            found = objects.checked("setup_intent", setup, live=self.live)
            if objects.ours(found, objects.METHOD) == method.pk:
                return methods.check(found, method, live=self.live)
        return None

    def _fetch_setup_session(self, method: PaymentMethod) -> Mapping[str, Any]:
        session_id = objects.checked_id("checkout.session", method.psp_reference)
        return self._client.ask(
            lambda stripe: stripe.v1.checkout.sessions.retrieve(
                session_id, {"expand": [*checkout.EXPAND_SETUP]}
            )
        )

    def _page_outcome(
        self, method: PaymentMethod, session: object, asked: str | None
    ) -> SetupOutcome:
        found = checkout.check(session, objects.METHOD, method.pk, asked, live=self.live)
        return checkout.setup_outcome(found, method, live=self.live)

    def _setup_outcome(self, method: PaymentMethod, setup: Mapping[str, Any]) -> SetupOutcome:
        """What a set-up means, once nothing can finish any more what is declined."""
        if setup.get("status") not in methods.UNCONFIRMED:
            return methods.outcome(setup, reference=setup["id"])
        said = methods.failure(setup)
        ended = self._cancel_setup(method, setup["id"])
        if ended.get("status") != "canceled":
            return methods.outcome(ended, reference=setup["id"])
        if said:
            return declines.declined(said, setup["id"])
        return Declined(code=DeclineCode.NEVER_HAPPENED, psp_reference=setup["id"])

    def _after_declined_setup(self, method: PaymentMethod, said: Mapping[str, str]) -> SetupOutcome:
        """The set-up stays with Stripe, where the browser could go on with it."""
        setup = self._find_setup(method)
        if setup is not None and setup.get("status") in methods.UNCONFIRMED:
            self._cancel_setup(method, setup["id"])
        return declines.declined(said, None if setup is None else setup["id"])

    def _cancel_setup(self, method: PaymentMethod, setup_id: str) -> Mapping[str, Any]:
        """The set-up after an attempt to cancel it."""
        try:
            answer = self._client.ask(
                lambda stripe: stripe.v1.setup_intents.cancel(
                    setup_id, {"cancellation_reason": "abandoned", "expand": [*methods.EXPAND]}
                )
            )
        except StripeRefusedError:
            answer = self._client.ask(
                lambda stripe: stripe.v1.setup_intents.retrieve(
                    setup_id, {"expand": [*methods.EXPAND]}
                )
            )
        return methods.check(answer, method, live=self.live)

    def describe(self, method: PaymentMethod) -> Instrument | None:
        """The payment method as Stripe keeps it for this customer."""
        if not method.method_id:
            return None
        found = self._fetch_method(method.method_id)
        described = None if found is None else methods.instrument(found)
        return described if described and described.customer_id == method.customer_id else None

    def _fetch_method(self, method_id: str) -> Mapping[str, Any] | None:
        asked = objects.checked_id("payment_method", method_id)
        try:
            answer = self._client.ask(lambda stripe: stripe.v1.payment_methods.retrieve(asked))
        except MissingError:
            return None
        found = objects.checked("payment_method", answer, live=self.live)
        objects.require_same(found["id"], asked)
        return found

    def forget(self, method: PaymentMethod) -> None:
        """Detach it from the customer, after which it cannot be charged any more.

        Where it is still being saved, that is ended first, and what it saved meanwhile detached.
        """
        method_id = method.method_id or self._saved_meanwhile(method)
        if not method_id:
            return
        asked = objects.checked_id("payment_method", method_id)
        try:
            answer = self._client.ask(lambda stripe: stripe.v1.payment_methods.detach(asked))
        except StripeRefusedError:
            # It may be detached already.
            found = self._fetch_method(asked)
            answer = {} if found is None else dict(found)
        if answer.get("customer") is not None:
            raise MoocherError("Stripe did not detach the payment method")

    def _saved_meanwhile(self, method: PaymentMethod) -> str | None:
        """The id of what was saved all the same, after the set-up was ended."""
        if method.attempt is not None:
            intent = self._fetch(method.attempt) if _has_intent(method) else {}
            found = methods.instrument_of_payment(intent) if intent else None
            return None if found is None else found.method_id
        outcome = self._end_setup(method)
        if isinstance(outcome, Saved):
            return outcome.instrument.method_id
        if isinstance(outcome, Declined | Cancelled):
            return None
        raise MoocherError("Stripe has not ended the set-up")

    def _end_setup(self, method: PaymentMethod) -> SetupOutcome:
        if checkout.is_session(method.psp_reference):
            session_id = objects.checked_id("checkout.session", method.psp_reference)
            # Refused where it has ended already.
            with suppress(StripeRefusedError):
                self._client.ask(lambda stripe: stripe.v1.checkout.sessions.expire(session_id))
            return self.ask_saved(method)
        setup = self._fetch_setup(method) if method.psp_reference else self._find_setup(method)
        if setup is None:
            return self.ask_saved(method)
        if setup.get("status") not in ("succeeded", "canceled"):
            setup = self._cancel_setup(method, setup["id"])
        return methods.outcome(setup, reference=setup["id"])

    def step_of_setup(self, method: PaymentMethod) -> str:
        """The client secret with which the owner's browser takes a step of a set-up."""
        setup_id = objects.checked_id("setup_intent", method.psp_reference)
        answer, secret = self._client.ask_with_secret(
            lambda stripe: stripe.v1.setup_intents.retrieve(setup_id)
        )
        objects.require_same(answer.get("id"), setup_id)
        _require_step(methods.check(answer, method, live=self.live))
        return secret


def _has_intent(method: PaymentMethod) -> bool:
    attempt = method.attempt
    return attempt is not None and (attempt.psp_reference or "").startswith("pi_")


def _require_step(intent: Mapping[str, Any]) -> None:
    if intent.get("status") != "requires_action":
        raise MoocherError("Stripe asks for no step")
