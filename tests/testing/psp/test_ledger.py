from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments_ui.testing.psp import Order, Status, Total
from payments_ui.testing.psp.faults import AS_USUAL, Conduct
from payments_ui.testing.psp.ledger import Charge, Ledger
from payments_ui.testing.psp.refunds import RefundOrder, RefundStatus
from payments_ui.testing.psp.store import Store


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
    return ledger.add(order(**fields), AS_USUAL, status)  # type: ignore[arg-type]


def test_a_charge_is_read_as_it_was_written(ledger: Ledger) -> None:
    conduct = Conduct(copies=2, decline="expired_card")
    charge = ledger.add(order(), conduct, Status.PROCESSING, due_at=5.0)
    assert ledger.get(charge.id) == charge
    assert ledger.by_token(charge.page_token) == charge
    assert charge.conduct == conduct
    assert charge.metadata == {"attempt": "a"}


def test_what_is_not_there_is_none(ledger: Ledger) -> None:
    assert ledger.get("ch_0") is None
    assert ledger.by_token("") is None
    assert ledger.by_reference("r") == []


def test_totals_count_what_was_taken_by_currency(ledger: Ledger) -> None:
    for amount in (100, 250):
        add(ledger, amount=amount)
    add(ledger, amount=7, currency="JPY")
    for status in set(Status) - {Status.SUCCEEDED}:
        add(ledger, status)
    assert ledger.totals() == {"CHF": Total(350, 0), "JPY": Total(7, 0)}


def test_totals_and_charges_know_what_was_given_back(ledger: Ledger) -> None:
    charge = add(ledger, amount=500)
    for status in (*RefundStatus, RefundStatus.SUCCEEDED):
        order = RefundOrder(charge=charge.id, amount=100, reference="back")
        ledger.refunds.add(order, charge, AS_USUAL, status)
    add(ledger, amount=7)
    assert ledger.totals()["CHF"] == Total(507, 200)
    assert ledger.totals()["CHF"].kept == 307
    assert [one.refunded for one in ledger.every()] == [200, 0]


def test_nothing_is_never_a_charge(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add(ledger, amount=0)


def test_only_one_of_many_threads_moves_a_charge(ledger: Ledger) -> None:
    charge = add(ledger, Status.REQUIRES_ACTION)
    moved: list[bool] = []
    barrier = threading.Barrier(8)

    def move() -> None:
        barrier.wait()
        to = Status.SUCCEEDED
        moved.append(ledger.move(charge.id, to, allowed={Status.REQUIRES_ACTION}))

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(moved) == [False] * 7 + [True]


def test_charges_come_newest_first_and_in_pages(ledger: Ledger) -> None:
    charges = [add(ledger) for _ in range(5)]
    assert ledger.charges() == charges[::-1]
    assert ledger.charges(limit=2, offset=1) == [charges[3], charges[2]]
    assert ledger.by_reference("r") == charges


def test_charges_are_gone_through_from_the_oldest_while_others_arrive(ledger: Ledger) -> None:
    charges = [add(ledger) for _ in range(5)]
    assert ledger.page(limit=2) == charges[:2]
    assert ledger.page(charges[1].id, limit=2) == charges[2:4]
    assert ledger.page(charges[4].id) == []
    seen = []
    for charge in ledger.every():
        seen.append(charge)
        if len(seen) == 5:
            charges.append(add(ledger))
    assert seen == charges[:5] or seen == charges


def test_a_closed_reference_stays_closed(ledger: Ledger) -> None:
    ledger.close_reference("r")
    ledger.close_reference("r")
    assert ledger.is_closed("r")
    assert not ledger.is_closed("s")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ("amount", {"amount": 101}),
        ("currency", {"currency": "XTS"}),
        ("account", {"account": "acct_sandbox_other"}),
        ("mode", {"live": True}),
    ],
)
def test_the_books_can_be_made_wrong(ledger: Ledger, wrong: str, fields: dict[str, object]) -> None:
    charge = ledger.add(order(), Conduct(wrong=wrong), Status.SUCCEEDED)
    expected = {"amount": 100, "currency": "CHF", "account": "acct_sandbox", "live": False}
    assert {name: getattr(charge, name) for name in expected} == expected | fields


def test_books_and_clock_survive_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "books.sqlite3")
    store = Store(path)
    charge = add(Ledger(store))
    Ledger(store).advance(3600)
    store.close()

    store = Store(path)
    ledger = Ledger(store)
    assert ledger.charges() == [charge]
    assert ledger.clock.offset == 3600
    store.close()
