"""Pages that customers see: 3-D Secure at their bank, and Stripe's own page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlencode, urlsplit, urlunsplit

from payments_ui.testing.psp.amounts import format_amount
from payments_ui.testing.psp.http import ApiError, Request, Response, Route, loopback_url
from payments_ui.testing.psp.pages.html import Html, fill, join, page, see_other, tag

from .account import Account
from .amounts import to_ledger
from .calls import StripeObject
from .checkout_sessions import CheckoutSessions
from .errors import CardError, StripeError
from .payment_methods import TYPES
from .setup_intents import SetupIntents

_FRAMED_BY = "http://127.0.0.1:* http://localhost:* http://*.localhost:*"
#: What is offered on Stripe's page: no card can be typed in there.
_OFFERED = {
    "pm_card_visa": "Visa ending in 4242",
    "pm_card_mastercard": "Mastercard ending in 4444",
    "pm_card_authenticationRequired": "Visa ending in 3184, asks for 3-D Secure",
    "pm_card_visa_chargeDeclined": "Visa ending in 0002, is declined",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "Visa ending in 9995, has not enough money",
    "twint": "TWINT",
}


class Pages:
    """Shows payments and set-ups to their customers, and does what they choose."""

    def __init__(self, account: Account, setups: SetupIntents, sessions: CheckoutSessions) -> None:
        self._account = account
        self._bank = account.bank
        self._setups = setups
        self._sessions = sessions

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        confirming, paying = r"/stripe/authenticate/([\w-]{32})", r"/stripe/checkout/(cs_\w+)"

        def found(handler: Callable[..., Response]) -> Callable[..., Response]:
            def respond(request: Request, *args: str) -> Response:
                self._bank.finish_due()
                try:
                    with self._bank.ledger.store.transaction():
                        return handler(request, *args)
                except StripeError as error:
                    raise ApiError(404, "no_such_page", "This page does not exist.") from error

            return respond

        return [
            Route("GET", confirming, found(self.show_step)),
            Route("POST", confirming, found(self.decide)),
            Route("GET", paying, found(self.show_checkout)),
            Route("POST", paying, found(self.pay)),
        ]

    def act(self, url: str, decision: str) -> str:
        """Do what the customer does on a page, and return where that leads them."""
        name = urlsplit(url).path.rpartition("/")[2]
        try:
            with self._bank.ledger.store.transaction():
                if not name.startswith("cs_"):
                    return self._decide(name, confirmed=decision == "approve")
                session = self._sessions.find(name)
                cards = {"approve": "pm_card_visa", "refuse": "pm_card_visa_chargeDeclined"}
                with suppress(CardError):
                    if decision in cards:
                        self._sessions.pay(name, cards[decision])
                closed = self._sessions.find(name)["status"] == "complete"
                return _after(session) if closed else str(session["cancel_url"])
        except (ApiError, StripeError) as error:
            raise KeyError(url) from error

    # 3-D Secure

    def show_step(self, request: Request, token: str) -> Response:
        """Ask the customer to confirm, or show how that ended."""
        intent = self._by_token(token)
        if intent["status"] != "requires_action":
            return self._ended(intent)
        action = f"/stripe/authenticate/{token}"
        content = fill(
            "stripe_authenticate.html",
            amount=_amount(intent),
            account=self._bank.ledger.account,
            form=fill("decision.html", action=action, approve="Yes, it is me", refuse="No, refuse"),
        )
        return page(
            "Confirm it is you",
            content,
            kind="sheet",
            leads_to=_origin(intent["_return_url"] or ""),
            framed_by=_FRAMED_BY,
        )

    def decide(self, request: Request, token: str) -> Response:
        """Do what the customer chose, once, and lead back to the shop."""
        decision = request.form().get("decision", "")
        if decision not in {"approve", "refuse", "cancel"}:
            raise ApiError(400, "invalid_decision", "Use a button of the page.")
        self._decide(token, confirmed=decision == "approve")
        return self._ended(self._by_token(token))

    def _decide(self, token: str, *, confirmed: bool) -> str:
        intent = self._by_token(token)
        if intent["object"] == "payment_intent":
            self._bank.decide(token, "approve" if confirmed else "refuse")
        else:
            self._setups.decide(intent, confirmed=confirmed)
        return self._return_url(self._by_token(token))

    def _by_token(self, token: str) -> StripeObject:
        charge = self._bank.ledger.charges.by_token(token)
        if charge is not None and charge.face == "stripe":
            return self._account.get("payment_intent", charge.known_as)
        setup = self._setups.by_token(token)
        if setup is None:
            raise ApiError(404, "no_such_page", "This page does not exist.")
        return setup

    def _ended(self, intent: StripeObject) -> Response:
        confirmed = _is_confirmed(intent)
        if not intent["_sdk"]:
            return see_other(self._return_url(intent))
        heading = "Confirmed" if confirmed else "Not confirmed"
        text = "Thank you. It goes on in the shop." if confirmed else "Nothing was paid."
        return page(
            heading,
            join([tag("h1", heading), tag("p", text)]),
            kind="sheet",
            framed_by=_FRAMED_BY,
            script="/stripe/authenticated.js",
        )

    def _return_url(self, intent: StripeObject) -> str:
        """Return where the customer goes after a step elsewhere, with what Stripe adds to that."""
        url = intent["_return_url"] or ""
        if url.startswith(f"{self._account.url}/checkout/"):
            session = self._sessions.follow(url.rpartition("/")[2])
            return _after(session) if session["status"] == "complete" else url
        if not url:
            return ""
        parts = loopback_url(url)
        kind = intent["object"]
        added = {
            kind: intent["id"],
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if _is_confirmed(intent) else "failed",
        }
        query = "&".join(part for part in (parts.query, urlencode(added)) if part)
        return urlunsplit(parts._replace(query=query))

    # Checkout

    def show_checkout(self, request: Request, session_id: str, error: str = "") -> Response:
        """Ask how the customer pays, or lead back to the shop from a page that is closed."""
        session = self._sessions.follow(session_id)
        if session["status"] == "complete":
            return see_other(_after(session))
        if session["status"] == "expired":
            text = tag("p", "Nothing was paid here. You can start again in the shop.")
            return page("Too late", join([tag("h1", "This page has expired"), text]), kind="sheet")
        intent_id = session["payment_intent"]
        if not error and intent_id:
            failed = self._account.get("payment_intent", intent_id)["last_payment_error"]
            error = failed["message"] if failed else ""
        pays = session["mode"] == "payment"
        options = [
            tag("option", title, value=name)
            for name, title in _OFFERED.items()
            if (name if name in TYPES else "card") in session["payment_method_types"]
        ]
        content = fill(
            "stripe_checkout.html",
            heading="Pay at Stripe" if pays else "Save a payment method at Stripe",
            amount=_amount(session) if pays else "nothing now",
            account=self._bank.ledger.account,
            error=tag("p", error, class_="notice", role="alert") if error else Html(),
            action=f"/stripe/checkout/{session_id}",
            options=join(options),
            button="Pay" if pays else "Save",
        )
        leads_to = " ".join(_origin(session[name] or "") for name in ("success_url", "cancel_url"))
        return page("Stripe Checkout", content, kind="sheet", leads_to=leads_to)

    def pay(self, request: Request, session_id: str) -> Response:
        """Try what the customer chose; ask again where it is declined."""
        form = request.form()
        session = self._sessions.find(session_id)
        if session["status"] != "open":
            return self.show_checkout(request, session_id)
        if form.get("decision") == "cancel":
            return see_other(session["cancel_url"] or session["success_url"])
        method = form.get("method", "")
        if method not in _OFFERED:
            raise ApiError(400, "invalid_method", "Use a button of the page.")
        try:
            intent = self._sessions.pay(session_id, method)
        except CardError as declined:
            return self.show_checkout(request, session_id, str(declined))
        if intent["next_action"]:
            return see_other(intent["next_action"]["redirect_to_url"]["url"])
        return self.show_checkout(request, session_id)


def _is_confirmed(intent: StripeObject) -> bool:
    return intent["status"] in {"succeeded", "processing"}


def _amount(subject: StripeObject) -> str:
    amount = subject.get("amount") or subject.get("amount_total")
    if amount is None:
        return "nothing now"
    currency = subject["currency"].upper()
    return format_amount(to_ledger(amount, currency), currency)


def _after(session: StripeObject) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _origin(url: str) -> str:
    """Return what a content security policy calls the place that a URL leads to."""
    parts = urlsplit(url)
    if not parts.netloc:
        return ""
    # A content security policy cannot name an IPv6 address.
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
