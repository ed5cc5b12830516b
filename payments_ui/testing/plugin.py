"""Fixtures for pytest, and pytest-django: a PSP, named points, and books that have to be right.

In the `conftest.py` of your project::

    pytest_plugins = ["payments_ui.testing.plugin"]

Nothing registers it by itself, so that a suite which does not ask for it does not notice it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import pytest

from payments_ui.core.db.failpoints import Point

from .points import Action, Watch, at
from .psp import SandboxPSP

SetPoint = Callable[..., Watch]
CheckBooks = Callable[[], None]


@pytest.fixture(autouse=True, scope="session")
def _payments_books_can_be_flushed() -> Iterator[None]:
    # A test with real transactions ends by emptying all tables, which seals refuse on SQLite.
    from .seals import flushes_books

    with flushes_books():
        yield


@pytest.fixture
def payments_psp(request: pytest.FixtureRequest, settings: Any) -> Iterator[SandboxPSP]:
    """Start a PSP for this test, and let the site take payments there and nowhere else.

    The site gets two ways to pay: "sandbox" (test cards) and "sandbox-page" (a page at the
    PSP). Where the test uses `live_server` webhooks arrive over HTTP in the background; else
    `payments_psp.deliver_webhooks()` posts them to the site, in the test's own transaction. Nobody
    waits a minute to believe that a request never arrived.
    """
    from payments_ui.flows import psp_call

    from . import configured

    sender = None if "live_server" in request.fixturenames else configured.deliver
    with configured.new_psp(sender) as psp:
        paths = configured.moochers_of(psp)
        ours = {"MOOCHERS": paths, "ALLOW_SANDBOX": True}
        settings.PAYMENTS_UI = {**getattr(settings, "PAYMENTS_UI", {}), **ours}
        with patch.object(psp_call, "GRACE", dt.timedelta(0)):
            yield psp
    configured.forget(paths)


@pytest.fixture
def payments_points() -> Iterator[SetPoint]:
    """Set what happens at a named point, until the test ends; takes what `points.at` takes."""
    with ExitStack() as stack:

        def set_point(point: Point | str, action: Action | None = None, **options: Any) -> Watch:
            return stack.enter_context(at(point, action, **options))

        yield set_point


@pytest.fixture
def payments_books(request: pytest.FixtureRequest, db: None) -> Iterator[CheckBooks]:
    """Fail the test if our books are wrong at its end; call it to look at any time.

    The auditor looks at every promise about the database. With `payments_psp`, what it took
    and gave back has to be what the database says; so settle what is open before the end.
    """
    uses_psp = "payments_psp" in request.fixturenames
    psp = request.getfixturevalue("payments_psp") if uses_psp else None

    def check() -> None:
        if found := _wrong(psp):
            pytest.fail("The books are wrong:\n" + "\n".join(found), pytrace=False)

    yield check
    check()


def _wrong(psp: SandboxPSP | None) -> list[str]:
    from payments_ui.core.audit import audit

    found = [f"{one.rule}: {one.kind} {one.id}: {one.detail}" for one in audit()]
    if psp is None:
        return found
    from .oracle import compare

    return found + compare(psp)
