from __future__ import annotations

from collections.abc import Iterator

import pytest

from payments_ui.testing.psp import Charge, Conduct, Ledger, Order, Status
from payments_ui.testing.psp.api.events import SandboxEvents
from payments_ui.testing.psp.bank import ACTION_LIFE, Bank, RefusedError
from payments_ui.testing.psp.ledger.store import Store
from payments_ui.testing.psp.objects import charge_object
from payments_ui.testing.psp.scenarios import AS_USUAL, SCENARIOS
from payments_ui.testing.psp.webhooks import Outbox


@pytest.fixture
def bank() -> Iterator[Bank]:
    store = Store()
    ledger = Ledger(store)
    outbox = Outbox(store, ledger.clock)
    bank = Bank(ledger, outbox, "http://127.0.0.1:1")
    bank.faces["sandbox"] = SandboxEvents(outbox, bank.url, "the-secret")
    yield bank
    store.close()


def create(bank: Bank, conduct: Conduct = AS_USUAL, method: str = "page") -> Charge:
    order = Order(
        amount=100,
        currency="CHF",
        reference="r",
        method=method,
        return_url="http://127.0.0.1/",
        webhook_url="http://127.0.0.1/hook",
    )
    return bank.charge(order, conduct)


def events(bank: Bank, charge: Charge) -> list[str]:
    return [row["type"] for row in bank.outbox.deliveries(charge.id)]


@pytest.mark.parametrize(
    ("method", "decision", "status", "code"),
    [
        ("page", "approve", Status.SUCCEEDED, ""),
        ("page", "refuse", Status.DECLINED, "card_declined"),
        ("page", "cancel", Status.CANCELLED, ""),
        ("card", "approve", Status.SUCCEEDED, ""),
        ("card", "refuse", Status.DECLINED, "authentication_failed"),
        ("card", "cancel", Status.CANCELLED, ""),
    ],
)
def test_the_customer_decides(
    bank: Bank, method: str, decision: str, status: Status, code: str
) -> None:
    charge = create(bank, SCENARIOS["3ds"].conduct, method)
    assert charge.status == Status.REQUIRES_ACTION
    decided = bank.decide(charge.page_token, decision)
    assert decided
    assert (decided.status, decided.decline_code) == (status, code)
    assert events(bank, charge) == ["charge.requires_action", f"charge.{status}"]


@pytest.mark.parametrize("decision", ["approve", "refuse", "cancel"])
def test_the_first_decision_counts(bank: Bank, decision: str) -> None:
    charge = create(bank)
    bank.decide(charge.page_token, "approve")
    again = bank.decide(charge.page_token, decision)
    assert again
    assert again.status == Status.SUCCEEDED
    assert len(events(bank, charge)) == 2


def test_what_was_planned_happens_after_the_approval(bank: Bank) -> None:
    declined = create(bank, SCENARIOS["expired"].conduct)
    slow = create(bank, SCENARIOS["processing"].conduct)
    for charge in (declined, slow):
        bank.decide(charge.page_token, "approve")
    after = [bank.ledger.charges.get(charge.id) for charge in (declined, slow)]
    assert [charge and charge.status for charge in after] == [Status.DECLINED, Status.PROCESSING]


def test_an_unknown_page_or_charge_is_none(bank: Bank) -> None:
    assert bank.decide("nonsense", "approve") is None
    assert bank.cancel("ch_0") is None


def test_an_abandoned_page_expires_and_takes_nothing(bank: Bank) -> None:
    charge = create(bank)
    bank.ledger.advance(ACTION_LIFE - 10)
    bank.finish_due()
    assert bank.ledger.charges.newest()[0].status == Status.REQUIRES_ACTION
    bank.ledger.advance(10)
    bank.finish_due()
    bank.decide(charge.page_token, "approve")
    late = bank.ledger.charges.newest()[0]
    assert (late.status, late.decline_code) == (Status.DECLINED, "abandoned")
    assert bank.ledger.totals() == {}


def test_a_processing_charge_ends_once(bank: Bank) -> None:
    charge = create(bank, SCENARIOS["processing"].conduct, "card")
    bank.ledger.advance(10)
    bank.finish_due()
    bank.finish_due()
    assert events(bank, charge) == ["charge.processing", "charge.succeeded"]


def test_a_charge_and_its_event_are_written_together(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bank.outbox, "post", fail)
    with pytest.raises(ZeroDivisionError):
        create(bank)
    assert bank.ledger.charges.newest() == []


def test_a_closed_reference_takes_no_order(bank: Bank) -> None:
    assert bank.close_reference("r") is None
    with pytest.raises(RefusedError) as refused:
        create(bank)
    assert refused.value.code == "reference_closed"


def test_closing_cancels_everything_that_waits(bank: Bank) -> None:
    create(bank)
    create(bank)
    newest = bank.close_reference("r")
    assert newest == bank.ledger.charges.by_reference("r")[-1]
    assert {charge.status for charge in bank.ledger.charges.newest()} == {Status.CANCELLED}


def test_the_page_is_named_only_while_the_charge_waits(bank: Bank) -> None:
    charge = create(bank)
    shown = charge_object(charge, bank.url)
    assert shown["action_url"] == f"http://127.0.0.1:1/pay/{charge.page_token}"
    assert shown["expires_at"] == int(charge.created_at) + ACTION_LIFE
    decided = bank.decide(charge.page_token, "approve")
    assert decided
    shown = charge_object(decided, bank.url)
    assert shown["action_url"] is None
    assert charge.page_token not in str(shown)
