"""`make load`: 200 people record uses, poll and pay on the example site for a minute.

Hillshade under gunicorn with PostgreSQL (as the tests find it), the sandbox beside it, driven by
Locust. Nothing may fail, the auditor finds nothing, and the sandbox's books equal ours. Ten
seconds long unless TORTURE=1. Exit code 5 where Locust or gunicorn is not installed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import django

from load import report
from payments_ui.testing.psp import SandboxPSP

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 200
SECONDS = 60 if os.environ.get("TORTURE") == "1" else 10
PATHS = [str(ROOT), str(ROOT / "example_project")]
SECRETS = {"LOAD_API_KEY": "key of the load test", "LOAD_WEBHOOK_SECRET": "secret of the load test"}


def main() -> int:
    """Run it; 1 where something is wrong."""
    if not (find_spec("locust") and find_spec("gunicorn")):
        print("Not run: pip install -e '.[qr]' --group load")
        return 5
    company = SandboxPSP(
        api_key=SECRETS["LOAD_API_KEY"], webhook_secret=SECRETS["LOAD_WEBHOOK_SECRET"]
    )
    with company as psp, tempfile.TemporaryDirectory() as folder:
        return _run(psp, Path(folder))


def _run(psp: SandboxPSP, folder: Path) -> int:
    os.environ |= SECRETS | {
        "DJANGO_SETTINGS_MODULE": "load.settings",
        "HILLSHADE_SANDBOX_URL": psp.url,
        "LOAD_PEOPLE": str(folder / "people.json"),
        "PYTHONPATH": os.pathsep.join(PATHS),
    }
    sys.path[:0] = PATHS
    django.setup()
    from bench import database
    from load.people import seed

    with database.fresh():
        from django.db import connection

        os.environ["LOAD_DATABASE"] = connection.settings_dict["NAME"]
        Path(os.environ["LOAD_PEOPLE"]).write_text(json.dumps(seed(PEOPLE)))
        began = time.monotonic()
        with serving(folder / "site.log") as url:
            stats = drive(url)
            said = (folder / "site.log").read_text()
            wrong = [*after(psp), *([f"the site said: {said[-2000:]}"] if said else [])]
        seconds = time.monotonic() - began
        return report.tell(stats, wrong, seconds, SECONDS)


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """The site under gunicorn, until the end of the block; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    words = ["--bind", address, "--workers", "2", "--threads", "8", "--log-level", "error"]
    # Longer than customers wait: a line that is closed just when one asks looks like an error.
    words += ["--keep-alive", "60"]
    with log.open("w") as said:
        command = [sys.executable, "-m", "gunicorn", *words, "hillshade.wsgi:application"]
        process = subprocess.Popen(command, cwd=ROOT, stderr=said)
    try:
        _wait_for(f"http://{address}/")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urlopen(url, timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def drive(url: str) -> list[dict[str, Any]]:
    """Let the customers come; Locust's statistics of each kind of request."""
    words = [
        "--headless",
        "--json",
        "--loglevel",
        "ERROR",
        "--only-summary",
        "--host",
        url,
        "--stop-timeout",
        "20",
    ]
    words += ["--users", str(PEOPLE), "--spawn-rate", "40", "--run-time", f"{SECONDS}s"]
    command = [sys.executable, "-m", "locust", "--locustfile", "load/locustfile.py", *words]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    )
    stats: list[dict[str, Any]] = json.loads(done.stdout)
    return stats


def after(psp: SandboxPSP) -> Iterator[str]:
    """What is wrong with the books when everybody has gone."""
    from payments_ui.core.models import Attempt, Payment
    from payments_ui.testing.psp_comparison import compare

    psp.deliver_webhooks(30)
    yield from (f"open: {attempt!r}" for attempt in Attempt.objects.open())
    yield from compare(psp)
    command = [sys.executable, "-m", "django", "audit_payments"]
    audit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if audit.returncode:
        yield f"audit_payments: {audit.returncode} {audit.stdout} {audit.stderr[-2000:]}"
    if not Payment.objects.charged().exists():
        yield "nobody has paid"


if __name__ == "__main__":
    raise SystemExit(main())
