"""ConfirmationTokens: what the customer entered in the browser, for one confirmation."""

from __future__ import annotations

from collections.abc import Sequence

from . import params as read
from .account import Account
from .calls import ApiCall, Call, StripeObject, get, post
from .errors import StripeError
from .params import Params
from .payment_methods import CARD_DATA, DATA, PaymentMethods, check_usable

#: Seconds on the PSP's clock for which a token can be used.
LIFE = 12 * 3600
CREATE = {f"payment_method_data.{name}" for name in DATA} | {
    *("payment_method", "return_url", "setup_future_usage", "expand"),
}
#: What Stripe.js sends besides, of which the fake keeps nothing but the card's name.
BROWSER = (
    CREATE
    | {f"payment_method_data.{name}" for name in CARD_DATA}
    | {"use_stripe_sdk", "client_context.*", "set_as_default_payment_method"}
)
#: What is kept with a payment or a set-up may be for.
USAGES = ("off_session", "on_session")


class ConfirmationTokens:
    """Answers calls about confirmation tokens: Stripe.js makes them, and so do tests."""

    def __init__(self, account: Account, methods: PaymentMethods) -> None:
        self._account = account
        self._methods = methods

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        helper = "/v1/test_helpers/confirmation_tokens"
        return [
            post("prepare", "/v1/confirmation_tokens", self.create, BROWSER, for_browsers=True),
            post("prepare", helper, self.create, CREATE),
            get(r"/v1/confirmation_tokens/(ctoken_\w+)", self.retrieve),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a token of a payment method, or of what was entered."""
        params = call.params
        if data := read.mapping(params, "payment_method_data"):
            method = self._methods.make(data)
        else:
            method = self._methods.resolve(read.needed(params, "payment_method"))
        hidden = ("id", "object", "created", "livemode", "metadata")
        preview = {name: value for name, value in method.items() if name not in hidden}
        return self._account.add(
            "confirmation_token",
            "ctoken",
            expires_at=self._account.now() + LIFE,
            mandate_data=None,
            payment_intent=None,
            payment_method_options=None,
            payment_method_preview=preview,
            return_url=read.text(params, "return_url", 2000),
            setup_future_usage=read.choice(params, "setup_future_usage", USAGES),
            setup_intent=None,
            shipping=None,
            use_stripe_sdk=True,
            _method=method["id"],
        )

    def retrieve(self, call: Call, token_id: str) -> StripeObject:
        """Return a token."""
        return self._account.get("confirmation_token", token_id)

    # For the other resources

    def method_of(
        self, params: Params, intent: StripeObject
    ) -> tuple[StripeObject, StripeObject | None]:
        """Return what a payment or set-up is confirmed with, and the token that names it, if any.

        StripeError for a payment method that was used up or detached, or is another customer's,
        or of a type that is not allowed.
        """
        token = None
        if token_id := read.text(params, "confirmation_token"):
            if "payment_method" in params or "payment_method_data" in params:
                text = "A confirmation_token and a payment method exclude each other."
                raise StripeError(text, param="confirmation_token")
            token = self._usable(token_id)
            method = self._methods.find(token["_method"])
        elif data := read.mapping(params, "payment_method_data"):
            method = self._methods.make(data)
        else:
            method_id = read.text(params, "payment_method") or intent["payment_method"]
            if method_id is None:
                code = f"{intent['object']}_unexpected_state"
                raise StripeError("There is no payment method to confirm it with.", code=code)
            method = self._methods.resolve(method_id)
        check_usable(method, intent["customer"])
        if method["type"] not in intent["payment_method_types"]:
            text = f"The payment method type {method['type']} is not allowed here."
            raise StripeError(text, param="payment_method")
        return method, token

    def use(self, token: StripeObject, **subject: str) -> None:
        """Use up a token for a payment (`payment_intent=`) or a set-up (`setup_intent=`)."""
        self._account.save(token | subject)

    def _usable(self, token_id: str) -> StripeObject:
        token = self._account.get("confirmation_token", token_id, "confirmation_token")
        if token["payment_intent"] or token["setup_intent"]:
            text = "This ConfirmationToken has already been used."
            raise StripeError(text, param="confirmation_token")
        if token["expires_at"] <= self._account.now():
            text = "This ConfirmationToken has expired."
            raise StripeError(text, param="confirmation_token")
        return token
