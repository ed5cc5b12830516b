"""The start of a process, with the kit and without it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from bench.contest import Contestant, Row
from bench.results import Number
from bench.sizes import Size

# What writes English amounts is our tests', and brings Babel along before any site would load it.
_PROGRAM = """
import re
import sys
from types import SimpleNamespace
sys.modules["tests.english"] = SimpleNamespace(write_amounts=lambda: None)
import django
from django.urls import get_resolver
django.setup()
get_resolver().url_patterns
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


class Start(Contestant):
    """A process that has read its settings, apps and URLs."""

    is_here = False

    def __init__(self, name: str, settings: str, compiled: str) -> None:
        super().__init__(name)
        # As installed: pip compiles what it installs, and a checkout may be told not to.
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPYCACHEPREFIX": compiled,
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        #: Bytes that it held, at least.
        self.memory = sys.maxsize
        self.run(None)
        # The first one compiled.
        self.memory = sys.maxsize

    def run(self, subject: None) -> None:
        command = [sys.executable, "-c", _PROGRAM]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True
        )
        self.memory = min(self.memory, int(done.stdout) * 1024)


def rows(size: Size) -> Iterator[Row | Number]:
    """The rows about starting."""
    with TemporaryDirectory() as compiled:
        kit = Start("kit", "tests.settings", compiled)
        bare = Start("bare Django", "bench.settings_bare", compiled)
        yield Row(key="start", title="start of a process", kit=kit, anchors=[bare])
    yield Number(
        key="start-memory",
        title="start of a process: bytes of memory that the kit adds",
        value=kit.memory - bare.memory,
        beside=f"bare Django holds {bare.memory:,}",
    )
