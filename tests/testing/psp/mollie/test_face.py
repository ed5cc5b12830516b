"""The fake PSP's Mollie: what it takes, what it answers, and what it tells by webhook."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from mollie.api.objects import chargeback, customer, mandate, payment, refund

from payments_ui.testing.psp import SandboxPSP

ORDER: Mapping[str, Any] = {
    "amount": {"currency": "CHF", "value": "12.00"},
    "description": "Rendering",
    "redirectUrl": "http://localhost:9/back",
    "webhookUrl": "http://localhost:9/webhook?attempt=1",
    "metadata": {"attempt": "1"},
}


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="key", webhook_secret="secret", account="pfl_shop") as psp:
        yield psp


class Answer:
    def __init__(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.json: Any = json.loads(body) if body else None


def call(psp: SandboxPSP, method: str, path: str, data: Any = None, **headers: str) -> Answer:
    connection = HTTPConnection(urlsplit(psp.url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {psp.mollie.api_key}"} | headers
    connection.request(method, f"/v2/{path}", json.dumps(data) if data else None, headers)
    reply = connection.getresponse()
    answer = Answer(reply.status, reply.read().decode(), dict(reply.headers))
    connection.close()
    return answer


def create(psp: SandboxPSP, **changes: Any) -> Answer:
    order = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    return call(psp, "POST", "payments", order)


def pay(psp: SandboxPSP, **changes: Any) -> Any:
    opened = create(psp, **changes).json
    url = opened["_links"]["checkout"]["href"]
    (psp if "/pay/" in url else psp.mollie).decide(url, "approve")
    return call(psp, "GET", f"payments/{opened['id']}").json


def new_customer(psp: SandboxPSP) -> Any:
    return call(psp, "POST", "customers", {"name": "Ada", "email": "ada@example.com"}).json


def first_payment(psp: SandboxPSP, **changes: Any) -> Any:
    customer_id = new_customer(psp)["id"]
    return pay(psp, sequenceType="first", customerId=customer_id, **changes)


def names(module: Any, *more: str) -> set[str]:
    """Fields that the library's class reads of an answer, and more that Mollie documents."""
    return set(re.findall(r'_get_property\("(\w+)"\)', inspect.getsource(module))) | {*more}


#: Of the OpenAPI description, and not of the library: https://github.com/mollie/openapi
PAYMENT = names(payment, "_links", "_embedded", "resource")
REFUND = names(refund, "_links", "mode", "resource")
CHARGEBACK = names(chargeback, "_links", "resource")
CUSTOMER = names(customer, "_links", "resource")
MANDATE = names(mandate, "_links", "customerId", "mode", "scopes")


def test_its_answers_have_fields_that_mollies_library_knows(psp: SandboxPSP) -> None:
    paid = first_payment(psp)
    assert set(create(psp).json) <= PAYMENT
    assert set(paid) <= PAYMENT
    path = f"payments/{paid['id']}"
    amount = {"currency": "CHF", "value": "5.00"}
    assert set(call(psp, "POST", f"{path}/refunds", {"amount": amount}).json) <= REFUND
    psp.bank.open_dispute(next(psp.ledger.charges.all()).id, reason="fraudulent")
    everything = call(psp, "GET", f"{path}?embed=refunds,chargebacks").json
    assert set(everything) <= PAYMENT
    (found,) = everything["_embedded"]["chargebacks"]
    assert set(found) <= CHARGEBACK
    assert set(new_customer(psp)) <= CUSTOMER
    where = f"customers/{paid['customerId']}/mandates/{paid['mandateId']}"
    assert set(call(psp, "GET", where).json) <= MANDATE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": None}, "amount"),
        ({"amount": {"currency": "CHF", "value": "12"}}, "amount"),
        ({"amount": {"currency": "CHF", "value": 12.0}}, "amount"),
        ({"amount": {"currency": "chf", "value": "12.00"}}, "amount"),
        ({"amount": {"currency": "CHF", "value": "0.00"}}, "amount"),
        ({"amount": {"currency": "JPY", "value": "12.00"}}, "amount"),
        ({"amount": {"currency": "CHF", "value": "1.00", "more": 1}}, "amount"),
        ({"description": None}, "description"),
        ({"redirectUrl": None}, "redirectUrl"),
        ({"redirectUrl": "https://example.com/"}, "redirectUrl"),
        ({"webhookUrl": "https://example.com/"}, "webhookUrl"),
        ({"metadata": {"a": "b" * 2000}}, "metadata"),
        ({"sequenceType": "twice"}, "sequenceType"),
        ({"method": "twint"}, "method"),
        ({"locale": "german"}, "locale"),
        ({"sequenceType": "first"}, "customerId"),
        ({"sequenceType": "recurring", "customerId": "cst_1"}, "customerId"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
    ],
)
def test_it_refuses_a_parameter_and_names_it(
    psp: SandboxPSP, changes: dict[str, Any], field: str
) -> None:
    refused = create(psp, **changes)
    assert (refused.status, refused.json["field"]) == (422, field)
    assert not list(psp.ledger.charges.all())


def test_currencies_without_decimals_are_taken_without(psp: SandboxPSP) -> None:
    amount = {"currency": "JPY", "value": "1200"}
    assert create(psp, amount=amount).json["amount"] == amount


def test_only_the_key_opens_it(psp: SandboxPSP) -> None:
    assert psp.mollie.api_key.startswith("test_")
    refused = call(psp, "GET", "payments", Authorization="Bearer test_other")
    assert (refused.status, refused.json["status"]) == (401, 401)
    with SandboxPSP(api_key="key", webhook_secret="secret", live=True) as live:
        assert live.mollie.api_key == "live_key"
        assert create(live).json["mode"] == "live"


def test_a_key_repeats_an_answer_for_an_hour(psp: SandboxPSP) -> None:
    def ask() -> Answer:
        return call(psp, "POST", "payments", dict(ORDER), **{"Idempotency-Key": "k"})

    first, again = ask(), ask()
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    psp.advance(3601)
    assert ask().json["id"] != first.json["id"]


def test_keys_of_the_sandbox_last_a_day_all_the_same(psp: SandboxPSP) -> None:
    charge = {
        "amount": 1,
        "currency": "CHF",
        "reference": "r",
        "method": "page",
        "return_url": "http://localhost:9/",
    }
    headers = {"Authorization": "Bearer key", "Idempotency-Key": "k"}

    def ask() -> str:
        connection = HTTPConnection(urlsplit(psp.url).netloc, timeout=10)
        connection.request("POST", "/v1/charges", json.dumps(charge), headers)
        answer = connection.getresponse().read().decode()
        connection.close()
        return str(json.loads(answer)["id"])

    first = ask()
    psp.advance(3601)
    call(psp, "POST", "payments", dict(ORDER), **{"Idempotency-Key": "k"})
    assert ask() == first


def test_payments_are_listed_newest_first_in_pages(psp: SandboxPSP) -> None:
    ids = [create(psp).json["id"] for _time in range(3)]
    page = call(psp, "GET", "payments?limit=2").json
    assert [one["id"] for one in page["_embedded"]["payments"]] == ids[:0:-1]
    following = page["_links"]["next"]["href"].partition("/v2/")[2]
    rest = call(psp, "GET", following).json
    assert [one["id"] for one in rest["_embedded"]["payments"]] == ids[:1]
    assert rest["_links"]["next"] is None
    for query in ("limit=0", "limit=x", "limit=251", "from=tr_unknown"):
        assert call(psp, "GET", f"payments?{query}").status == 400


def test_what_does_not_exist_is_not_found(psp: SandboxPSP) -> None:
    paid = pay(psp)
    for path in (
        "payments/tr_1",
        f"payments/{paid['id']}/refunds/re_1",
        f"payments/{paid['id']}/chargebacks/chb_1",
        f"customers/{new_customer(psp)['id']}/mandates/mdt_1",
    ):
        assert call(psp, "GET", path).status == 404, path
    assert call(psp, "GET", "customers/cst_1/mandates/mdt_1").status == 410


def test_it_tells_what_is_final_by_the_payments_id_and_signs_nothing(psp: SandboxPSP) -> None:
    paid = pay(psp)
    (charge,) = psp.ledger.charges.all()
    (delivery,) = psp.outbox.deliveries(charge.id)
    assert delivery["body"] == urlencode({"id": paid["id"]})
    assert delivery["url"] == ORDER["webhookUrl"]
    assert psp.mollie.headers(delivery, 0) == {"Content-Type": "application/x-www-form-urlencoded"}


def test_it_tells_nothing_of_an_inquiry_nor_where_no_address_was_given(psp: SandboxPSP) -> None:
    paid = pay(psp, webhookUrl=None)
    (charge,) = psp.ledger.charges.all()
    psp.bank.open_dispute(charge.id, reason="general", inquiry=True)
    assert not psp.outbox.deliveries(charge.id)
    path = f"payments/{paid['id']}?embed=chargebacks"
    assert call(psp, "GET", path).json["_embedded"] == {"chargebacks": []}


def test_a_payment_that_nobody_pays_expires(psp: SandboxPSP) -> None:
    opened = create(psp).json
    psp.advance(3600)
    expired = call(psp, "GET", f"payments/{opened['id']}").json
    assert expired["status"] == "expired"
    assert "checkout" not in expired["_links"]
    assert "isCancelable" not in expired


def test_a_failure_has_its_reason(psp: SandboxPSP) -> None:
    psp.plan.add("insufficient_funds")
    failed = pay(psp)
    assert failed["status"] == "failed"
    assert failed["details"] == {"failureReason": "insufficient_funds"}


def test_few_payments_can_be_cancelled(psp: SandboxPSP) -> None:
    opened = create(psp).json
    assert opened["isCancelable"] is False
    assert call(psp, "DELETE", f"payments/{opened['id']}").status == 422
    transfer = create(psp, method=["banktransfer"]).json
    assert transfer["isCancelable"] is True
    assert call(psp, "DELETE", f"payments/{transfer['id']}").json["status"] == "canceled"


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"amount": {"currency": "EUR", "value": "1.00"}}, 422),
        ({"amount": {"currency": "CHF", "value": "12.01"}}, 422),
        ({"amount": {"currency": "CHF", "value": "1.00"}, "description": "a" * 300}, 422),
        ({"amount": {"currency": "CHF", "value": "1.00"}, "payment": "x"}, 422),
        ({"amount": {"currency": "CHF", "value": "12.00"}}, 201),
    ],
)
def test_refunds_are_checked(psp: SandboxPSP, order: dict[str, Any], status: int) -> None:
    paid = pay(psp)
    assert call(psp, "POST", f"payments/{paid['id']}/refunds", order).status == status


def test_the_same_refund_twice_in_a_minute_is_taken_for_a_mistake(psp: SandboxPSP) -> None:
    path = f"payments/{pay(psp)['id']}/refunds"
    order = {"amount": {"currency": "CHF", "value": "1.00"}, "description": "Returned"}
    assert [call(psp, "POST", path, order).status for _time in range(2)] == [201, 409]
    psp.advance(61)
    assert call(psp, "POST", path, order).status == 201


def test_a_payment_of_nothing_has_nothing_to_give_back(psp: SandboxPSP) -> None:
    paid = first_payment(psp, amount={"currency": "EUR", "value": "0.00"})
    assert (paid["status"], paid["mode"], paid["profileId"]) == ("paid", "test", "pfl_shop")
    order = {"amount": {"currency": "EUR", "value": "1.00"}}
    assert call(psp, "POST", f"payments/{paid['id']}/refunds", order).status == 404
    assert call(psp, "DELETE", f"payments/{paid['id']}").status == 422


@pytest.mark.parametrize("data", [{"name": "a" * 300}, {"email": "a\n"}, {"phone": "1"}])
def test_customers_are_checked(psp: SandboxPSP, data: dict[str, str]) -> None:
    assert call(psp, "POST", "customers", data).status == 422


def test_a_mandate_is_charged_by_its_customer_only(psp: SandboxPSP) -> None:
    paid = first_payment(psp)
    recurring = {
        "redirectUrl": None,
        "sequenceType": "recurring",
        "customerId": paid["customerId"],
        "mandateId": paid["mandateId"],
    }
    charged = create(psp, **recurring)
    assert charged.json["status"] == "paid"
    assert "checkout" not in charged.json["_links"]
    stranger = create(psp, **recurring | {"customerId": new_customer(psp)["id"]})
    assert (stranger.status, stranger.json["field"]) == (422, "mandateId")
    call(psp, "DELETE", f"customers/{paid['customerId']}")
    gone = create(psp, **recurring)
    assert (gone.status, gone.json["field"]) == (422, "customerId")


def visit(psp: SandboxPSP, url: str, form: str | None = None) -> tuple[int, str, str]:
    """What a browser gets: the status, where it is led, and the page."""
    connection = HTTPConnection(urlsplit(psp.url).netloc, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("GET" if form is None else "POST", urlsplit(url).path, form, headers)
    reply = connection.getresponse()
    found = (reply.status, reply.headers.get("Location") or "", reply.read().decode())
    connection.close()
    return found


def test_a_card_is_saved_on_a_page(psp: SandboxPSP) -> None:
    order = {
        "amount": {"currency": "EUR", "value": "0.00"},
        "sequenceType": "first",
        "customerId": new_customer(psp)["id"],
    }
    opened = create(psp, **order).json
    page = opened["_links"]["checkout"]["href"]
    status, _led, html = visit(psp, page)
    assert status == 200
    assert f'action="{urlsplit(page).path}"' in html
    assert visit(psp, page, "decision=dance")[0] == 400
    assert visit(psp, page, "decision=approve")[:2] == (303, ORDER["redirectUrl"])
    assert ORDER["redirectUrl"] in visit(psp, page)[2]
    assert call(psp, "GET", f"payments/{opened['id']}").json["mandateId"]
    assert visit(psp, f"{psp.url}/mollie/tr_1")[0] == 404
