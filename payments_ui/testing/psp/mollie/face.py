"""The URLs of Mollie's API, its errors, its webhooks, and the page where a card is saved."""

from __future__ import annotations

import hmac
import json
import re
import uuid
from collections.abc import Callable
from http import HTTPStatus

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer, Calls, fingerprint
from payments_ui.testing.psp.http import ApiError, Request, Response, Route, loopback_url
from payments_ui.testing.psp.ledger.charges import OPEN, Charge, Status
from payments_ui.testing.psp.ledger.disputes import Dispute
from payments_ui.testing.psp.ledger.refunds import Refund, RefundStatus
from payments_ui.testing.psp.ledger.store import Row
from payments_ui.testing.psp.pages.html import fill, page, see_other
from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct
from payments_ui.testing.psp.webhooks import Event

from .customers import CustomersApi
from .objects import Objects, link
from .payments import PaymentsApi
from .refunds import RefundsApi

#: Seconds for which Mollie repeats its answer to an idempotency key.
KEY_LIFE = 3600
#: What its keys begin with, among those of the other faces.
KEYS = "mollie:"
_TYPE = "application/hal+json"
_DECISIONS = {"approve": "paid", "refuse": "failed", "cancel": "canceled"}
_PAYMENT, _CUSTOMER = r"/v2/payments/(tr_\w{1,64})", r"/v2/customers/(cst_\w{1,64})"
_REFUND, _CHARGEBACK = r"(re_\w{1,64})", r"(chb_\w{1,64})"
_MANDATE, _SETUP = r"(mdt_\w{1,64})", r"/mollie/(tr_\w{1,64})"


class MollieFace:
    """Mollie's API, beside the sandbox's. `api_key` opens it."""

    def __init__(
        self,
        bank: Bank,
        calls: Calls,
        count: Callable[[str], None],
        *,
        api_key: str,
        account: str,
        live: bool,
    ) -> None:
        self.api_key = f"{'live' if live else 'test'}_{re.sub(r'[^0-9A-Za-z]', '', api_key)}"
        self._bank = bank
        self._ledger = bank.ledger
        self._calls = calls
        self._count = count
        objects = Objects(bank.ledger, bank.url, account, live=live)
        self._payments = PaymentsApi(bank, objects)
        self._refunds = RefundsApi(bank, objects, self._payments)
        self._customers = CustomersApi(bank.ledger, objects)

    def routes(self) -> list[Route]:
        """Return the URLs of the API, and of the page where a card is saved."""
        payments, refunds, customers = self._payments, self._refunds, self._customers
        refund, chargeback = (
            f"{_PAYMENT}/refunds/{_REFUND}",
            f"{_PAYMENT}/chargebacks/{_CHARGEBACK}",
        )
        mandate = f"{_CUSTOMER}/mandates/{_MANDATE}"
        return [
            self._once("create", "/v2/payments", payments.create),
            self._often("fetch", "GET", "/v2/payments", payments.list),
            self._often("fetch", "GET", _PAYMENT, payments.fetch),
            self._often("cancel", "DELETE", _PAYMENT, payments.cancel),
            self._once("refund", f"{_PAYMENT}/refunds", refunds.create),
            self._often("fetch", "GET", refund, refunds.fetch),
            self._often("fetch", "GET", chargeback, refunds.fetch_chargeback),
            self._once("save", "/v2/customers", customers.create),
            self._often("save", "DELETE", _CUSTOMER, customers.delete),
            self._often("fetch", "GET", f"{_CUSTOMER}/payments", payments.list),
            self._often("fetch", "GET", mandate, customers.mandate),
            self._often("save", "DELETE", mandate, customers.revoke),
            Route("GET", _SETUP, self.show_setup),
            Route("POST", _SETUP, self.decide_setup),
        ]

    def _once(self, operation: str, path: str, action: Callable[..., Answer]) -> Route:
        def call(request: Request, *ids: str) -> Answer:
            data = request.json()
            # Without one, each request is one of its own.
            key = request.headers.get("idempotency-key") or str(uuid.uuid4())
            return self._calls.execute_once(
                operation,
                f"{KEYS}{key}",
                fingerprint(request.path, data),
                lambda conduct: action(*ids, data, key, conduct),
            )

        return self._route(operation, "POST", path, call)

    def _often(
        self, operation: str, method: str, path: str, action: Callable[..., Answer]
    ) -> Route:
        def call(request: Request, *ids: str) -> Answer:
            return self._calls.execute(operation, lambda: action(request, *ids))

        return self._route(operation, method, path, call)

    def _route(self, operation: str, method: str, path: str, call: Callable[..., Answer]) -> Route:
        def handler(request: Request, *ids: str) -> Response:
            try:
                self._authorize(request)
                self._count(operation)
                self._bank.finish_due()
                answer = call(request, *ids)
            except ApiError as error:
                return _refusal(error)
            headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
            return Response(answer.status, answer.body, _TYPE, headers)

        return Route(method, path, handler)

    # The page where a card is saved

    def decide(self, action_url: str, decision: str) -> str:
        """Do what the customer does where a card is saved: "approve", "refuse" or "cancel".

        Return the URL that leads back to the shop. KeyError for an unknown page or decision.
        """
        payment_id, status = action_url.rsplit("/", 1)[-1], _DECISIONS[decision]
        with self._ledger.documents.changing("mollie_payment", payment_id) as document:
            if document["status"] == "open" and not document["charge"]:
                document["status"] = status
                if status == "paid":
                    document["mandate"] = self._customers.add_mandate(document["customer"])
                self._post(payment_id, f"payment.{status}", document["webhook_url"], AS_USUAL)
        return str(document["return_url"])

    def show_setup(self, request: Request, payment_id: str) -> Response:
        """Ask the customer for a card, of which nothing is taken."""
        document = self._payments.document(payment_id)
        heading, asking = "Save your card", ""
        if document["status"] == "open":
            action = f"/mollie/{payment_id}"
            asking = fill("decision.html", action=action, approve="Save it", refuse="Refuse")
        content = fill(
            "pay.html",
            heading=heading,
            lead="Nothing is taken from this card now.",
            form=asking or fill("done.html", return_url=document["return_url"]),
            amount=document["shown"]["amount"]["value"],
            account=self.api_key.partition("_")[0],
            description=document["shown"]["description"],
            reference=payment_id,
        )
        shop = loopback_url(document["return_url"])
        return page(heading, content, kind="sheet", leads_to=f"{shop.scheme}://{shop.netloc}")

    def decide_setup(self, request: Request, payment_id: str) -> Response:
        """Do what the customer chose, once, and lead back to the shop."""
        try:
            return see_other(self.decide(payment_id, request.form().get("decision", "")))
        except KeyError:
            raise ApiError(400, "invalid_decision", "Use a button of the page.") from None

    # News

    def charge_moved(self, charge: Charge) -> None:
        """Make the mandate that a first payment is for, and report what is final."""
        if charge.status == Status.SUCCEEDED:
            document = self._ledger.documents.get("mollie_payment", charge.known_as)
            if document and document["shown"]["sequenceType"] == "first":
                mandate = self._customers.add_mandate(document["customer"])
                self._ledger.documents.save(document | {"mandate": mandate})
        # Mollie says nothing of payments that are open or pending.
        if charge.status not in OPEN:
            self._report(charge, f"payment.{charge.status}", charge.conduct)

    def refund_moved(self, refund: Refund, charge: Charge) -> None:
        """Report what became of a refund, by the payment's id."""
        if refund.status != RefundStatus.PENDING:
            self._report(charge, f"refund.{refund.status}", refund.conduct)

    def dispute_moved(self, dispute: Dispute, charge: Charge) -> None:
        """Report a chargeback and its reversal, by the payment's id."""
        if dispute.withdrawn:
            self._report(charge, f"chargeback.{dispute.status}", AS_USUAL)

    def headers(self, delivery: Row, now: int) -> dict[str, str]:
        """Return the headers of a delivery: nothing is signed."""
        return {"Content-Type": "application/x-www-form-urlencoded"}

    def _report(self, charge: Charge, kind: str, conduct: Conduct) -> None:
        self._post(charge.known_as, kind, charge.webhook_url, conduct, charge.id)

    def _post(
        self, payment_id: str, kind: str, url: str, conduct: Conduct, charge: str | None = None
    ) -> None:
        event = Event(
            id=f"mollie_{uuid.uuid4().hex}",
            face="mollie",
            type=kind,
            body=f"id={payment_id}",
            charge_id=charge,
        )
        self._bank.outbox.post(event, [url] if url else [], conduct)

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode(errors="replace")
        if not hmac.compare_digest(given, f"Bearer {self.api_key}".encode()):
            raise ApiError(401, "", "Missing authentication, or failed to authenticate.")


def _refusal(error: ApiError) -> Response:
    body = {
        "status": error.status,
        "title": HTTPStatus(error.status).phrase,
        "detail": str(error),
        **({"field": error.code} if error.status == HTTPStatus.UNPROCESSABLE_ENTITY else {}),
        "_links": {"documentation": link("https://docs.mollie.com/reference/handling-errors")},
    }
    return Response(error.status, json.dumps(body), _TYPE)
