"""Mollie's library, and what is made of its answers and errors."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import requests

from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.moochers.mollie import client as client_module
from payments_ui.moochers.mollie.client import Client, RefusedError
from payments_ui.testing.psp import SandboxPSP


@pytest.fixture
def client(psp: SandboxPSP) -> Client:
    return Client(psp.mollie.api_key, (1, 2), psp.url)


@pytest.mark.parametrize(
    "endpoint",
    ["https://api.mollie.com.example.com", "http://example.com", "http://127.0.0.1:1/v2"],
)
def test_the_key_is_sent_to_mollie_only(endpoint: str) -> None:
    with pytest.raises(ValueError, match="Mollie is at"):
        Client("test_key", (1, 2), endpoint)


def test_mollie_itself_is_where_nothing_else_is_configured() -> None:
    client = Client("test_key", (5, 30), client_module.ENDPOINT)
    assert not client.is_local
    assert client.origin == "https://"
    assert client._api.timeout == (5, 30)
    assert client._api.retry == 0, "the library repeats GETs as late as a header says"


def test_each_thread_has_a_session_of_its_own(client: Client) -> None:
    found: list[Any] = [client._api, client._api]
    thread = threading.Thread(target=lambda: found.append(client._api))
    thread.start()
    thread.join()
    assert found[0] is found[1] is not found[2]


def test_a_refusal_names_the_parameter(client: Client) -> None:
    with pytest.raises(RefusedError) as refused:
        client.create_payment({"amount": {"currency": "CHF", "value": "12"}}, key="k")
    assert (refused.value.status, refused.value.field) == (422, "description")
    assert isinstance(refused.value, RequestRefusedError)


def test_a_wrong_key_is_a_refusal(psp: SandboxPSP) -> None:
    with pytest.raises(RefusedError, match="401"):
        Client("test_other", (1, 2), psp.url).fetch_payment("tr_1")


def test_too_many_calls_are_told_apart(psp: SandboxPSP, client: Client) -> None:
    psp.plan.add("rate_limited", on="fetch")
    with pytest.raises(RateLimitedError):
        client.fetch_payment("tr_1")


@pytest.mark.parametrize(
    "fault", ["error_before", "error_after", "lost_request", "lost_reply", "garbled"]
)
def test_what_is_no_definite_answer_is_no_refusal(
    psp: SandboxPSP, client: Client, fault: str
) -> None:
    psp.plan.add(fault, on="fetch")
    with pytest.raises(MoocherError) as error:
        list(client.payments())
    assert not isinstance(error.value, RequestRefusedError)


def test_an_outage_is_no_refusal(psp: SandboxPSP, client: Client) -> None:
    psp.plan.outage(60)
    with pytest.raises(MoocherError, match="503") as error:
        client.fetch_payment("tr_1")
    assert not isinstance(error.value, RequestRefusedError)


@pytest.mark.parametrize("body", ["null", "[]", "12", '"tr_1"', '{"_embedded": {"payments": [1]}}'])
def test_json_that_is_no_answer_is_no_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    def answer(*args: object, **kwargs: object) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response._content = body.encode()
        return response

    monkeypatch.setattr(requests.Session, "request", answer)
    with pytest.raises(MoocherError):
        list(client.payments())


@pytest.mark.parametrize("name", ["", "tr_", "tr_1/refunds", "tr_1?embed=refunds", "re_1", None])
def test_what_becomes_part_of_an_address_is_checked(client: Client, name: Any) -> None:
    with pytest.raises(MoocherError, match="No id"):
        client.fetch_payment(name)


def test_lists_are_read_page_by_page(
    psp: SandboxPSP, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGE", 2)
    for number in range(5):
        order = {
            "amount": {"currency": "CHF", "value": "1.00"},
            "description": f"{number}",
            "redirectUrl": "http://localhost:9/",
        }
        client.create_payment(order, key=f"{number}")
    assert [each["description"] for each in client.payments()] == ["4", "3", "2", "1", "0"]
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert not list(client.payments(since=tomorrow))


def test_a_list_of_nothing_is_empty(client: Client) -> None:
    assert list(client.payments()) == []


def test_the_api_key_is_not_shown(moocher: MollieMoocher, psp: SandboxPSP) -> None:
    assert psp.mollie.api_key not in repr(moocher) + repr(moocher._client)
