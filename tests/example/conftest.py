"""The example runs in a process of its own, as a visitor starts it, with settings of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPMessage
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.ports import free_port

MANAGE = Path(__file__).parents[2] / "example_project" / "manage.py"
#: The sdist ships the package's tests without the example project.
collect_ignore_glob = [] if MANAGE.exists() else ["test_*.py"]

Manage = Callable[..., "subprocess.Popen[str]"]


@dataclass(frozen=True)
class Answer:
    """What the site answered, after redirects."""

    status: int
    url: str
    headers: HTTPMessage
    text: str


@dataclass
class Visitor:
    """A browser without JavaScript: cookies, pages, and forms with their CSRF tokens."""

    base: str
    jar: CookieJar = field(default_factory=CookieJar)

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._open(path)

    def post(self, path: str, *, on: str = "/", **data: str) -> Answer:
        """Send a form that is on the page ``on``."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(on).text)
        assert token, f"no form on {on}"
        body = urlencode({"csrfmiddlewaretoken": token[1], "next": on, **data}).encode()
        return self._open(path, body)

    def switch(self, **preferences: str) -> None:
        """Set the switches in the footer by their cookie."""
        host = urlsplit(self.base).hostname or ""
        self.jar.set_cookie(_cookie("showroom", urlencode(preferences), host))

    def _open(self, path: str, body: bytes | None = None) -> Answer:
        request = Request(self.base + path, body, {"Origin": self.base})  # noqa: S310 - http
        opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.jar))
        try:
            response = opener.open(request, timeout=20)
        except HTTPError as error:
            response = error
        with response:
            return Answer(response.status, response.url, response.headers, response.read().decode())


def _cookie(name: str, value: str, host: str) -> Cookie:
    return Cookie(
        version=0, name=name, value=value, port=None, port_specified=False, domain=host,
        domain_specified=False, domain_initial_dot=False, path="/", path_specified=True,
        secure=False, expires=None, discard=True, comment=None, comment_url=None, rest={},
    )  # fmt: skip


@pytest.fixture
def manage(tmp_path: Path) -> Manage:
    """Return a way to run the example's commands, on data of this test's own."""
    return partial(start, tmp_path)


def start(var: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command of the example's on the data in ``var``."""
    environment = {
        name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
    }
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(MANAGE), *arguments],
        env=environment | {"HILLSHADE_VAR": str(var), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the demo and return its address."""
    port = free_port(following=1)
    demo = start(tmp_path_factory.mktemp("hillshade"), "demo", "--port", str(port))
    try:
        yield until_it_answers(f"http://127.0.0.1:{port}", demo)
    finally:
        demo.terminate()
        demo.communicate(timeout=20)


@pytest.fixture
def visitor(site: str) -> Visitor:
    """Return a first visitor."""
    return Visitor(site)


def until_it_answers(url: str, demo: subprocess.Popen[str], seconds: float = 180) -> str:
    """Wait for the site, and return its address; fail with its output if it ends."""
    end = monotonic() + seconds
    while monotonic() < end:
        if demo.poll() is not None:
            pytest.fail(f"The demo ended with {demo.returncode}: {demo.communicate()[0]}")
        try:
            build_opener().open(f"{url}/prices/", timeout=5).close()
        except OSError:
            # Nobody listens yet, or hangs up.
            sleep(0.1)
        else:
            return url
    raise AssertionError(f"No answer from {url} in {seconds} s")
