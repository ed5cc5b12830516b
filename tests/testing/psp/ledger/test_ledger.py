from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments_ui.testing.psp import Charge, Ledger, Order, Status, Total
from payments_ui.testing.psp.ledger.refunds import RefundOrder, RefundStatus
from payments_ui.testing.psp.ledger.store import Store
from payments_ui.testing.psp.scenarios import AS_USUAL, Conduct


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    store = Store()
    yield Ledger(store)
    store.close()


def order(amount: int = 100, currency: str = "CHF", reference: str = "r") -> Order:
    return Order(
        amount=amount,
        currency=currency,
        reference=reference,
        method="card",
        return_url="http://127.0.0.1/",
        metadata={"attempt": "a"},
    )


def add(ledger: Ledger, status: Status = Status.SUCCEEDED, **fields: object) -> Charge:
    return ledger.charges.add(order(**fields), AS_USUAL, status)  # type: ignore[arg-type]


def test_a_charge_is_read_as_it_was_written(ledger: Ledger) -> None:
    conduct = Conduct(copies=2, decline="expired_card")
    charge = ledger.charges.add(order(), conduct, Status.PROCESSING, due_at=5.0)
    assert ledger.charges.get(charge.id) == charge
    assert ledger.charges.by_token(charge.page_token) == charge
    assert charge.conduct == conduct
    assert charge.metadata == {"attempt": "a"}


def test_an_unknown_charge_is_none(ledger: Ledger) -> None:
    assert ledger.charges.get("ch_0") is None
    assert ledger.charges.by_token("") is None
    assert ledger.charges.by_reference("r") == []


def test_totals_count_what_was_taken_by_currency(ledger: Ledger) -> None:
    for amount in (100, 250):
        add(ledger, amount=amount)
    add(ledger, amount=7, currency="JPY")
    for status in set(Status) - {Status.SUCCEEDED}:
        add(ledger, status)
    assert ledger.totals() == {"CHF": Total(350, 0), "JPY": Total(7, 0)}


def test_totals_and_charges_know_what_was_refunded(ledger: Ledger) -> None:
    charge = add(ledger, amount=500)
    for status in (*RefundStatus, RefundStatus.SUCCEEDED):
        order = RefundOrder(charge=charge.id, amount=100, reference="back")
        ledger.refunds.add(
            order,
            AS_USUAL,
            currency=charge.currency,
            account=charge.account,
            live=charge.live,
            webhook_url="",
            status=status,
        )
    add(ledger, amount=7)
    assert ledger.totals()["CHF"] == Total(507, 200)
    assert ledger.totals()["CHF"].kept == 307
    assert [charge.refunded for charge in ledger.charges.all()] == [200, 0]


def test_a_charge_of_nothing_is_refused(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add(ledger, amount=0)


def test_only_one_of_many_threads_moves_a_charge(ledger: Ledger) -> None:
    charge = add(ledger, Status.REQUIRES_ACTION)
    moved: list[bool] = []
    barrier = threading.Barrier(8)

    def move() -> None:
        barrier.wait()
        to = Status.SUCCEEDED
        moved.append(ledger.charges.move(charge.id, allowed={Status.REQUIRES_ACTION}, status=to))

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(moved) == [False] * 7 + [True]


def test_charges_come_newest_first_and_in_pages(ledger: Ledger) -> None:
    charges = [add(ledger) for _ in range(5)]
    assert ledger.charges.newest() == charges[::-1]
    assert ledger.charges.newest(limit=2, offset=1) == [charges[3], charges[2]]
    assert ledger.charges.by_reference("r") == charges


def test_all_charges_are_read_from_the_oldest_while_others_arrive(ledger: Ledger) -> None:
    charges = [add(ledger) for _ in range(5)]
    assert ledger.charges.page(limit=2) == charges[:2]
    assert ledger.charges.page(charges[1].id, limit=2) == charges[2:4]
    assert ledger.charges.page(charges[4].id) == []
    seen = []
    for charge in ledger.charges.all():
        seen.append(charge)
        if len(seen) == 5:
            charges.append(add(ledger))
    assert seen == charges[:5] or seen == charges


def test_a_closed_reference_stays_closed(ledger: Ledger) -> None:
    ledger.charges.close_reference("r")
    ledger.charges.close_reference("r")
    assert ledger.charges.is_closed("r")
    assert not ledger.charges.is_closed("s")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ("amount", {"amount": 101}),
        ("currency", {"currency": "XTS"}),
        ("account", {"account": "acct_sandbox_other"}),
        ("mode", {"live": True}),
    ],
)
def test_the_ledger_can_be_made_wrong(
    ledger: Ledger, wrong: str, fields: dict[str, object]
) -> None:
    charge = ledger.charges.add(order(), Conduct(wrong=wrong), Status.SUCCEEDED)
    expected = {"amount": 100, "currency": "CHF", "account": "acct_sandbox", "live": False}
    assert {name: getattr(charge, name) for name in expected} == expected | fields


def test_ledger_and_clock_survive_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite3")
    store = Store(path)
    charge = add(Ledger(store))
    Ledger(store).advance(3600)
    store.close()

    store = Store(path)
    ledger = Ledger(store)
    assert ledger.charges.newest() == [charge]
    assert ledger.clock.offset == 3600
    store.close()
