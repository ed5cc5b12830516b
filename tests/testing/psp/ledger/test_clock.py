from __future__ import annotations

import time

import pytest

from payments_ui.testing.psp.ledger.clock import Clock


def test_a_day_passes_without_waiting() -> None:
    clock = Clock()
    clock.advance(86400)
    before, now, after = time.time(), clock.now(), time.time()
    assert before + 86400 <= now <= after + 86400
    assert clock.offset == 86400


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_the_clock_never_goes_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(seconds)
