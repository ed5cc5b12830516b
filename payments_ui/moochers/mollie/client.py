"""HTTP with Mollie, by its own library: bounded in time, never repeated, and nothing is guessed."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from mollie.api.client import Client as MollieClient
from mollie.api.error import Error as MollieError
from mollie.api.error import ResponseError
from mollie.api.objects.customer import Customer
from mollie.api.objects.payment import Payment

from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError
from payments_ui.moochers.answers import Object, matching, moment, part, parts

PAYMENT_ID = re.compile(r"tr_[0-9A-Za-z]{1,64}", re.ASCII)
REFUND_ID = re.compile(r"re_[0-9A-Za-z]{1,64}", re.ASCII)
CHARGEBACK_ID = re.compile(r"chb_[0-9A-Za-z]{1,64}", re.ASCII)
CUSTOMER_ID = re.compile(r"cst_[0-9A-Za-z]{1,64}", re.ASCII)
MANDATE_ID = re.compile(r"mdt_[0-9A-Za-z]{1,64}", re.ASCII)
ENDPOINT = "https://api.mollie.com"
#: The most that Mollie lists at once.
PAGE = 250
RATE_LIMITED = 429
#: It read the request, and refused it before doing anything.
REFUSED = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
GONE = frozenset({404, 410})
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/?", re.ASCII)


class RefusedError(RequestRefusedError):
    """Mollie refuses the request; ``field`` is the parameter that it names, if any."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(f"Mollie answered {status} {field}: {message[:200]}")
        self.status = status
        self.field = field


class Client:
    """Calls Mollie's API. Whatever is no definite answer raises.

    ``RefusedError`` where it refuses the request as it stands, ``RateLimitedError`` where it has
    too much to do, ``MoocherError`` for everything else, silence for ``timeout`` (to connect,
    between two bytes; in seconds) included.
    """

    def __init__(self, api_key: str, timeout: tuple[int, int], endpoint: str) -> None:
        if endpoint != ENDPOINT and not _LOOPBACK.fullmatch(endpoint):
            raise ValueError(f"Mollie is at {ENDPOINT}, not at {endpoint!r}")
        self._endpoint = endpoint.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout
        # A session of requests is one thread's.
        self._threads = threading.local()

    @property
    def is_local(self) -> bool:
        """Whether it is no Mollie, but a server on this machine that plays it."""
        return self._endpoint != ENDPOINT

    @property
    def origin(self) -> str:
        """What the addresses of its pages begin with."""
        return f"{self._endpoint}/" if self.is_local else "https://"

    @property
    def _api(self) -> MollieClient:
        if not hasattr(self._threads, "api"):
            # Without the library's own repetitions: they sleep as long as a header says.
            api = MollieClient(self._endpoint, timeout=self._timeout, retry=0)
            api.set_api_key(self._api_key)
            self._threads.api = api
        found: MollieClient = self._threads.api
        return found

    def create_payment(self, order: Object, *, key: str) -> Object:
        """Ask for a payment, once per key within an hour, and return it."""
        return _object(lambda: self._api.payments.create(dict(order), idempotency_key=key))

    def fetch_payment(self, payment_id: str, **params: str) -> Object:
        """Return a payment; ``embed`` brings its refunds and chargebacks along."""
        matching(PAYMENT_ID, payment_id)
        return _object(lambda: self._api.payments.get(payment_id, **params))

    def cancel_payment(self, payment_id: str) -> Object:
        """Cancel a payment that says that this is possible, and return it."""
        matching(PAYMENT_ID, payment_id)
        return _object(lambda: self._api.payments.delete(payment_id))

    def payments(self, *, since: dt.datetime | None = None, customer: str = "") -> Iterator[Object]:
        """Go through the payments of the profile, or of a customer, newest first."""
        resource = self._customer(customer).payments if customer else self._api.payments
        page = _answer(lambda: resource.list(limit=PAGE))
        while page is not None:
            for payment in parts(part(page, "_embedded"), "payments"):
                if since is not None and moment(payment, "createdAt") < since:
                    return
                yield payment
            page = _answer(page.get_next)

    def create_refund(self, payment_id: str, order: Object, *, key: str) -> Object:
        """Give money back, once per key within an hour, and return the refund."""
        refunds = self._payment(payment_id).refunds
        return _object(lambda: refunds.create(dict(order), idempotency_key=key))

    def fetch_refund(self, payment_id: str, refund_id: str) -> Object:
        """Return a refund of a payment."""
        refunds = self._payment(payment_id).refunds
        return _object(lambda: refunds.get(matching(REFUND_ID, refund_id)))

    def fetch_chargeback(self, payment_id: str, chargeback_id: str) -> Object:
        """Return a chargeback of a payment."""
        chargebacks = self._payment(payment_id).chargebacks
        return _object(lambda: chargebacks.get(matching(CHARGEBACK_ID, chargeback_id)))

    def create_customer(self, order: Object, *, key: str) -> Object:
        """Make a customer, once per key within an hour."""
        return _object(lambda: self._api.customers.create(dict(order), idempotency_key=key))

    def delete_customer(self, customer_id: str) -> None:
        """Delete a customer, and revoke all mandates."""
        _answer(lambda: self._api.customers.delete(matching(CUSTOMER_ID, customer_id)))

    def fetch_mandate(self, customer_id: str, mandate_id: str) -> Object:
        """Return a mandate of a customer."""
        mandates = self._customer(customer_id).mandates
        return _object(lambda: mandates.get(matching(MANDATE_ID, mandate_id)))

    def revoke_mandate(self, customer_id: str, mandate_id: str) -> None:
        """Revoke a mandate: nothing can be charged with it any more."""
        mandates = self._customer(customer_id).mandates
        _answer(lambda: mandates.delete(matching(MANDATE_ID, mandate_id)))

    def _payment(self, payment_id: str) -> Payment:
        return Payment({"id": matching(PAYMENT_ID, payment_id)}, self._api)  # type: ignore[no-untyped-call]

    def _customer(self, customer_id: str) -> Customer:
        return Customer({"id": matching(CUSTOMER_ID, customer_id)}, self._api)  # type: ignore[no-untyped-call]


def _object(call: Callable[[], Any]) -> Object:
    found: Object = _answer(call)
    return found


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ResponseError as error:
        status, text = error.status, str(error)
        if status in REFUSED:
            raise RefusedError(status, str(error.field or "")[:50], text) from error
        kind = RateLimitedError if status == RATE_LIMITED else MoocherError
        raise kind(f"Mollie answered {status}: {text[:200]}") from error
    except (MollieError, TypeError, ValueError, KeyError, AttributeError) as error:
        # All but the first: JSON that is no object, which the library takes for one.
        raise MoocherError(f"Mollie gave no answer: {str(error)[:200]}") from error
