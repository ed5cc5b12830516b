"""A second try forgives a wait in vain, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Error as PlaywrightError

from e2e import second_try
from e2e.second_try import has_waited_in_vain

pytest_plugins = ["pytester"]

#: Journeys by what goes wrong in each; the first two are well at their second try.
JOURNEYS = """
    import pytest
    from playwright.sync_api import TimeoutError

    tries = []

    @pytest.fixture
    def policy(request):
        yield
        if request.node.name == "test_violated":
            assert not "violations"

    opened = []

    @pytest.fixture
    def page():
        opened.append("page")
        if len(opened) == 1:
            raise TimeoutError("the page did not come")

    def test_opened(page):
        pass

    def test_hiccup():
        tries.append("hiccup")
        if len(tries) == 1:
            raise TimeoutError("the heading did not come")

    def test_never():
        tries.append("never")
        raise TimeoutError("nor at the second try")

    def test_money():
        tries.append("money")
        assert 36 == 72

    def test_violated(policy):
        tries.append("violated")
        raise TimeoutError("and the policy is violated")

    def test_tries():
        assert tries == ["hiccup", "hiccup", "never", "never", "money", "violated"]
"""


@pytest.fixture
def journeys(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of its own, in CI."""
    pytester.makepyfile(JOURNEYS)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(second_try, "ROOT", pytester.path)
    return pytester


def run(journeys: pytest.Pytester) -> pytest.RunResult:
    options = ("-p", "no:django", "-p", "no:cacheprovider", "-p", "no:xdist")
    return journeys.runpytest_inprocess(*options, plugins=[second_try])


def test_a_hiccup_is_named_and_shown_and_nothing_else_is_forgiven(
    journeys: pytest.Pytester,
) -> None:
    result = run(journeys)
    assert result.parseoutcomes() == {"flaky": 2, "passed": 3, "failed": 3, "errors": 1}
    result.stdout.fnmatch_lines(["*the page did not come*", "*the heading did not come*"])
    result.stdout.fnmatch_lines(["FLAKY *::test_opened", "FLAKY *::test_hiccup"])


def test_too_many_hiccups_are_none(
    journeys: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys.makepyfile(JOURNEYS.partition("    def test_never")[0])
    assert run(journeys).ret == pytest.ExitCode.OK
    monkeypatch.setattr(second_try, "MOST", 0)
    assert run(journeys).ret == pytest.ExitCode.TESTS_FAILED


def test_by_hand_nothing_is_forgiven(
    journeys: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "")
    assert run(journeys).parseoutcomes() == {"failed": 5, "errors": 2}


def test_what_a_browser_was_waited_for_is_told_from_what_a_test_found_wrong(
    browser: Browser,
) -> None:
    page = browser.new_page()
    nowhere = page.get_by_role("heading", name="Nowhere")

    def compared() -> None:
        assert page.title() == "Nowhere"

    waits: dict[Callable[[], object], bool] = {
        lambda: expect(nowhere).to_be_visible(timeout=1): True,
        lambda: nowhere.click(timeout=1): True,
        lambda: page.evaluate("nowhere()"): False,
        compared: False,
    }
    for act, is_hiccup in waits.items():
        with pytest.raises((AssertionError, PlaywrightError)) as error:
            act()
        assert has_waited_in_vain(error) == is_hiccup, error.value
    page.close()
