"""In CI, a journey that waited in vain is walked a second time, and named: it is flaky.

Several hundred journeys on a machine that other programs use, too, meet a hiccup now and then. One
thing only is forgiven: a browser was waited for, and what was expected did not come in time. What a
test itself finds wrong (money, states, requests), and what its fixtures find when it is over
(violations of the policy, complaints of the browser, errors of the site), counts at once. So do
more hiccups than `MOST`. By hand there is no second try, unless with ``CI=true``.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from _pytest.terminal import TerminalReporter
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from e2e.engines.window import WaitedInVainError

ROOT = Path(__file__).resolve().parent
#: One in a hundred journeys. More is no hiccup: the site, or the suite, has become too slow.
MOST = 4
FLAKY = "flaky"


def has_waited_in_vain(error: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether a browser did not come to show, or to do, what was waited for."""
    if isinstance(error.value, PlaywrightTimeoutError | WaitedInVainError):
        return True
    # An assertion of `expect`; those that a test writes itself wait for nothing.
    module = str(error.traceback[-1].frame.f_globals.get("__name__"))
    return isinstance(error.value, AssertionError) and module.partition(".")[0] == "playwright"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how the test failed: the report has only words."""
    report = yield
    # Fixtures open pages, too; what they find afterwards is no wait.
    error = call.excinfo if report.when in ("setup", "call") else None
    report.is_hiccup = error is not None and has_waited_in_vain(error)  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run the test, and where nothing but a wait was in vain, once more."""
    if os.environ.get("CI") != "true" or not item.path.is_relative_to(ROOT):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failed = [report for report in reports if report.failed]
    if failed and all(report.is_hiccup for report in failed):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in reports):
            for report in failed:
                report.outcome = FLAKY  # type: ignore[assignment]
            reports = [*failed, *reports]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count a first try in vain on its own."""
    return (FLAKY, "f", "FLAKY") if report.outcome == FLAKY else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Show what went wrong at each first try, and name the tests."""
    reports = terminalreporter.getreports(FLAKY)
    if not reports:
        return
    terminalreporter.section("waited in vain at the first try")
    for report in reports:
        terminalreporter.write_sep("_", report.nodeid)
        terminalreporter.write_line(report.longreprtext)
    for report in reports:
        terminalreporter.write_line(f"FLAKY {report.nodeid}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which too many had a second try."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and len(reporter.getreports(FLAKY)) > MOST and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\nMore than {MOST} journeys needed a second try.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
