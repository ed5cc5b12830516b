from __future__ import annotations

import threading
import time
from http.client import HTTPException
from typing import Any

import pytest

from payments_ui.testing.psp import SCENARIOS, Conduct, SandboxPSP, Scenario, Total
from payments_ui.testing.psp.calls import KEY_LIFE
from tests.testing.psp.conftest import Client

NO_ANSWER = (OSError, HTTPException)


def taken(psp: SandboxPSP) -> int:
    return psp.ledger.totals().get("CHF", Total()).taken


# Charging


def test_an_approved_card_is_charged(psp: SandboxPSP, client: Client) -> None:
    reply = client.charge(metadata={"attempt": "a"}, description="Rendering")
    charge = reply.json
    assert reply.status == 201
    assert charge == {
        "object": "charge",
        "id": charge["id"],
        "account": "acct_sandbox",
        "live": False,
        "reference": "key-1",
        "amount": 1200,
        "currency": "CHF",
        "method": "card",
        "card": "card_approve",
        "status": "succeeded",
        "decline_code": "",
        "description": "Rendering",
        "metadata": {"attempt": "a"},
        "refunded": 0,
        "action_url": None,
        "expires_at": None,
        "created_at": charge["created_at"],
    }
    assert taken(psp) == 1200


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("card_declined", "card_declined"),
        ("card_insufficient_funds", "insufficient_funds"),
        ("card_expired", "expired_card"),
        ("card_incorrect", "incorrect_cvc"),
        ("card_limit", "limit_exceeded"),
        ("card_lost", "lost_card"),
        ("card_stolen", "stolen_card"),
        ("card_fraud", "fraudulent"),
    ],
)
def test_a_declined_card_says_why(psp: SandboxPSP, client: Client, card: str, code: str) -> None:
    charge = client.charge(card).json
    assert (charge["status"], charge["decline_code"]) == ("declined", code)
    assert taken(psp) == 0


@pytest.mark.parametrize(
    ("card", "status"), [("card_processing", "succeeded"), ("card_processing_declined", "declined")]
)
def test_a_slow_charge_ends_later(psp: SandboxPSP, client: Client, card: str, status: str) -> None:
    charge = client.charge(card).json
    assert charge["status"] == "processing"
    psp.advance(10)
    assert client.call("GET", f"/v1/charges/{charge['id']}").json["status"] == status


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 12.0},
        {"amount": "12"},
        {"amount": True},
        {"amount": 10**12 + 1},
        {"currency": "chf"},
        {"currency": "CHFS"},
        {"currency": None},
        {"reference": ""},
        {"reference": "with space"},
        {"reference": "x" * 256},
        {"method": "cash"},
        {"method": ["card"]},
        {"card": "4242424242424242"},
        {"card": None},
        {"card": {}},
        {"method": "page", "card": "card_approve"},
        {"return_url": "https://example.com/"},
        {"return_url": None},
        {"webhook_url": "http://10.0.0.1/"},
        {"description": "x" * 501},
        {"description": "a\nb"},
        {"description": "\ud800"},
        {"description": None},
        {"metadata": None},
        {"metadata": {"a": 1}},
        {"metadata": {"a" * 51: "b"}},
        {"metadata": {str(number): "" for number in range(21)}},
        {"capture": False},
    ],
)
def test_an_invalid_order_is_refused_and_not_remembered(
    psp: SandboxPSP, client: Client, changes: dict[str, Any]
) -> None:
    order = {"key": "key", **changes}
    reply = client.charge(**order)
    assert (reply.status, reply.code) == (400, "invalid_parameter")
    assert psp.ledger.charges.newest() == []
    assert client.charge(key="key").status == 201


def test_a_missing_parameter_is_named(client: Client) -> None:
    reply = client.call("POST", "/v1/charges", {"amount": 1}, Idempotency_Key="k")
    assert reply.json["error"]["message"].endswith("currency.")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 60_000])
def test_a_body_that_is_no_object_is_refused(client: Client, body: bytes) -> None:
    reply = client.send("POST", "/v1/charges", body, Authorization="Bearer the-key")
    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_a_charge_needs_an_idempotency_key(psp: SandboxPSP, client: Client, key: str) -> None:
    order = {"amount": 1, "currency": "CHF", "reference": "r", "method": "page"}
    order |= {"return_url": "http://127.0.0.1/"}
    reply = client.call("POST", "/v1/charges", order, Idempotency_Key=key)
    assert (reply.status, reply.code) == (400, "invalid_key")
    assert psp.ledger.charges.newest() == []


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer the-key ", "Basic the-key", "ü"])
def test_the_api_is_closed_without_the_key(client: Client, header: str) -> None:
    reply = client.send("GET", "/v1/charges", Authorization=header)
    assert (reply.status, reply.code) == (401, "unauthorized")


# Idempotency


def test_the_same_request_twice_charges_once(psp: SandboxPSP, client: Client) -> None:
    first, second = client.charge(key="k"), client.charge(key="k")
    assert (second.status, second.text) == (201, first.text)
    assert taken(psp) == 1200


def test_a_declined_answer_is_repeated_too(client: Client) -> None:
    assert client.charge("card_declined", "k").text == client.charge("card_declined", "k").text


def test_a_key_with_other_parameters_is_refused(psp: SandboxPSP, client: Client) -> None:
    client.charge(key="k")
    reply = client.charge(key="k", amount=1300)
    assert (reply.status, reply.code) == (409, "key_reused")
    assert taken(psp) == 1200


def test_after_a_day_a_key_is_forgotten_and_charges_again(psp: SandboxPSP, client: Client) -> None:
    client.charge(key="k")
    psp.advance(KEY_LIFE)
    client.charge(key="k")
    assert taken(psp) == 2400


def test_one_key_at_once_from_many_threads_charges_once(psp: SandboxPSP, client: Client) -> None:
    statuses: list[int] = []
    barrier = threading.Barrier(8)

    def charge() -> None:
        barrier.wait()
        statuses.append(client.charge(key="k").status)

    threads = [threading.Thread(target=charge) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert taken(psp) == 1200


def test_a_repeated_request_does_not_use_up_the_plan(psp: SandboxPSP, client: Client) -> None:
    client.charge(key="k")
    psp.plan.add("declined")
    assert client.charge(key="k").json["status"] == "succeeded"
    assert client.charge().json["status"] == "declined"


# Faults


def test_a_lost_reply_has_charged(psp: SandboxPSP, client: Client) -> None:
    with pytest.raises(NO_ANSWER):
        client.charge("card_lost_reply", "k")
    assert taken(psp) == 1200
    assert client.charge("card_lost_reply", "k").json["status"] == "succeeded"
    assert taken(psp) == 1200


def test_a_lost_request_has_not_charged(psp: SandboxPSP, client: Client) -> None:
    psp.plan.add("lost_request")
    with pytest.raises(NO_ANSWER):
        client.charge(key="k")
    assert taken(psp) == 0
    assert client.charge(key="k").status == 201


@pytest.mark.parametrize(("card", "amount"), [("card_error_before", 0), ("card_error_after", 1200)])
def test_a_500_is_stored_whether_it_charged_or_not(
    psp: SandboxPSP, client: Client, card: str, amount: int
) -> None:
    for _ in range(2):
        reply = client.charge(card, "k")
        assert (reply.status, reply.code) == (500, "internal")
    assert taken(psp) == amount


def test_a_garbled_reply_has_charged(psp: SandboxPSP, client: Client) -> None:
    reply = client.charge("card_garbled")
    assert reply.status == 200
    with pytest.raises(ValueError, match=r".+"):
        _ = reply.json
    assert taken(psp) == 1200


def test_a_rate_limited_call_was_not_executed_and_may_be_repeated(
    psp: SandboxPSP, client: Client
) -> None:
    psp.plan.add("rate_limited")
    reply = client.charge(key="k")
    assert (reply.status, reply.code) == (429, "rate_limited")
    assert taken(psp) == 0
    assert client.charge(key="k").status == 201


def test_a_card_can_always_be_rate_limited(client: Client) -> None:
    assert client.charge("card_rate_limited", "k").status == 429
    assert client.charge("card_rate_limited", "k").status == 429


def test_a_hanging_call_is_executed_after_its_client_left(
    psp: SandboxPSP, client: Client, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    slow = Scenario("slow", "", "", Conduct(delay=1.5))
    monkeypatch.setitem(SCENARIOS, "slow", slow)
    psp.plan.add("slow")
    order = b'{"amount":1200,"currency":"CHF","reference":"k","method":"card","card":"card_approve"'
    order += b',"return_url":"http://127.0.0.1/"}'
    headers: dict[str, Any] = {"Authorization": "Bearer the-key", "Idempotency_Key": "k"}
    with pytest.raises(TimeoutError):
        client.send("POST", "/v1/charges", order, 0.1, **headers)
    busy = client.send("POST", "/v1/charges", order, **headers)
    assert (busy.status, busy.code) == (409, "key_busy")
    assert taken(psp) == 0
    eventually(lambda: taken(psp) == 1200)


def test_stopping_ends_a_hanging_call_without_charging(eventually: Any) -> None:
    psp = SandboxPSP(api_key="the-key", webhook_secret="s")
    psp.start()
    client = Client(psp.url)
    broken: list[bool] = []

    def charge() -> None:
        with pytest.raises(NO_ANSWER):
            client.charge("card_hang")
        broken.append(True)

    thread = threading.Thread(target=charge)
    thread.start()
    eventually(lambda: bool(psp.bank.ledger.store.rows("SELECT 1 FROM answers")))
    began = time.monotonic()
    psp.stop()
    thread.join()
    assert broken == [True]
    # It would hang for a minute.
    assert time.monotonic() - began < 50


@pytest.mark.parametrize("scenario", ["error_before", "lost_reply", "rate_limited", "garbled"])
def test_faults_hit_fetches_and_cancellations_too(
    psp: SandboxPSP, client: Client, scenario: str
) -> None:
    charge = client.charge("card_3ds").json
    path = f"/v1/charges/{charge['id']}"
    for operation, call in {"fetch": ("GET", path), "cancel": ("POST", f"{path}/cancel")}.items():
        psp.plan.add(scenario, on=operation)
        try:
            assert "status" not in client.call(*call).text
        except NO_ANSWER:
            assert scenario == "lost_reply"
        assert psp.plan.steps() == []
    assert client.call("GET", path).json["status"] in {"requires_action", "cancelled"}


@pytest.mark.parametrize(
    ("what", "field", "value"),
    [
        ("amount", "amount", 1201),
        ("currency", "currency", "XTS"),
        ("account", "account", "acct_sandbox_other"),
        ("mode", "live", True),
    ],
)
def test_a_wrong_charge_says_what_it_took(
    psp: SandboxPSP, client: Client, what: str, field: str, value: object
) -> None:
    psp.plan.add(f"wrong_{what}")
    assert client.charge().json[field] == value


# Fetching and cancelling


def test_a_charge_is_found_by_id_and_by_reference(client: Client) -> None:
    charge = client.charge(key="k").json
    client.charge()
    assert client.call("GET", f"/v1/charges/{charge['id']}").json == charge
    assert client.call("GET", "/v1/charges?reference=k").json["data"] == [charge]
    assert client.call("GET", "/v1/charges?reference=").json["data"] != [charge]


def test_an_unknown_charge_is_not_found(client: Client) -> None:
    for call in (("GET", ""), ("POST", "/cancel")):
        reply = client.call(call[0], f"/v1/charges/ch_{'0' * 32}{call[1]}")
        assert (reply.status, reply.code) == (404, "no_such_charge")
    assert client.call("GET", "/v1/charges?reference=none").json["data"] == []


@pytest.mark.parametrize(("offset", "expected"), [("0", 3), ("2", 1), ("9", 0), ("x", 3)])
def test_the_whole_ledger_is_listed_in_pages(client: Client, offset: str, expected: int) -> None:
    for _ in range(3):
        client.charge()
    charges = client.call("GET", f"/v1/charges?offset={offset}").json["data"]
    assert len(charges) == expected
    assert client.call("GET", "/v1/charges?offset=99999999999999999999").json["data"] == []


def test_the_ledger_is_read_from_the_oldest(psp: SandboxPSP, client: Client) -> None:
    ids = [client.charge().json["id"] for _ in range(5)]

    def page(query: str) -> list[str]:
        return [charge["id"] for charge in client.call("GET", f"/v1/charges?{query}").json["data"]]

    assert page("limit=2") == ids[:2]
    client.charge()
    assert page(f"limit=2&after={ids[1]}") == ids[2:4]
    assert page(f"after={ids[3]}")[0] == ids[4]
    last = psp.ledger.charges.newest()[0].id
    assert page(f"after={last}") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "after=ch_0"])
def test_an_invalid_page_is_refused(client: Client, query: str) -> None:
    reply = client.call("GET", f"/v1/charges?{query}")
    assert (reply.status, reply.code) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("card_3ds", "cancelled"),
        ("card_processing", "processing"),
        ("card_approve", "succeeded"),
        ("card_declined", "declined"),
    ],
)
def test_only_what_waits_for_the_customer_can_be_cancelled(
    client: Client, card: str, status: str
) -> None:
    path = f"/v1/charges/{client.charge(card).json['id']}"
    assert client.call("POST", f"{path}/cancel").json["status"] == status
    assert client.call("GET", path).json["status"] == status


def test_a_closed_reference_is_never_charged(psp: SandboxPSP, client: Client) -> None:
    answer = client.call("POST", "/v1/cancellations", {"reference": "k"}).json
    assert answer == {"object": "cancellation", "reference": "k", "charge": None}
    reply = client.charge(key="k")
    assert (reply.status, reply.code) == (409, "reference_closed")
    psp.advance(KEY_LIFE)
    assert client.charge(key="k").code == "reference_closed"
    assert taken(psp) == 0


def test_closing_a_reference_cancels_what_waits_and_returns_what_was_taken(client: Client) -> None:
    client.charge("card_3ds", "a")
    client.charge("card_approve", "b")
    close = {name: {"reference": name} for name in "ab"}
    charge = client.call("POST", "/v1/cancellations", close["a"]).json["charge"]
    assert charge["status"] == "cancelled"
    charge = client.call("POST", "/v1/cancellations", close["b"]).json["charge"]
    assert charge["status"] == "succeeded"


@pytest.mark.parametrize("reference", [None, "", 1, "a b"])
def test_only_a_reference_can_be_closed(client: Client, reference: object) -> None:
    reply = client.call("POST", "/v1/cancellations", {"reference": reference})
    assert (reply.status, reply.code) == (400, "invalid_parameter")
