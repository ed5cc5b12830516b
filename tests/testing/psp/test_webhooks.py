from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from payments_ui.testing.psp import SandboxPSP, sign
from payments_ui.testing.psp.webhooks import BACKOFF
from tests.testing.psp.conftest import SECRET, Client, Merchant


def sent(psp: SandboxPSP) -> list[dict[str, Any]]:
    return psp.outbox.deliveries(psp.ledger.charges.newest()[0].id)


def test_the_signature_is_an_hmac_of_time_and_body() -> None:
    expected = hmac.new(b"secret", b'1700000000.{"a": 1}', hashlib.sha256).hexdigest()
    assert sign("secret", b'{"a": 1}', 1700000000) == f"t=1700000000,v1={expected}"


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        sign("", b"", 0)


def test_the_merchant_gets_an_event(psp: SandboxPSP, client: Client, merchant: Merchant) -> None:
    charge = client.charge(webhook_url=merchant.url).json
    assert psp.deliver_webhooks()
    [(signature, body)] = merchant.received
    event = json.loads(body)
    assert event == {
        "object": "event",
        "id": event["id"],
        "type": "charge.succeeded",
        "created_at": event["created_at"],
        "account": "acct_sandbox",
        "live": False,
        "data": charge,
    }
    timestamp = int(signature.split(",")[0].removeprefix("t="))
    assert signature == sign(SECRET, body, timestamp)
    assert sent(psp)[0]["state"] == "arrived"


def test_signatures_carry_wall_time_wherever_the_psps_clock_is(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    psp.advance(86400)
    client.charge(webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    timestamp = int(merchant.received[0][0].split(",")[0].removeprefix("t="))
    assert abs(time.time() - timestamp) < 60


@pytest.mark.parametrize("answer", [500, 404, 303])
def test_a_webhook_is_sent_until_it_arrives(
    psp: SandboxPSP, client: Client, merchant: Merchant, answer: int
) -> None:
    merchant.answers = [answer, answer]
    client.charge(webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    assert sent(psp)[0]["answer"] == str(answer)
    for pause in BACKOFF[:2]:
        psp.advance(pause)
        assert psp.deliver_webhooks()
    assert len({body for _, body in merchant.received}) == 1
    assert [sent(psp)[0][name] for name in ("tries", "state", "answer")] == [3, "arrived", "200"]
    psp.advance(10 * 86400)
    assert psp.deliver_webhooks()
    assert len(merchant.received) == 3


def test_a_webhook_that_never_arrives_is_given_up(psp: SandboxPSP, client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client.charge(webhook_url=f"http://127.0.0.1:{unused.getsockname()[1]}/")
        for pause in (*BACKOFF, 0):
            assert psp.deliver_webhooks()
            psp.advance(pause)
    assert sent(psp)[0]["state"] == "given_up"
    assert sent(psp)[0]["tries"] == len(BACKOFF) + 1
    assert sent(psp)[0]["answer"] == "URLError"


def test_a_name_below_localhost_needs_no_name_server(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    client.charge(webhook_url=merchant.url.replace("127.0.0.1", "t1.localhost"))
    assert psp.deliver_webhooks()
    assert merchant.events == ["charge.succeeded"]


def test_a_charge_without_a_webhook_url_sends_nothing(psp: SandboxPSP, client: Client) -> None:
    client.charge()
    assert sent(psp) == []


def test_a_duplicate_webhook_has_the_same_event(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    client.charge("card_duplicate_webhook", webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    first, second = merchant.received
    assert first[1] == second[1]


def test_a_late_webhook_waits(psp: SandboxPSP, client: Client, merchant: Merchant) -> None:
    client.charge("card_late_webhook", webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    assert merchant.received == []
    psp.advance(10)
    assert psp.deliver_webhooks()
    assert merchant.events == ["charge.succeeded"]


def test_a_card_without_webhooks_sends_nothing(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    client.charge("card_no_webhook", webhook_url=merchant.url)
    psp.advance(10 * 86400)
    assert psp.deliver_webhooks()
    assert merchant.received == []


def test_webhooks_come_in_the_wrong_order(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    client.charge("card_reordered_webhooks", webhook_url=merchant.url)
    psp.bank.decide(psp.ledger.charges.newest()[0].page_token, "approve")
    assert psp.deliver_webhooks()
    psp.advance(10)
    assert psp.deliver_webhooks()
    assert merchant.events == ["charge.succeeded", "charge.requires_action"]


def test_no_webhook_leaves_this_machine(psp: SandboxPSP, client: Client) -> None:
    # As if somebody had changed the file of the ledger by hand.
    client.charge("card_late_webhook", webhook_url="http://127.0.0.1:9/")
    psp.bank.ledger.store.change("UPDATE deliveries SET url = 'http://192.0.2.1/'")
    psp.advance(10)
    assert psp.deliver_webhooks()
    assert sent(psp)[0]["answer"] == "ValueError"


def test_waiting_for_webhooks_ends(psp: SandboxPSP, client: Client) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client.charge(webhook_url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert not psp.deliver_webhooks(timeout=0.2)


def test_webhooks_survive_a_restart(tmp_path: Path, merchant: Merchant) -> None:
    options = {"api_key": "the-key", "webhook_secret": SECRET, "ledger": str(tmp_path / "ledger")}
    with SandboxPSP(**options) as psp:  # type: ignore[arg-type]
        Client(psp.url).charge("card_late_webhook", webhook_url=merchant.url)
        [delivery] = sent(psp)
        psp.outbox._store.change("UPDATE deliveries SET state = 'sending'")
    assert delivery["state"] == "waiting"
    with SandboxPSP(**options) as psp:  # type: ignore[arg-type]
        psp.advance(10)
        assert psp.deliver_webhooks()
    assert merchant.events == ["charge.succeeded"]


@pytest.mark.parametrize(
    ("seed", "amounts"), [(None, [4, 3, 2, 1, 5]), (3, [3, 1, 2, 4, 5])], ids=["last", "shuffled"]
)
def test_events_are_held_back_and_sent_in_another_order(
    psp: SandboxPSP, client: Client, merchant: Merchant, seed: int | None, amounts: list[int]
) -> None:
    psp.plan.reorder(4, seed=seed)
    for amount in (1, 2, 3):
        client.charge(amount=amount, webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    assert merchant.received == []
    client.charge(amount=4, webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    client.charge(amount=5, webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    assert [json.loads(body)["data"]["amount"] for _, body in merchant.received] == amounts


def test_what_is_held_back_is_sent_when_the_plan_is_cleared(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    psp.plan.reorder(4)
    for amount in (1, 2):
        client.charge("card_duplicate_webhook", amount=amount, webhook_url=merchant.url)
    psp.plan.clear()
    assert psp.deliver_webhooks()
    assert [json.loads(body)["data"]["amount"] for _, body in merchant.received] == [2, 2, 1, 1]


def test_an_event_that_does_not_arrive_does_not_hold_up_the_others(
    psp: SandboxPSP, client: Client, merchant: Merchant
) -> None:
    psp.plan.reorder(2)
    merchant.answers = [500]
    for amount in (1, 2):
        client.charge(amount=amount, webhook_url=merchant.url)
    assert psp.deliver_webhooks()
    psp.advance(BACKOFF[0])
    assert psp.deliver_webhooks()
    assert [json.loads(body)["data"]["amount"] for _, body in merchant.received] == [2, 1, 2]
