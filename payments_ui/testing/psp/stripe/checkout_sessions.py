"""Checkout Sessions: Stripe's own page, for a payment or for a payment method to be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from payments_ui.testing.psp.scenarios import Conduct

from . import params as read
from .account import Account
from .amounts import check_minimum, to_ledger
from .calls import PAGE, ApiCall, Call, StripeObject, get, post
from .customers import Customers
from .errors import StripeError, required
from .params import Params
from .payment_intents import PaymentIntents, chosen_types
from .setup_intents import SetupIntents

#: Seconds on the PSP's clock for which a page is open, unless the merchant says otherwise.
LIFE = 24 * 3600
_INTENT_DATA = {"description", "metadata.*"}
CREATE = (
    {f"payment_intent_data.{name}" for name in (*_INTENT_DATA, "setup_future_usage")}
    | {f"setup_intent_data.{name}" for name in _INTENT_DATA}
    | {
        *("allowed_payment_method_types", "cancel_url", "client_reference_id", "currency"),
        *("customer", "customer_creation", "customer_email", "excluded_payment_method_types"),
        *("expand", "expires_at", "line_items.quantity", "line_items.price_data.currency"),
        *("line_items.price_data.unit_amount", "line_items.price_data.product_data.name"),
        *("line_items.price_data.product_data.description", "locale", "metadata.*", "mode"),
        *("payment_method_configuration", "payment_method_options.card.setup_future_usage"),
        *("submit_type", "success_url", "ui_mode"),
        "saved_payment_method_options.payment_method_save",
    }
)
LIST = PAGE | {"customer", "payment_intent", "status"}
_UI_MODES = ("elements", "embedded_page", "form", "hosted_page")


class CheckoutSessions:
    """Answers calls about Checkout, and does what customers do on its page.

    `take` returns what the plan has for an operation.
    """

    def __init__(
        self,
        account: Account,
        customers: Customers,
        intents: PaymentIntents,
        setups: SetupIntents,
        take: Callable[[str], Conduct],
    ) -> None:
        self._account = account
        self._customers = customers
        self._intents = intents
        self._setups = setups
        self._take = take

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        session = r"/v1/checkout/sessions/(cs_\w+)"
        return [
            post("prepare", "/v1/checkout/sessions", self.create, CREATE),
            get("/v1/checkout/sessions", self.list, LIST),
            get(session, self.retrieve),
            post("cancel", f"{session}/expire", self.expire),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make a page."""
        params = call.params
        mode = read.choice(params, "mode", ("payment", "setup"))
        if mode is None:
            raise required("mode")
        ui_mode = read.choice(params, "ui_mode", _UI_MODES) or "hosted_page"
        if ui_mode != "hosted_page":
            raise StripeError("The fake PSP plays the hosted page only.", param="ui_mode")
        customer = read.text(params, "customer")
        if customer:
            self._customers.find(customer, "customer")
        total, currency = self._total(params) if mode == "payment" else (None, "")
        currency = currency or (read.text(params, "currency") or "").lower()
        expires_at = read.integer(params, "expires_at")
        session = self._account.add(
            "checkout.session",
            "cs_live" if self._account.livemode else "cs_test",
            adaptive_pricing=None,
            after_expiration=None,
            allow_promotion_codes=None,
            allowed_payment_method_types=read.names(params, "allowed_payment_method_types") or None,
            amount_subtotal=total,
            amount_total=total,
            automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
            billing_address_collection=None,
            cancel_url=read.text(params, "cancel_url", 5000),
            client_reference_id=read.text(params, "client_reference_id", 200),
            client_secret=None,
            collected_information=None,
            consent=None,
            consent_collection=None,
            currency=currency or None,
            currency_conversion=None,
            custom_fields=[],
            custom_text={
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            customer=customer,
            customer_account=None,
            customer_creation=read.text(params, "customer_creation") or "if_required",
            customer_details=None,
            customer_email=read.text(params, "customer_email"),
            discounts=[],
            expires_at=expires_at or self._account.now() + LIFE,
            invoice=None,
            invoice_creation=None,
            locale=read.text(params, "locale"),
            metadata=read.metadata(params),
            mode=mode,
            origin_context=None,
            payment_intent=None,
            payment_link=None,
            payment_method_collection="if_required",
            payment_method_configuration_details=None,
            payment_method_options={
                kind: {"request_three_d_secure": "automatic"} | options
                for kind, options in read.mapping(params, "payment_method_options").items()
            },
            payment_method_types=chosen_types(
                params, currency or "eur", "off_session" if mode == "setup" else None
            ),
            payment_status="unpaid" if mode == "payment" else "no_payment_required",
            permissions=None,
            phone_number_collection={"enabled": False},
            recovered_from=None,
            saved_payment_method_options=None,
            setup_intent=None,
            shipping_address_collection=None,
            shipping_cost=None,
            shipping_options=[],
            status="open",
            submit_type=read.text(params, "submit_type"),
            subscription=None,
            success_url=read.needed(params, "success_url"),
            total_details=(
                {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
                if mode == "payment"
                else None
            ),
            ui_mode=ui_mode,
            url="",
            wallet_options=None,
            _intent_data=read.mapping(params, "payment_intent_data")
            | read.mapping(params, "setup_intent_data"),
            _key=call.key,
        )
        session["url"] = f"{self._account.url}/checkout/{session['id']}"
        self._account.save(session)
        return session

    def retrieve(self, call: Call, session_id: str) -> StripeObject:
        """Return a page and what became of it."""
        return self.find(session_id)

    def list(self, call: Call) -> StripeObject:
        """Return the pages, of a customer, a payment or a status if asked for."""
        wanted = {
            name: value
            for name in ("customer", "payment_intent", "status")
            if (value := read.text(call.params, name))
        }
        found = self._account.find("checkout.session", **wanted)
        return self._account.page("/v1/checkout/sessions", found, call.params)

    def expire(self, call: Call, session_id: str) -> StripeObject:
        """Close a page that nobody has finished."""
        session = self.find(session_id)
        if session["status"] != "open":
            raise StripeError("Only Checkout Sessions with a status in ['open'] can be expired.")
        return self._expire(session)

    def find(self, session_id: str) -> StripeObject:
        """Return a page; StripeError 404 where there is none."""
        return self._account.get("checkout.session", session_id)

    def finish_due(self) -> None:
        """Close pages whose time is over."""
        for session in self._account.find("checkout.session", status="open"):
            if session["expires_at"] <= self._account.now():
                self._expire(session)

    # What customers do on the page

    def pay(self, session_id: str, method: str) -> StripeObject:
        """Enter a test card, or another payment method, and press the button.

        Return the payment or set-up, which may require a step; CardError for a decline, after
        which the page asks again. StripeError for a page that is closed.
        """
        session = self.find(session_id)
        if session["status"] != "open":
            raise StripeError("This page is closed.")
        is_payment = session["mode"] == "payment"
        name = "payment_intent" if is_payment else "setup_intent"
        data: Params = (
            {"type": "card", "card": {"token": method}}
            if method.startswith("pm_")
            else {"type": method}
        )
        confirming = {"payment_method_data": data, "return_url": session["url"]}
        if session[name] is None:
            call = Call(self._intent(session), key=session["_key"])
            made = self._intents.create(call) if is_payment else self._setups.create(call)
            session[name] = made["id"]
            self._account.save(session)
        confirm = self._intents.confirm if is_payment else self._setups.confirm
        conduct = self._take("create" if is_payment else "save")
        found = confirm(Call(confirming, conduct), session[name])
        self.follow(session_id)
        return found

    def follow(self, session_id: str) -> StripeObject:
        """Close the page where its payment or set-up is done; return it."""
        session = self.find(session_id)
        intent_id = session["payment_intent"] or session["setup_intent"]
        if session["status"] != "open" or intent_id is None:
            return session
        kind = "payment_intent" if session["payment_intent"] else "setup_intent"
        intent = self._account.get(kind, intent_id)
        if intent["status"] not in {"succeeded", "processing"}:
            return session
        session |= {"status": "complete", "url": None}
        if kind == "payment_intent" and intent["status"] == "succeeded":
            session["payment_status"] = "paid"
        self._account.save(session)
        self._account.post("checkout.session.completed", session)
        return session

    def intent_moved(self, intent: StripeObject) -> None:
        """Follow a payment that a page made, also one that ends days later."""
        for session in self._account.find("checkout.session", payment_intent=intent["id"]):
            if session["status"] == "open":
                self.follow(session["id"])
            elif session["payment_status"] == "unpaid" and intent["status"] == "succeeded":
                session["payment_status"] = "paid"
                self._account.save(session)
                self._account.post("checkout.session.async_payment_succeeded", session)
            elif session["payment_status"] == "unpaid" and intent["last_payment_error"]:
                self._account.post("checkout.session.async_payment_failed", session)

    def _expire(self, session: StripeObject) -> StripeObject:
        session |= {"status": "expired", "url": None}
        self._account.save(session)
        if session["payment_intent"]:
            intent = self._intents.find(session["payment_intent"])
            if intent["status"] not in {"succeeded", "processing", "canceled"}:
                self._intents.cancel(Call({}), intent["id"])
        self._account.post("checkout.session.expired", session)
        return session

    def _total(self, params: Params) -> tuple[int, str]:
        items = params.get("line_items")
        if not isinstance(items, list) or not items:
            raise required("line_items")
        total, currency = 0, ""
        for item in items:
            price = read.mapping(item, "price_data")
            unit = read.integer(price, "unit_amount")
            if unit is None:
                raise required("line_items[0][price_data][unit_amount]")
            currency = read.needed(price, "currency").lower()
            read.needed(read.mapping(price, "product_data"), "name")
            total += unit * (read.integer(item, "quantity") or 1)
        to_ledger(total, currency.upper())
        check_minimum(total, currency.upper())
        return total, currency

    def _intent(self, session: StripeObject) -> Params:
        """Return the parameters of the payment or set-up that the page makes."""
        made: Params = dict(session["_intent_data"])
        if session["customer"]:
            made["customer"] = session["customer"]
        if session["allowed_payment_method_types"]:
            made["allowed_payment_method_types"] = session["allowed_payment_method_types"]
        if session["mode"] == "payment":
            made |= {"amount": str(session["amount_total"]), "currency": session["currency"]}
            made["payment_method_options"] = session["payment_method_options"]
        return made
