from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments_ui.testing.psp.calls import KEY_LIFE, Answer, KeyBusyError, KeyReusedError, Keys
from payments_ui.testing.psp.ledger.clock import Clock
from payments_ui.testing.psp.ledger.store import Store

DECLINED = Answer(402, "no")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> Iterator[Keys]:
    store = Store()
    yield Keys(store, clock)
    store.close()


def test_the_first_answer_is_kept_errors_included(keys: Keys) -> None:
    assert keys.claim("k", "f") is None
    keys.keep("k", DECLINED)
    assert keys.claim("k", "f") == DECLINED


def test_other_parameters_are_refused(keys: Keys) -> None:
    keys.claim("k", "f")
    keys.keep("k", DECLINED)
    with pytest.raises(KeyReusedError):
        keys.claim("k", "other")


def test_a_key_in_use_is_busy(keys: Keys, clock: Clock) -> None:
    keys.claim("k", "f")
    clock.advance(2 * KEY_LIFE)
    with pytest.raises(KeyBusyError):
        keys.claim("k", "f")


def test_a_released_key_is_free(keys: Keys) -> None:
    keys.claim("k", "f")
    keys.release("k")
    assert keys.claim("k", "other") is None


def test_keys_are_forgotten_after_a_day(keys: Keys, clock: Clock) -> None:
    keys.claim("k", "f")
    keys.keep("k", DECLINED)
    clock.advance(KEY_LIFE - 10)
    assert keys.claim("k", "f") == DECLINED
    clock.advance(10)
    assert keys.claim("k", "f") is None


def test_only_one_of_many_threads_gets_the_key(keys: Keys) -> None:
    results: list[str] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        try:
            results.append("mine" if keys.claim("k", "f") is None else "answered")
        except KeyBusyError:
            results.append("busy")

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["busy"] * 7 + ["mine"]


def test_a_request_that_was_cut_off_by_a_stop_does_not_block_its_key(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite3")
    store = Store(path)
    Keys(store, Clock()).claim("k", "f")
    store.close()
    store = Store(path)
    assert Keys(store, Clock()).claim("k", "f") is None
    store.close()
