"""Fixtures for pytest and pytest-django: a fake PSP, failpoints, and books that have to be right.

In the `conftest.py` of your project::

    pytest_plugins = ["payments_ui.testing.plugin"]

The plugin registers nothing by itself, so a suite that does not name it does not notice it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from payments_ui.core.db.failpoints import Point

from .failpoints import Action, Watch, at
from .psp import SandboxPSP

if TYPE_CHECKING:
    from pytest_django import Settings

SetFailpoint = Callable[..., Watch]
CheckBooks = Callable[[], None]

# Fixtures import what needs Django: pytest loads the plugin before pytest-django sets it up.


@pytest.fixture(autouse=True, scope="session")
def _payments_books_can_be_flushed() -> Iterator[None]:
    from .flush import flushes_books

    with flushes_books():
        yield


@pytest.fixture
def payments_psp(request: pytest.FixtureRequest, settings: Settings) -> Iterator[SandboxPSP]:
    """Start a fake PSP for this test, and let the site take payments only there.

    The site gets two payment options: "sandbox" (test cards) and "sandbox-page" (a page at the
    PSP). Where the test uses `live_server`, webhooks arrive over HTTP in the background; otherwise
    `payments_psp.deliver_webhooks()` posts them to the site, in the test's own transaction. The
    site does not wait before it believes that a request never arrived at the PSP.
    """
    from payments_ui.flows import psp_call

    from .moochers import InProcessMoocher, deliver, forget, listed, new_psp

    with new_psp(None if "live_server" in request.fixturenames else deliver) as psp:
        moochers = [InProcessMoocher(psp_url=psp.url, kind=kind) for kind in ("card", "redirect")]
        paths = listed(*moochers)
        settings.PAYMENTS_UI = {**getattr(settings, "PAYMENTS_UI", {}), "MOOCHERS": paths}
        with patch.object(psp_call, "GRACE", dt.timedelta(0)):
            yield psp
        forget(paths)


@pytest.fixture
def payments_failpoints() -> Iterator[SetFailpoint]:
    """Return a function that sets what happens at a point until the test ends.

    It takes what `payments_ui.testing.failpoints.at` takes, and returns the watch.
    """
    with ExitStack() as stack:

        def set_failpoint(
            point: Point | str, action: Action | None = None, **options: Any
        ) -> Watch:
            return stack.enter_context(at(point, action, **options))

        yield set_failpoint


@pytest.fixture
def payments_books(request: pytest.FixtureRequest, db: None) -> Iterator[CheckBooks]:
    """Fail the test if the books are wrong at its end; call it to check them at any time.

    The auditor checks what the database promises. With `payments_psp`, the ledger of the PSP and
    the database have to agree about money; so settle open attempts before the test ends.
    """
    uses_psp = "payments_psp" in request.fixturenames
    psp: SandboxPSP | None = request.getfixturevalue("payments_psp") if uses_psp else None

    def check() -> None:
        from payments_ui.core.audit import audit

        from .psp_comparison import compare

        found = [f"{one.rule}: {one.kind} {one.id}: {one.detail}" for one in audit()]
        if psp is not None:
            found += compare(psp)
        if found:
            pytest.fail("The books are wrong:\n" + "\n".join(found), pytrace=False)

    yield check
    check()
