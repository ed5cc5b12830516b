from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point, hit
from payments_ui.testing.failpoints import Gate, acting_as, at, call, kill, raise_, sleep

HERE = Point.CHARGE_AFTER_PSP


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_nothing_is_set_outside_of_the_block() -> None:
    with at(HERE, raise_(RuntimeError)):
        assert list(failpoints.actions) == [HERE]
    assert failpoints.actions == {}
    hit(HERE)


def test_what_is_not_reached_does_not_happen() -> None:
    with at(HERE, kill()) as watch:
        hit(Point.CHARGE_BEFORE_CALL)
    assert watch.hits == 0


def test_nothing_stays_set_when_the_block_fails() -> None:
    with pytest.raises(RuntimeError), at(HERE, raise_(RuntimeError("crashed"))):
        hit(HERE)
    assert failpoints.actions == {}


def test_a_watch_counts_and_does_nothing_by_itself() -> None:
    with at("charge.after_psp") as watch:
        for _time in range(3):
            hit(HERE)
        hit(Point.CHARGE_BEFORE_CALL)
    assert watch.hits == 3


@pytest.mark.parametrize("name", ["charge", "", "charge.after_psp "])
def test_a_point_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="Point"), at(name):
        pass


def test_times_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"), at(HERE, on_hit=0):
        pass


def test_an_action_may_be_for_one_time_only() -> None:
    done: list[int] = []
    with at(HERE, call(lambda: done.append(watch.hits)), on_hit=2) as watch:
        for _time in range(4):
            hit(HERE)
    assert done == [2]
    assert watch.hits == 4


def test_several_watches_act_in_the_order_they_came() -> None:
    done: list[str] = []
    with at(HERE, call(lambda: done.append("first"))) as first:
        with at(HERE, call(lambda: done.append("second"))):
            hit(HERE)
        hit(HERE)
    assert done == ["first", "second", "first"]
    assert first.hits == 2


def test_an_action_may_be_for_this_thread_only() -> None:
    with at(HERE, this_thread=True) as watch:
        in_thread(lambda: hit(HERE)).join()
        assert watch.hits == 0
        hit(HERE)
    assert watch.hits == 1


def test_an_action_may_be_for_one_actor_only() -> None:
    def act(name: str) -> None:
        with acting_as(name):
            hit(HERE)

    with at(HERE, actor="clerk") as watch:
        for name in ("clerk", "customer", "clerk"):
            in_thread(lambda name=name: act(name)).join()  # type: ignore[misc]
        hit(HERE)
        with acting_as("clerk"), acting_as("customer"):
            hit(HERE)
    assert watch.hits == 2


def test_a_gate_holds_whoever_comes_until_it_is_opened() -> None:
    gate = Gate()
    passed = threading.Event()

    def pass_by() -> None:
        hit(HERE)
        passed.set()

    with at(HERE, gate):
        thread = in_thread(pass_by)
        gate.arrived()
        assert not passed.wait(0.02)
        gate.open()
        thread.join()
        hit(HERE)
    assert passed.is_set()


def test_a_gate_is_opened_even_where_the_test_fails() -> None:
    gate = Gate()

    def fail() -> None:
        with gate.held():
            raise ZeroDivisionError

    with at(HERE, gate):
        thread = in_thread(lambda: hit(HERE))
        with pytest.raises(ZeroDivisionError):
            fail()
        thread.join()


def test_a_gate_does_not_wait_for_ever() -> None:
    gate = Gate(patience=0.01)
    with pytest.raises(AssertionError, match="No thread came"):
        gate.arrived()
    with at(HERE, gate), pytest.raises(AssertionError, match="not opened"):
        hit(HERE)


def test_sleeping_takes_time() -> None:
    before = time.monotonic()
    with at(HERE, sleep(0.02)):
        hit(HERE)
    assert time.monotonic() - before >= 0.02


def test_a_killed_process_cleans_nothing_up() -> None:
    script = """
from payments_ui.core.db.failpoints import Point, hit
from payments_ui.testing.failpoints import at, kill
try:
    with at(Point.CHARGE_AFTER_PSP, kill()):
        print("before", flush=True)
        hit(Point.CHARGE_AFTER_PSP)
finally:
    print("after")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (-9, b"before\n")


def test_no_environment_variable_sets_an_action() -> None:
    script = "import payments_ui.core.db.failpoints as p; print(len(p.actions), 'os' in vars(p))"
    names = {name: "kill" for point in Point for name in (point.value, point.name)}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=names, capture_output=True, check=True, text=True
    )
    assert done.stdout == "0 False\n"


def test_testing_needs_neither_django_nor_pytest_to_be_imported() -> None:
    script = """
import sys
import payments_ui.testing, payments_ui.testing.failpoints, payments_ui.testing.psp
print({"django", "pytest", "_pytest"} & set(sys.modules))
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout == "set()\n"
