"""Run the fake PSP from the command line until it is interrupted."""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence

from .server import SandboxPSP

# No secrets: they open a server without money on this machine, and nothing else.
API_KEY = "sandbox-api-key"
WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105


def main(argv: Sequence[str] | None = None, until: threading.Event | None = None) -> int:
    """Serve until interrupted, terminated or `until` is set; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m payments_ui.testing.psp",
        description="A fake PSP on 127.0.0.1: no real money, no cards.",
    )
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port")
    parser.add_argument("--ledger", default=":memory:", help="file of the ledger")
    parser.add_argument("--account", default="acct_sandbox", help="account of the charges")
    key = os.environ.get("SANDBOX_API_KEY", API_KEY)
    parser.add_argument("--api-key", default=key, help="or SANDBOX_API_KEY")
    secret = os.environ.get("SANDBOX_WEBHOOK_SECRET", WEBHOOK_SECRET)
    parser.add_argument("--webhook-secret", default=secret, help="or SANDBOX_WEBHOOK_SECRET")
    help_text = "where events of Stripe's API are sent"
    parser.add_argument("--stripe-webhook-url", default="", help=help_text)
    options = parser.parse_args(argv)
    stripe_webhook_url = vars(options).pop("stripe_webhook_url")
    done = until or _interrupted()
    try:
        psp = SandboxPSP(**vars(options))
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"The fake PSP cannot listen on port {options.port}: {error}\n")
        return 1
    except sqlite3.Error as error:
        sys.stderr.write(f"The fake PSP cannot open its ledger {options.ledger}: {error}\n")
        return 1
    with psp:
        if stripe_webhook_url:
            psp.stripe.listen(stripe_webhook_url)
        sys.stdout.write(f"Sandbox PSP (no real money): {psp.url}\n")
        sys.stdout.flush()
        done.wait()
    return 0


def _interrupted() -> threading.Event:
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    return done


if __name__ == "__main__":
    sys.exit(main())
