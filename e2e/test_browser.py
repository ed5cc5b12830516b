"""The browser itself: a journey that fails should not leave one wondering about that."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from e2e import browser as finder


def test_the_browser_shows_a_page_and_runs_its_script(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<p role='status'></p><script>document.querySelector('p').append(6 * 7)</script>"
    )
    expect(page.get_by_role("status")).to_have_text("42")
    page.close()


def test_a_browser_asked_for_by_name_is_never_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(finder.SETTING, str(tmp_path / "missing"))
    with pytest.raises(finder.NoBrowserError, match="does not start as a browser"):
        finder.find_or_install()


def test_no_browser_and_no_way_to_get_one_is_an_error_that_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(finder.SETTING, raising=False)
    monkeypatch.setattr(finder, "_candidates", lambda: iter([]))
    monkeypatch.setattr(finder, "_attempt", lambda *command: False)
    assert finder.main() == 1
    assert f"{finder.SETTING}=/path/to/chromium" in capsys.readouterr().err
