"""A machine that lacks an engine: it is said, and CI does not pass without."""

from __future__ import annotations

import shutil

import pytest

from e2e.engines import found
from e2e.engines.conftest import do_without
from e2e.engines.found import NoEngineError


@pytest.mark.parametrize("engine", ["firefox", "webkit"])
@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_engine_is_skipped_with_the_way_out_but_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, engine: str, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=f"playwright install {engine}.*apt-get install"):
        do_without(NoEngineError(engine))


@pytest.mark.parametrize("engine", ["firefox", "webkit"])
def test_a_browser_without_its_driver_is_none(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(found, "files", lambda name: [])
    assert found.of_system(engine) is None
